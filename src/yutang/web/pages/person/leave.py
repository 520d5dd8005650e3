"""A person's own rights on the person's page: what is kept, as a file, and erasing it all."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Stream

from yutang import users
from yutang.erasure import Receipt, erase, receipt
from yutang.identity import canonical
from yutang.model import YutangError
from yutang.web import scope
from yutang.web.api.erasure import streamed
from yutang.web.edge import edge_of
from yutang.web.forms import Form, text_of
from yutang.web.pages.page import Page, done
from yutang.web.pages.person.text import TEXT
from yutang.web.pages.persons.found import forget
from yutang.web.routes import act, look

LONGEST = 500


@look("/persons/{person_id:int}/export", "export")
def download(request: Request, person_id: FromPath[int]) -> Stream:
    """The file; phone numbers are masked but for administrators who ask for them (``?plain=1``)."""
    edge, visitor = edge_of(request), request.state.visitor
    with edge.pool.lend() as conn:
        holder = canonical(conn, person_id)
        scope.check(conn, visitor, holder)
        plain = request.query_params.get("plain") == "1" and visitor.can("settings")
        users.note(conn, edge.clock(), visitor.name, "export", f"person/{holder}", {"plain": plain})
    return streamed(edge, holder, plain)


@look("/persons/{person_id:int}/erase", "settings")
def erase_page(request: Request, person_id: FromPath[int]) -> Response[Any]:
    """What would go, and the question."""
    return _page(request, person_id)


@act("/persons/{person_id:int}/erase", "settings")
def erase_now(request: Request, person_id: FromPath[int], data: Form) -> Response[Any]:
    """The number must be typed: a click alone does not do it."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        holder = canonical(conn, person_id)
        scope.check(conn, request.state.visitor, holder)
        if text_of(data, "number") != str(holder):
            return _page(request, person_id, wrong=True)
        erase(conn, edge.vault, edge.clock(), holder, request.state.visitor.name, text_of(data, "reason")[:LONGEST])
    forget(edge)
    return done(
        f"/persons/{holder}", f"顾客 {holder} 的资料已全部抹去。", f"Everything about person {holder} was erased."
    )


def receipt_of(page: Page, conn: Any, person_id: int) -> Response[Any] | None:
    """The page of somebody who was erased; None for everybody else."""
    try:
        made: Receipt = receipt(conn, person_id)
    except YutangError:
        return None
    return page.show("person/erased.html", person_id=person_id, made=made)


def _page(request: Request, person_id: int, wrong: bool = False) -> Response[Any]:
    with edge_of(request).pool.lend() as conn:
        holder = canonical(conn, person_id)
        scope.check(conn, request.state.visitor, holder)
        page = Page.of(request, conn, TEXT)
        if (gone := receipt_of(page, conn, holder)) is not None:
            return gone
        said = page.text("erase_wrong", id=holder) if wrong else None
        return page.show("person/erase.html", status=422 if wrong else 200, person_id=holder, wrong=said)
