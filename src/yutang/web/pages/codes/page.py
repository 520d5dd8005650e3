"""The list of live codes, and one of them: its picture, what came of it, and who came by it last."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import ServerSentEvent

from yutang.web.access import Visitor
from yutang.web.edge import Edge, edge_of
from yutang.web.pages.codes import book, figures, picture
from yutang.web.pages.codes.book import Item
from yutang.web.pages.codes.figures import SPANS, Days, Funnel
from yutang.web.pages.codes.text import TEXT
from yutang.web.pages.page import Page
from yutang.web.problems import Problem
from yutang.web.progress import State, follow
from yutang.web.routes import look

SHOWN = 30
"""Codes on a page of the list."""
PATH = "/codes/{kind:str}/{app:str}/{name:str}"


@look("/codes", "codes")
def codes(request: Request) -> Response[bytes]:
    """The list; ``?q=&store=&account=&state=`` filter it, ``sort=name`` is its other order, ``days=`` the time of the figures."""
    edge, visitor = edge_of(request), request.state.visitor
    asked = {name: request.query_params.get(name, "").strip() for name in ("q", "store", "account", "state", "sort")}
    days, now = days_of(request), edge.clock()
    with edge.pool.lend() as conn:
        items = book.every(edge, conn, visitor)
        found = edge.shelf.get(("codes", days), partial(_of_all, edge, days))
        known, latest = found.value or ({}, {})
        items = [replace(item, latest=latest.get(item.name)) for item in items]
        shown = _sorted([item for item in items if _fits(item, asked, now)], known, asked["sort"])
        here, following, later = _cut(shown, request.query_params.get("after", ""))
        return _page(request, conn).show(
            "codes/list.html",
            asked=asked,
            days=days,
            spans=SPANS,
            now=now,
            every=len(items),
            rows=[(item, known.get((item.kind, item.name), Funnel())) for item in here],
            coming=found.value is None,
            stores=sorted({item.code.store for item in items if item.code.store}),
            accounts=book.accounts(edge, conn),
            states=book.STATES,
            following=following,
            later=later,
            **_problems(items, now),
        )


def _of_all(
    edge: Edge, days: int, conn: psycopg.Connection
) -> tuple[dict[tuple[str, str], Funnel], dict[str, datetime]]:
    """What came of every code, and when somebody last came by it; for everybody, whoever asks."""
    names = book.names(edge, conn)
    return figures.funnels(conn, edge.clock(), days, names), figures.latest(conn, names)


def days_of(request: Request) -> int:
    asked = request.query_params.get("days", "")
    return int(asked) if asked in {str(days) for days in SPANS} else 30


def _fits(item: Item, asked: dict[str, str], now: datetime) -> bool:
    """Retired codes are shown to whoever asks for them."""
    if asked["state"] == "quiet":
        fits = item.is_quiet(now)
    else:
        fits = item.state == asked["state"] if asked["state"] else item.state != "retired"
    return (
        fits
        and asked["store"] in ("", item.code.store)
        and asked["account"] in ("", item.account.source)
        and (not asked["q"] or asked["q"].lower() in _text(item))
    )


def _text(item: Item) -> str:
    """Where a search looks."""
    return " ".join([item.name, item.code.store or "", *item.code.tags, *item.names]).lower()


def _sorted(items: list[Item], known: dict[tuple[str, str], Funnel], sort: str) -> list[Item]:
    """By what came of them, or by name."""
    if sort == "name":
        return sorted(items, key=lambda item: item.id)
    return sorted(items, key=lambda item: (-known.get((item.kind, item.name), Funnel()).times, item.id))


def _cut(items: list[Item], after: str) -> tuple[list[Item], str | None, bool]:
    """A page of them, what the next one comes after, and whether this is a later one."""
    ids = [item.id for item in items]
    begin = ids.index(after) + 1 if after in ids else 0
    shown = items[begin : begin + SHOWN]
    return shown, shown[-1].id if len(items) > begin + SHOWN else None, begin > 0


def _problems(items: list[Item], now: datetime) -> dict[str, int]:
    """How many need somebody."""
    return {
        "broken": sum(item.state == "problem" for item in items),
        "quiet": sum(item.is_quiet(now) for item in items),
    }


@look(PATH, "codes")
def one(request: Request, kind: FromPath[str], app: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """One code. Its picture is looked for before the page is drawn, so that the page can say what is the matter with it."""
    edge, visitor = edge_of(request), request.state.visitor
    with edge.pool.lend() as conn:
        item = book.one(edge, conn, visitor, kind, app, name)
        item = replace(item, latest=figures.latest(conn, [name]).get(name))
    found = picture.fetch(item.account, item.code.qr_code) if item.code.qr_code else None
    days = days_of(request)
    with edge.pool.lend() as conn:
        page = _page(request, conn)
        seen = edge.shelf.get(("code", kind, name, days), partial(_figures, edge, kind, name, days))
        return page.show(
            "codes/page.html",
            item=item,
            code=item.code,
            picture=found,
            now=edge.clock(),
            days=days,
            spans=SPANS,
            funnel=seen.value[0] if seen.value else None,
            by_day=seen.value[1] if seen.value else None,
            coming=seen.value is None,
            chart=partial(_chart, page),
            arrivals=figures.arrivals(conn, visitor, kind, name) if visitor.can("people") else None,
        )


def _figures(edge: Edge, kind: str, name: str, days: int, conn: psycopg.Connection) -> tuple[Funnel, Days]:
    now = edge.clock()
    found = figures.funnels(conn, now, days, [name]).get((kind, name), Funnel())
    return found, figures.by_day(conn, now, kind, name, days)


def _chart(page: Page, by_day: Days) -> dict[str, Any]:
    series = [{"name": page.text("came"), "data": by_day.came}]
    if by_day.scanned != by_day.came:
        series.append({"name": page.text("times"), "data": by_day.scanned})
    return {"x": [f"{day:%m-%d}" for day in by_day.dates], "series": series, "unit": ""}


@look(PATH + "/progress", "codes")
def progress(request: Request, kind: FromPath[str], app: FromPath[str], name: FromPath[str]) -> ServerSentEvent:
    """Until the platform has made the picture, or says why it does not."""
    page, visitor = Page(request, texts=TEXT), request.state.visitor
    with edge_of(request).pool.lend() as conn:
        book.one(edge_of(request), conn, visitor, kind, app, name)
    return follow(request, partial(_state, page, edge_of(request), visitor, kind, app, name))


def _state(page: Page, edge: Edge, visitor: Visitor, kind: str, app: str, name: str, conn: psycopg.Connection) -> State:
    item = book.one(edge, conn, visitor, kind, app, name)
    return State(page.render("codes/making.html"), None if item.state == "making" else "")


@look(PATH + "/qr.png", "codes")
def qr(request: Request, kind: FromPath[str], app: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """The platform's picture; as a file with ``?save=1``."""
    found = picture_of(request, kind, app, name)
    named = {"content-disposition": "attachment"} if request.query_params.get("save") else {}
    return Response(found.data, media_type=found.kind, headers={"cache-control": "private, max-age=300", **named})


def picture_of(request: Request, kind: str, app: str, name: str) -> picture.Picture:
    """Raises Problem while there is none, or where it cannot be had."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        item = book.one(edge, conn, request.state.visitor, kind, app, name)
    if not item.code.qr_code:
        raise Problem(404, Page(request, texts=TEXT).text("picture.making"))
    found = picture.fetch(item.account, item.code.qr_code)
    if found.data is None:
        raise Problem(502, Page(request, texts=TEXT).text(found.why), "picture")
    return found


def _page(request: Request, conn: psycopg.Connection) -> Page:
    return Page.of(request, conn, TEXT)
