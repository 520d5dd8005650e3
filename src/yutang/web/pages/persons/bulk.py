"""What is done to many persons at once: tags that are given or taken, with a reason, and taken back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import psycopg
import structlog
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import ServerSentEvent

from yutang.db.connect import connect
from yutang.model import YutangError
from yutang.profile import changes
from yutang.profile.changes import AT_ONCE, Change
from yutang.web.edge import Edge, edge_of
from yutang.web.forms import Form, number_of, text_of
from yutang.web.pages.page import Page, done
from yutang.web.pages.persons.found import forget
from yutang.web.pages.persons.found import sql as found_sql
from yutang.web.pages.persons.page import note
from yutang.web.pages.persons.text import TEXT
from yutang.web.pages.persons.whom import form, params_of, whom_of
from yutang.web.progress import State, follow
from yutang.web.routes import act, look

log = structlog.get_logger()
LONGEST = 200
SHOWN = 50


@look("/persons/tag", "edit")
def tag_form(request: Request) -> Response[bytes]:
    """Which tag, and why."""
    return _form(request, "tag", params_of(request))


@look("/persons/untag", "edit")
def untag_form(request: Request) -> Response[bytes]:
    return _form(request, "untag", params_of(request))


@act("/persons/tag", "edit")
def tag(request: Request, data: Form) -> Response[Any]:
    return _do(request, "tag", data)


@act("/persons/untag", "edit")
def untag(request: Request, data: Form) -> Response[Any]:
    return _do(request, "untag", data)


def _form(request: Request, what: str, given: Mapping[str, Any], error: str | None = None) -> Response[bytes]:
    def values(conn: psycopg.Connection) -> dict[str, Any]:
        typed = {name: text_of(given, name) for name in ("label", "lasts", "reason")}
        return {"what": what, "tags": [row.tag for row in found_sql.tags(conn)], "typed": typed}

    return form(request, "persons/bulk.html", given, error, values)


def _do(request: Request, what: Literal["tag", "untag"], data: Mapping[str, Any]) -> Response[Any]:
    edge, label, reason = edge_of(request), text_of(data, "label"), text_of(data, "reason")
    page = Page(request, texts=TEXT)
    if not 0 < len(label) <= LONGEST or not reason:
        return _form(
            request, what, data, page.text("tag_missing") if not 0 < len(label) <= LONGEST else page.text("why_missing")
        )
    lasts, now = number_of(data, "lasts"), edge.clock()
    with edge.pool.lend() as conn:
        try:
            whom = whom_of(request, page, conn, data)
        except YutangError as problem:
            return _form(request, what, data, str(problem))
        ends = now + timedelta(days=min(lasts, 36_500)) if lasts and what == "tag" else None
        with conn.transaction():
            change = changes.begin(
                conn, now, request.state.visitor.name, what, label, whom.persons,
                reason=reason[:LONGEST], about=whom.about, expires_at=ends,
            )  # fmt: skip
            note(
                request,
                conn,
                what,
                f"tag/{label}",
                persons=change.total,
                whom=whom.about,
                reason=reason[:LONGEST],
                change=change.change_id,
            )
    forget(edge)
    return _made(edge, change, whom.back)


def _made(edge: Edge, change: Change, to: str) -> Response[Any]:
    """A small change is made before the answer; a large one beside it, and its page shows how far it is."""
    carry_out(edge, change)
    zh, en = ("打", "given to") if change.act == "tag" else ("去", "taken from")
    return done(
        to if change.total <= AT_ONCE else f"/persons/changes/{change.change_id}",
        f"已给 {change.total:,} 人{zh}标签「{change.tag}」。",
        f"The tag '{change.tag}' was {en} {change.total:,} people.",
        undo=f"/persons/changes/{change.change_id}/undo?{urlencode({'to': to})}" if change.total else None,
    )


def carry_out(edge: Edge, change: Change) -> None:
    if change.total <= AT_ONCE:
        with edge.pool.lend() as conn:
            while changes.work(conn, edge.clock(), change.change_id):
                pass
    else:
        threading.Thread(target=_beside, args=(edge, change.change_id), name="changes", daemon=True).start()


def _beside(edge: Edge, change_id: int) -> None:
    """What the process leaves undone when it ends goes on when somebody opens the page of the change."""
    try:
        with connect(edge.pool.url) as conn:
            while changes.work(conn, edge.clock(), change_id):
                pass
    except Exception:
        log.exception("批量打标暂停。 a change rests", change=change_id)


@act("/persons/changes/{change_id:int}/undo", "edit")
def undo(request: Request, change_id: FromPath[int]) -> Response[Any]:
    """Take it back: an undo can be undone like any other."""
    edge, to = edge_of(request), request.query_params.get("to", "")
    with edge.pool.lend() as conn, conn.transaction():
        made = changes.undo(conn, edge.clock(), request.state.visitor.name, change_id)
        note(request, conn, "undo", f"tag/{made.tag}", persons=made.total, change=made.change_id, undoes=change_id)
    forget(edge)
    return _made(edge, made, to if to.startswith("/persons") else "/persons/changes")


@look("/persons/changes", "edit")
def listed(request: Request) -> Response[bytes]:
    """What was done to many, the latest first."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        page = Page.of(request, conn, TEXT)
        return page.show("persons/changes.html", changes=changes.latest(conn, SHOWN))


@look("/persons/changes/{change_id:int}", "edit")
def shown(request: Request, change_id: FromPath[int]) -> Response[bytes]:
    """One change and how far it is; one that nobody is at goes on."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        change = changes.change(conn, change_id)
        page = Page.of(request, conn, TEXT)
    if change.ended_at is None and change.done < change.total:
        carry_out(edge, change)
    return page.show("persons/change.html", change=change)


@look("/persons/changes/{change_id:int}/progress", "edit")
def progress(request: Request, change_id: FromPath[int]) -> ServerSentEvent:
    """How it goes on."""
    page = Page(request, texts=TEXT)

    def state(conn: psycopg.Connection) -> State:
        change = changes.change(conn, change_id)
        over = change.ended_at is not None or change.done >= change.total
        return State(page.render("persons/going.html", change=change), "" if over else None)

    return follow(request, state)
