"""Deliveries: the list, one of them, the reasons why some failed or wait, and another try."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect

from yutang import definitions, users
from yutang.db.queries import Queries
from yutang.deliver import AGAIN, again
from yutang.model import Reason
from yutang.web.edge import Edge, edge_of
from yutang.web.forms import Form, text_of
from yutang.web.pages.deliveries.text import TEXT
from yutang.web.pages.deliveries.walk import Filter, leaf
from yutang.web.pages.page import Page, done
from yutang.web.problems import Problem
from yutang.web.routes import act, look
from yutang.why import words

sql = Queries(__package__)
STATES = ("waiting", "claimed", "assigned", "sent", "failed")
SPANS = (1, 7, 30)
"""Days for which failures are counted."""


@look("/deliveries", "look")
def deliveries(request: Request) -> Response[bytes]:
    """The list; channel, state, reason, journey and day as parameters."""
    edge, query = edge_of(request), request.query_params
    with edge.pool.lend() as conn:
        zone = definitions.pond(conn)["time_zone"]
        journeys = definitions.all_current(conn, "journey")
        asked = _asked(query, {d.name: d.definition_id for d in journeys})
        found = leaf(conn, zone, asked, query.get("after"))
        return Page(request, zone, TEXT).show(
            "deliveries/page.html",
            tabs_=_tabs(request),
            asked=asked,
            query=query,
            found=found,
            rows=[(row, _names(conn, row), words.reason(row.reason)) for row in found.rows],
            states=STATES,
            channels=sorted(edge.channels(conn)),
            journeys=[(d.name, words.title_of(d.body, d.name)) for d in journeys],
            reasons=[(one.value, words.reason(one.value)) for one in _failures(edge)],
            later="after" in query,
        )


@look("/deliveries/reasons", "look")
def reasons(request: Request) -> Response[bytes]:
    """Why deliveries failed in a span of days, and why touches wait now."""
    edge, days = edge_of(request), _days(request)
    with edge.pool.lend() as conn:
        since = edge.clock() - timedelta(days=days)
        found = edge.shelf.get(("failures", days), lambda c: sql.reasons(c, since=since).fetchall())
        return Page.of(request, conn, TEXT).show(
            "deliveries/reasons.html",
            tabs_=_tabs(request),
            days=days,
            spans=SPANS,
            coming=found.coming,
            failures=[(row, words.reason(row.reason), row.reason in set(AGAIN)) for row in found.value or []],
            held=[(row, words.reason(row.reason)) for row in sql.held(conn)],
        )


@look("/deliveries/{person:int}/{touch:int}", "look")
def delivery(request: Request, person: FromPath[int], touch: FromPath[int]) -> Response[bytes]:
    """One delivery: what was decided, what became of it, what came back."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        row = sql.one(conn, person=person, touch=touch).fetchone()
        if row is None:
            raise Problem(404, f"没有这条投递 {touch}。 there is no delivery {touch} of person {person}")
        return Page.of(request, conn, TEXT).show(
            "deliveries/one.html",
            row=row,
            names=_names(conn, row),
            reason=words.reason(row.reason),
            attempt=words.ATTEMPTS[row.state],
            trail=[_verdict(entry) for entry in row.trail],
            answers=[(one, words.event_title(one.type)) for one in sql.answers(conn, person=person, touch=touch)],
            may_retry=row.state == "failed" and row.reason in set(AGAIN) and row.deadline > edge.clock(),
        )


@act("/deliveries/{person:int}/{touch:int}/again", "data")
def try_again(request: Request, person: FromPath[int], touch: FromPath[int]) -> Redirect:
    """Put one failed delivery back."""
    edge, here = edge_of(request), f"/deliveries/{person}/{touch}"
    with edge.pool.lend() as conn, conn.transaction():
        back = again(conn, edge.clock(), touch=(person, touch))
        if not back:
            raise Problem(
                404,
                "这条投递不能再试：已过期、已送出，或失败的原因不能重试。 this delivery cannot be tried again: it is too late, "
                "was sent, or failed for a reason that stays",
            )
        by = request.state.visitor.name
        users.note(conn, edge.clock(), by, "try_again", f"delivery/{touch}", {"n": 1})
    return done(here, "已放回队列，能发时马上再试。", "Put back; it is tried again as soon as it may go out.")


@act("/deliveries/again", "data")
def try_all_again(request: Request, data: Form) -> Redirect:
    """Put back all that failed on a channel with a reason, since some days ago."""
    edge, days = edge_of(request), _days(request)
    channel, reason = text_of(data, "channel"), text_of(data, "reason")
    if reason not in set(AGAIN) or not channel:
        raise Problem(400, "这个原因不能重试。 this reason cannot be tried again")
    with edge.pool.lend() as conn, conn.transaction():
        now = edge.clock()
        back = again(conn, now, channel=channel, reason=Reason(reason), since=now - timedelta(days=days))
        detail = {"n": len(back), "reason": reason, "days": days}
        users.note(conn, now, request.state.visitor.name, "try_again", f"channel/{channel}", detail)
    n = len(back)
    return done(f"/deliveries/reasons?days={days}", f"{n:,} 条放回队列再试。", f"{n:,} deliveries are tried again.")


def _asked(query: Any, journeys: dict[str, int]) -> Filter:
    """What the parameters ask for; a journey that is not there has no deliveries."""
    name = query.get("journey") or None
    return Filter(
        channel=query.get("channel") or None,
        state=query.get("state") if query.get("state") in STATES else None,
        reason=query.get("reason") or None,
        journey=None if name is None else journeys.get(name, 0),
        day=_day(query.get("day", "")),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _days(request: Request) -> int:
    asked = request.query_params.get("days", "")
    return int(asked) if asked in {str(days) for days in SPANS} else 7


def _failures(edge: Edge) -> list[Reason]:
    """The reasons for which something failed lately, to choose from."""
    since = edge.clock() - timedelta(days=30)
    found = edge.shelf.get(("failures", 30), lambda c: sql.reasons(c, since=since).fetchall())
    names = {row.reason for row in found.value or []}
    return [one for one in Reason if one.value in names]


def _names(conn: psycopg.Connection, row: Any) -> dict[str, Any]:
    """What journey and message of a delivery are called."""
    found: dict[str, Any] = {}
    for kind, key in (("journey", (row.journey_id, row.version)), ("message", (row.message_id, row.message_version))):
        d = definitions.find(conn, *key)
        found[kind] = words.both("—", "—") if d is None else words.title_of(d.body, d.name)
        found[f"{kind}_name"] = None if d is None else d.name
    return found


def _verdict(entry: dict[str, Any]) -> dict[str, Any]:
    said = words.add(words.VERDICTS[entry["verdict"]], words.reason(entry.get("reason")))
    return {"at": datetime.fromisoformat(entry["at"]), "verdict": entry["verdict"], "words": said}


def _tabs(request: Request) -> list[tuple[str, str]]:
    page = Page(request, texts=TEXT)
    return [("/deliveries", page.text("all_deliveries")), ("/deliveries/reasons", page.text("by_reason"))]
