"""The list of offers, one offer, and its figures, which come after the page as they look at every coupon."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath

from yutang import definitions, offer
from yutang.db.queries import Queries
from yutang.model import Reason
from yutang.offer import terms
from yutang.web.drafting import Draft, draft_of
from yutang.web.edge import edge_of
from yutang.web.pages.offers.book import FILE, Item, item, items
from yutang.web.pages.offers.picture import picture
from yutang.web.pages.offers.text import TEXT
from yutang.web.pages.offers.words import sentences, worth
from yutang.web.pages.page import Page
from yutang.web.problems import Problem
from yutang.web.routes import look
from yutang.web.scope import sees
from yutang.why import words

sql = Queries(__package__)
DAYS, LATEST, MOST_CONFLICTS = 60, 12, 50
HOLDS = {Reason.SHARED, Reason.DAILY_LIMIT, Reason.TOO_FAST, Reason.NOT_YOURS}
"""Refusals that keep somebody from taking more than a person should have."""


@look("/offers", "look")
def offers(request: Request) -> Response[bytes]:
    """The list; ``?q=`` looks for a name or title, ``?sort=`` for one sort. Reads a row for each offer."""
    asked, sort = request.query_params.get("q", "").strip(), request.query_params.get("sort", "")
    with edge_of(request).pool.lend() as conn:
        draft = draft_of(conn)
        every = items(conn, draft)
        stocks = {row.definition_id: row for row in sql.stocks(conn)}
        return Page.of(request, conn, TEXT).show(
            "offers/list.html",
            draft=draft,
            every=len(every),
            asked=asked,
            sort=sort,
            rows=[(one, _stock(one, stocks)) for one in every if _fits(one, asked, sort)],
            worth=worth,
            conflicts=len(offer.conflicts(conn, MOST_CONFLICTS)),
        )


@look("/offers/{name:str}", "look")
def one(request: Request, name: FromPath[str]) -> Response[bytes]:
    """One offer. ``?figures=1`` shows its figures with it, for whoever has no scripts."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        draft = draft_of(conn)
        found = _found(conn, draft, name)
        page = Page.of(request, conn, TEXT)
        at_once = bool(request.query_params.get("figures"))
        return page.show(
            "offers/page.html",
            draft=draft,
            item=found,
            file=FILE,
            said=sentences(found.body) if found.body else [],
            worth=worth,
            stock=_stock(found, {row.definition_id: row for row in sql.stocks(conn)}),
            journeys={d.name: words.title_of(d.body, d.name) for d in definitions.all_current(conn, "journey")},
            **(
                _figures(request, conn, found, edge.clock(), page, True)
                if at_once and found.live
                else {"figures": None}
            ),
        )


@look("/offers/{name:str}/figures", "look")
def figures(request: Request, name: FromPath[str]) -> Response[bytes]:
    """The part of the page that looks at every coupon."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        found = _found(conn, draft_of(conn), name)
        if found.live is None:
            raise Problem(404, f"{name} 还没有上线。 {name} is in no service yet")
        page = Page.of(request, conn, TEXT)
        return page.show(
            "offers/figures.html", item=found, worth=worth, **_figures(request, conn, found, edge.clock(), page)
        )


@look("/offers/{name:str}/forecast", "look")
def forecast(request: Request, name: FromPath[str]) -> Response[bytes]:
    """What its open coupons will cost: the longest look, so it comes last."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        found = _found(conn, draft_of(conn), name)
        page = Page.of(request, conn, TEXT)
        return page.show("offers/forecast.html", item=found, forecast=offer.liability_of(conn, edge.clock(), name))


def _found(conn: psycopg.Connection, draft: Draft, name: str) -> Item:
    found = item(conn, draft, name)
    if found is None:
        raise Problem(404, f"没有优惠「{name}」。 there is no offer '{name}'")
    return found


def _fits(one: Item, asked: str, sort: str) -> bool:
    said = f"{one.name} {one.title['zh']} {one.title['en']}".casefold()
    return asked.casefold() in said and sort in ("", one.sort)


def _stock(one: Item, stocks: dict[int, Any]) -> Any:
    return stocks.get(one.live.definition_id) if one.live is not None else None


def _figures(
    request: Request, conn: psycopg.Connection, found: Item, now: datetime, page: Page, foresee: bool = False
) -> dict[str, Any]:
    assert found.live is not None
    shown = offer.show(conn, now, found.name, foresee=foresee)
    since = now - timedelta(days=DAYS)
    ask = {"offer": found.live.definition_id}
    latest = sql.latest(conn, **ask, limit=LATEST).fetchall()
    ladder = shown["ladder"]
    return {
        "figures": shown,
        "forecast": shown["liability"] if foresee else None,
        "days": _chart(page, sql.days(conn, **ask, since=since, zone=page.zone.key).fetchall()),
        "latest": [(row, sees_page(request, conn, row.person_id)) for row in latest],
        "conflicts": [(row, words.reason(row.reason)) for row in sql.conflicts(conn, **ask, limit=MOST_CONFLICTS)],
        "refused": [(row, words.reason(row["reason"]), row["reason"] in HOLDS) for row in shown["refused"]],
        "rungs": picture(found.live.body, ladder["places"], shown["coupons"]) if ladder else None,
        "flow": sql.flow(conn, **ask, since=since).fetchall() if ladder else [],
        "pays": terms.rungs(found.live.body) if ladder else [],
        "uses": words.USES,
    }


def _chart(page: Page, rows: Sequence[Any]) -> dict[str, Any]:
    """The days as lines, those without anything too; `table`: the newest first."""
    names, found = ("issued", "redeemed", "expired"), {row.day: row for row in rows}
    days = [min(found) + timedelta(days=n) for n in range((max(found) - min(found)).days + 1)] if found else []
    return {
        "x": [day.strftime("%m-%d") for day in days],
        "unit": page.text("pieces"),
        "series": [
            {"name": page.text(name), "data": [getattr(found.get(day), name, 0) for day in days]} for name in names
        ],
        "table": rows[::-1],
    }


def sees_page(request: Request, conn: psycopg.Connection, person_id: int) -> bool:
    """May whoever looks open this person's page?"""
    visitor = request.state.visitor
    return bool(person_id) and visitor.can("people") and sees(conn, visitor, person_id)
