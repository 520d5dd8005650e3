"""What is done on a person's page: a tag given or taken."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import quote

import psycopg
from litestar import Request, Response
from litestar.params import FromPath

from yutang import users
from yutang.identity import canonical
from yutang.profile import changes
from yutang.web import scope
from yutang.web.edge import edge_of
from yutang.web.forms import Form, text_of
from yutang.web.pages.page import Page, done
from yutang.web.pages.person.overview import overview
from yutang.web.pages.person.subject import subject_of
from yutang.web.pages.person.text import TEXT
from yutang.web.pages.persons.bulk import LONGEST, carry_out
from yutang.web.pages.persons.found import forget
from yutang.web.routes import act

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
