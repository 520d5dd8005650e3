"""Data: the sources with their freshness, and what was refused, with another try."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect

from yutang import users
from yutang.db.queries import Queries
from yutang.ingest import add_source, close_sources, sources
from yutang.ingest.record import OURS, SOURCE_NAME
from yutang.ingest.replay import MOST, Replayed, replay
from yutang.model import Reason
from yutang.web.edge import Edge, edge_of
from yutang.web.forms import Form, text_of
from yutang.web.pages.data.freshness import DAYS, freshness
from yutang.web.pages.data.shown import payload
from yutang.web.pages.data.text import TEXT
from yutang.web.pages.page import Page, done
from yutang.web.problems import Problem
from yutang.web.routes import act, look
from yutang.why import words

sql = Queries(__package__)
COUNTED = 10_001
"""Refusals of one reason are counted up to here."""
PAGE = 50
TURNS = 5
"""How often one click takes `MOST` refusals in again."""
REASONS = tuple(
    one.value
    for one in (
        Reason.BAD_SHAPE, Reason.ID_REUSED, Reason.UNKNOWN_SOURCE, Reason.TOO_OLD, Reason.IN_FUTURE, Reason.TOO_LARGE,
        Reason.BAD_JSON, Reason.BAD_ENCODING, Reason.FORMULA, Reason.NOT_SOLD, Reason.NO_HANDLE,
    )
)  # fmt: skip
"""What the door refuses for."""
TABS = (("/data", "sources"), ("/data/rejects", "rejects"), ("/data/imports", "imports"), ("/schema", "schema"))


def tabs(page: Page) -> list[tuple[str, str]]:
    """The parts of the area."""
    return [(path, page.text(word)) for path, word in TABS]


@look("/data", "data", "look")
def data(request: Request) -> Response[bytes]:
    """The sources."""
    return _sources(request, {}, None)


@act("/data/sources", "data")
def save_source(request: Request, data: Form) -> Response[Any]:
    """Register a source, or give one another title."""
    edge, name, title = edge_of(request), text_of(data, "name"), text_of(data, "title")
    with edge.pool.lend() as conn:
        known = {one.name: one.title for one in sources(conn)}
        if not SOURCE_NAME.fullmatch(name) or name == OURS:
            return _sources(request, {"name": name, "title": title}, "bad_name")
        if not title or len(title) > 60:
            return _sources(request, {"name": name, "title": title}, "bad_title")
        if name in known and "rename" not in data:
            return _sources(request, {"name": name, "title": title}, "taken")
        with conn.transaction():
            add_source(conn, edge.clock(), name, title)
            act_ = "rename" if name in known else "add"
            users.note(conn, edge.clock(), request.state.visitor.name, act_, f"source/{name}", {"title": title})
    return done(
        "/data", f"来源「{title}」已保存，可以开始发送数据。", f"The source “{title}” is saved; it may send now."
    )


@act("/data/sources/{name:str}/close", "data")
def close_source(request: Request, name: FromPath[str]) -> Redirect:
    """Take nothing in from it any more."""
    edge = edge_of(request)
    with edge.pool.lend() as conn, conn.transaction():
        known = _known(conn, name)
        close_sources(conn, edge.clock(), [name])
        users.note(conn, edge.clock(), request.state.visitor.name, "close_source", f"source/{name}")
    zh, en = (
        f"来源「{known.title}」已停用，不再收它的数据。",
        f"The source “{known.title}” is closed; nothing of it is taken in.",
    )
    return done("/data", zh, en, undo=f"/data/sources/{quote(name)}/open")


@act("/data/sources/{name:str}/open", "data")
def open_source(request: Request, name: FromPath[str]) -> Redirect:
    """As it was."""
    edge = edge_of(request)
    with edge.pool.lend() as conn, conn.transaction():
        known = _known(conn, name)
        add_source(conn, edge.clock(), name, known.title)
        users.note(conn, edge.clock(), request.state.visitor.name, "open_source", f"source/{name}")
    return done("/data", f"来源「{known.title}」已启用。", f"The source “{known.title}” is open.")


def _known(conn: psycopg.Connection, name: str) -> Any:
    """Raises Problem 404."""
    found = next((one for one in sources(conn) if one.name == name != OURS), None)
    if found is None:
        raise Problem(404, f"没有来源“{name}”。 there is no source '{name}'")
    return found


def _sources(request: Request, typed: dict[str, str], wrong: str | None) -> Response[bytes]:
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        page = Page.of(request, conn, TEXT)
        key = ("sources", *((one.name, one.title, one.closed_at) for one in sources(conn)))
        found = edge.shelf.get(key, lambda c: freshness(c, edge.clock()))
        shown = [one for one in found.value or [] if not one.ours]
        return page.show(
            "data/sources.html",
            status=422 if wrong else 200,
            tabs_=tabs(page),
            sources=shown,
            coming=found.coming,
            days=DAYS,
            typed=typed,
            wrong=wrong and page.text(wrong),
            wrong_field=wrong,
        )


@look("/data/rejects", "data", "look")
def rejects(request: Request) -> Response[bytes]:
    """By reason with an example; ``?reason=``: the refusals of one, the newest first."""
    edge, reason = edge_of(request), request.query_params.get("reason")
    with edge.pool.lend() as conn:
        page = Page.of(request, conn, TEXT)
        if reason in REASONS:
            return _of_reason(request, edge, page, conn, str(reason))
        rows = sql.refused_by_reason(conn, reasons=list(REASONS), most=COUNTED).fetchall()
        return page.show(
            "data/rejects.html",
            tabs_=tabs(page),
            rows=[(row, words.reason(row.reason), payload(edge.vault, row.payload)) for row in rows],
            counted=COUNTED,
        )


def _of_reason(request: Request, edge: Edge, page: Page, conn: Any, reason: str) -> Response[bytes]:
    text = request.query_params.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 2**62
    rows = sql.refusals(conn, reason=reason, before=before, limit=PAGE + 1).fetchall()
    shown = [(row, payload(edge.vault, row.payload)) for row in rows[:PAGE]]
    following = page.here(before=rows[PAGE - 1].reject_id) if len(rows) > PAGE else None
    return page.show(
        "data/reason.html",
        tabs_=tabs(page),
        reason=reason,
        said=words.reason(reason),
        rows=shown,
        following=following,
        later="before" in request.query_params,
    )


@act("/data/rejects/replay", "data")
def replay_reason(request: Request, data: Form) -> Redirect:
    """Take in again what was refused for a reason, some thousands at a time."""
    reason = text_of(data, "reason")
    if reason not in REASONS:
        raise Problem(400, "没有这个原因。 there is no such reason")
    return _replayed(request, "/data/rejects", f"reason/{reason}", reason=Reason(reason))


@act("/data/rejects/{reject:int}/replay", "data")
def replay_one(request: Request, reject: FromPath[int], data: Form) -> Redirect:
    """Take one refused event in again."""
    reason = text_of(data, "reason")
    to = f"/data/rejects?reason={reason}" if reason in REASONS else "/data/rejects"
    return _replayed(request, to, f"reject/{reject}", one=reject)


def _replayed(request: Request, to: str, about: str, **which: Any) -> Redirect:
    edge, all_ = edge_of(request), Replayed()
    with edge.pool.lend() as conn, conn.transaction():
        for _ in range(TURNS):
            found = replay(conn, edge.vault, edge.clock(), after=all_.last, **which)
            all_.accepted, all_.duplicate = all_.accepted + found.accepted, all_.duplicate + found.duplicate
            all_.refused, all_.last = all_.refused + found.refused, found.last
            if found.looked < MOST:
                break
        detail = {"accepted": all_.accepted, "duplicate": all_.duplicate, "refused": all_.refused}
        users.note(conn, edge.clock(), request.state.visitor.name, "replay", about, detail)
    return done(
        to,
        f"收下 {all_.accepted:,} 个，本来就有 {all_.duplicate:,} 个，仍被拒 {all_.refused:,} 个。",
        f"{all_.accepted:,} taken in, {all_.duplicate:,} were there already, {all_.refused:,} are still refused.",
    )
