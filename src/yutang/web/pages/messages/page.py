"""The library of messages, one message with its preview, and its figures, which come after the page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath

from yutang import definitions
from yutang.channels.attachments import kind_of
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.web.drafting import Draft, draft_of
from yutang.web.edge import edge_of
from yutang.web.pages.messages import book
from yutang.web.pages.messages.book import Item
from yutang.web.pages.messages.preview import Look, seen
from yutang.web.pages.messages.text import TEXT
from yutang.web.pages.page import Page
from yutang.web.problems import Problem
from yutang.web.routes import look
from yutang.web.scope import check
from yutang.why import find, words

sql = Queries(__package__)
DAYS = 30


@look("/messages", "look")
def messages(request: Request) -> Response[bytes]:
    """The list; ``?q=``, ``?channel=``. ``?figures=1`` counts what was sent, which the page asks for once it is shown."""
    asked, channel = request.query_params.get("q", "").strip(), request.query_params.get("channel", "")
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        draft = draft_of(conn)
        every = book.items(conn, draft)
        counted = bool(request.query_params.get("figures"))
        since = edge.clock() - timedelta(days=DAYS)
        page = page_in(request, conn)
        return page.show(
            "messages/list.html",
            draft=draft,
            every=len(every),
            asked=asked,
            channel=channel,
            channels=sorted({kind_of(one.channel) for one in every if one.channel}),
            rows=[one for one in every if _fits(one, asked, channel)],
            journeys=_journeys(conn),
            sent={row.message_id: row for row in sql.sent(conn, since=since)} if counted else None,
        )


@look("/messages/{name:str}", "look")
def one(request: Request, name: FromPath[str]) -> Response[bytes]:
    """One message: how it looks on its channel (``?on=`` another), and where it is used."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        draft = draft_of(conn)
        found = found_of(conn, draft, name)
        page = page_in(request, conn)
        at_once = bool(request.query_params.get("figures")) and found.live is not None
        return page.show(
            "messages/page.html",
            draft=draft,
            item=found,
            on=request.query_params.get("on") or found.channel,
            channels=_with(book.channels(conn, draft), request.query_params.get("on") or found.channel),
            journeys=_journeys(conn),
            seen=seen(conn, edge, draft, _look(request, found)),
            sender=definitions.pond(conn)["title"],
            figures=_figures(conn, found, edge.clock(), page) if at_once else None,
        )


@look("/messages/{name:str}/figures", "look")
def figures(request: Request, name: FromPath[str]) -> Response[bytes]:
    """What became of its letters."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        found, page = found_of(conn, draft_of(conn), name), page_in(request, conn)
        if found.live is None:
            raise Problem(404, f"{name} 还没有上线。 {name} is in no service yet")
        return page.show("messages/figures.html", item=found, figures=_figures(conn, found, edge.clock(), page))


def found_of(conn: psycopg.Connection, draft: Draft, name: str) -> Item:
    """The message of this name. Raises Problem 404."""
    found = book.item(conn, draft, name)
    if found is None:
        raise Problem(404, f"没有消息「{name}」。 there is no message '{name}'")
    return found


def person_of(request: Request, conn: psycopg.Connection, asked: str) -> tuple[int | None, str | None]:
    """Whom a preview is for, or why not: somebody whom the visitor may see. None: the made-up person."""
    visitor = request.state.visitor
    if not asked or not visitor.can("people"):
        return None, None
    try:
        found = find(conn, edge_of(request).vault, asked)
        check(conn, visitor, found)
    except YutangError as error:
        return None, str(error)
    return found, None


def _look(request: Request, found: Item) -> Look:
    typed = found.typed
    channel = request.query_params.get("on") or typed.channel
    return Look(found.name, channel, typed.subject, typed.body, book.attachments_of(found), typed.task)


def _with(names: list[str], name: str) -> list[str]:
    return names if name in names or not name else [*names, name]


def page_in(request: Request, conn: psycopg.Connection) -> Page:
    return Page.of(request, conn, TEXT)


def _journeys(conn: psycopg.Connection) -> dict[str, words.Words]:
    return {d.name: words.title_of(d.body, d.name) for d in definitions.all_current(conn, "journey")}


def _fits(one: Item, asked: str, channel: str) -> bool:
    said = f"{one.name} {one.title['zh']} {one.title['en']} {one.typed.subject}".casefold()
    return asked.casefold() in said and channel in ("", kind_of(one.channel))


def _figures(conn: psycopg.Connection, found: Item, now: datetime, page: Page) -> dict[str, Any]:
    assert found.live is not None
    ask = {"message": found.live.definition_id, "since": now - timedelta(days=DAYS)}
    rows = sql.days(conn, **ask, zone=page.zone.key).fetchall()
    on = {row.day: row for row in rows}
    days = [min(on) + timedelta(days=n) for n in range((max(on) - min(on)).days + 1)] if on else []
    return {
        "x": [day.strftime("%m-%d") for day in days],
        "series": [
            {"name": page.text(name), "data": [getattr(on.get(day), key, 0) for day in days]} for name, key in _LINES
        ],
        "rows": rows[::-1],
        "sent": sum(row.sent for row in rows),
        "failed": sum(row.failed for row in rows),
        "reasons": [(row, words.reason(row.reason)) for row in sql.reasons(conn, **ask)],
    }


_LINES = (("m.sent", "sent"), ("m.failed", "failed"))
