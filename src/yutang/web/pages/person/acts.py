"""What is done on a person's page: a tag given or taken, and a merge undone."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import quote

import psycopg
from litestar import Request, Response
from litestar.params import FromPath

from yutang import users
from yutang.db.queries import Queries
from yutang.identity import canonical
from yutang.identity import split as split_
from yutang.profile import changes
from yutang.web import scope
from yutang.web.edge import edge_of
from yutang.web.forms import Form, text_of
from yutang.web.pages.page import Page, done
from yutang.web.pages.person.overview import overview
from yutang.web.pages.person.subject import sql, subject_of
from yutang.web.pages.person.text import TEXT
from yutang.web.pages.persons.bulk import LONGEST, carry_out
from yutang.web.pages.persons.found import forget
from yutang.web.routes import act, look
from yutang.why.book import grouped

web_sql = Queries("yutang.web")
TAB_NAMES = ["overview", "journeys", "timeline", "orders", "coupons", "consent", "tasks", "identity"]


@act("/persons/{person_id:int}/tag", "edit")
def tag(request: Request, person_id: FromPath[int], data: Form) -> Response[Any]:
    """One tag more."""
    return _tag(request, person_id, "tag", data)


@act("/persons/{person_id:int}/untag", "edit")
def untag(request: Request, person_id: FromPath[int], data: Form) -> Response[Any]:
    return _tag(request, person_id, "untag", data)


def _tag(request: Request, person_id: int, what: Literal["tag", "untag"], data: dict[str, Any]) -> Response[Any]:
    edge, label = edge_of(request), text_of(data, "label")
    with edge.pool.lend() as conn:
        holder = canonical(conn, person_id)
        scope.check(conn, request.state.visitor, holder)
        page = Page.of(request, conn, TEXT)
        if not 0 < len(label) <= LONGEST:
            return _again(request, conn, page, holder, label)
        reason = text_of(data, "reason")[:LONGEST] or page.text("from_page")
        with conn.transaction():
            by, now = request.state.visitor.name, edge.clock()
            change = changes.begin(
                conn, now, by, what, label, [holder], reason=reason, about=page.text("person", id=holder)
            )
            users.note(conn, now, by, what, f"person/{holder}", {"tag": label, "reason": reason})
    carry_out(edge, change)
    forget(edge)
    to = f"/persons/{holder}"
    undo = f"/persons/changes/{change.change_id}/undo?to={quote(to)}" if change.total else None
    zh, en = ("已加标签", "was given") if what == "tag" else ("已去掉标签", "was taken")
    return done(to, f"{zh}「{label}」。", f"The tag '{label}' {en}.", undo=undo)


def _again(request: Request, conn: psycopg.Connection, page: Page, person_id: int, label: str) -> Response[Any]:
    """The page with what is wrong with the tag."""
    subject = subject_of(request, edge_of(request), conn, page, person_id)
    return page.show(
        "person/overview.html", status=422, tab="overview", tabs=TAB_NAMES, subject=subject, wrong=page.text("tag_wrong"),
        typed=label, **overview(subject),
    )  # fmt: skip


@look("/persons/{person_id:int}/split", "edit")
def split_page(request: Request, person_id: FromPath[int]) -> Response[Any]:
    """What would move: the split is made, looked at, and rolled back."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        holder = canonical(conn, person_id)
        scope.check(conn, request.state.visitor, holder)
        page = Page.of(request, conn, TEXT)
        before = _facts(conn, [holder])
        with conn.transaction(force_rollback=True):
            pair = split_(conn, edge.clock(), holder)
            after = _facts(conn, list(pair))
        return page.show("person/split.html", person_id=holder, before=before, after=after)


@act("/persons/{person_id:int}/split", "edit")
def split(request: Request, person_id: FromPath[int]) -> Response[Any]:
    """Undo the latest merge."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        holder = canonical(conn, person_id)
        scope.check(conn, request.state.visitor, holder)
        with conn.transaction():
            winner, loser = split_(conn, edge.clock(), holder)
            users.note(
                conn, edge.clock(), request.state.visitor.name, "split", f"person/{holder}", {"into": [winner, loser]}
            )
    forget(edge)
    return done(
        f"/persons/{winner}?tab=identity",
        f"已拆分为 {winner} 与 {loser}，资料会在几秒内重新算好。",
        f"Split into {winner} and {loser}; their portraits are derived again within seconds.",
    )


def _facts(conn: psycopg.Connection, persons: list[int]) -> list[dict[str, Any]]:
    """The handles and the number of events of each."""
    handles = grouped(web_sql.handles(conn, persons=persons), lambda row: row.person_id)
    counted = {person: sql.events_of(conn, person=person).fetchone() for person in persons}
    return [
        {"person_id": person, "handles": handles.get(person, []), "events": row.n if (row := counted[person]) else 0}
        for person in persons
    ]
