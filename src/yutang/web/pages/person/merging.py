"""Two portraits or one: a merge taken back, or made by hand. Each is shown first: made, looked at, and rolled back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath

from yutang import identity, users
from yutang.web import scope
from yutang.web.edge import edge_of
from yutang.web.forms import Form, text_of
from yutang.web.pages.page import Page, done
from yutang.web.pages.person.subject import sql
from yutang.web.pages.person.text import TEXT
from yutang.web.pages.persons.found import forget
from yutang.web.problems import Problem
from yutang.web.routes import act, look
from yutang.why.book import sql as why_sql

MOST_DIGITS = 18


@look("/persons/{person_id:int}/split", "edit")
def split_page(request: Request, person_id: FromPath[int]) -> Response[Any]:
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        holder = _within(request, conn, person_id)
        return _shown(request, conn, "split", [holder], lambda: identity.split(conn, edge.clock(), holder))


@act("/persons/{person_id:int}/split", "edit")
def split(request: Request, person_id: FromPath[int]) -> Response[Any]:
    """Undo the latest merge."""
    edge = edge_of(request)
    with edge.pool.lend() as conn, conn.transaction():
        holder, now = _within(request, conn, person_id), edge.clock()
        winner, loser = identity.split(conn, now, holder)
        users.note(conn, now, request.state.visitor.name, "split", f"person/{holder}", {"into": [winner, loser]})
    forget(edge)
    return done(
        f"/persons/{winner}?tab=identity",
        f"已拆分为 {winner} 与 {loser}，资料会在几秒内重新算好。",
        f"Split into {winner} and {loser}; their portraits are derived again within seconds.",
    )


@look("/persons/{person_id:int}/join", "edit")
def join_page(request: Request, person_id: FromPath[int]) -> Response[Any]:
    edge, by = edge_of(request), request.state.visitor.name
    with edge.pool.lend() as conn:
        pair = [_within(request, conn, one) for one in (person_id, _number(request.query_params.get("other", "")))]
        return _shown(request, conn, "join", pair, lambda: identity.join(conn, edge.clock(), *pair, by)[:1])


@act("/persons/{person_id:int}/join", "edit")
def join(request: Request, person_id: FromPath[int], data: Form) -> Response[Any]:
    """Somebody knows that the two are one."""
    edge, by = edge_of(request), request.state.visitor.name
    with edge.pool.lend() as conn, conn.transaction():
        pair = [_within(request, conn, one) for one in (person_id, _number(text_of(data, "other")))]
        winner, loser = identity.join(conn, edge.clock(), *pair, by)
        users.note(conn, edge.clock(), by, "join", f"person/{winner}", {"of": [winner, loser]})
    forget(edge)
    return done(
        f"/persons/{winner}?tab=identity",
        f"{winner} 与 {loser} 已合并为一位，资料会在几秒内重新算好。",
        f"{winner} and {loser} are one person now; the portrait is derived again within seconds.",
        undo=f"/persons/{winner}/split",
    )


def _within(request: Request, conn: psycopg.Connection, person_id: int) -> int:
    """Who that is today, if the visitor may see them."""
    holder = identity.canonical(conn, person_id)
    scope.check(conn, request.state.visitor, holder)
    return holder


def _number(text: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS):
        raise Problem(400, "请写顾客的编号，如 12。 write the number of a person, such as 12")
    return int(digits)


def _shown(
    request: Request, conn: psycopg.Connection, what: str, persons: list[int], do: Callable[[], tuple[int, ...]]
) -> Response[Any]:
    """What would move."""
    page, before = Page.of(request, conn, TEXT), _facts(conn, persons)
    with conn.transaction(force_rollback=True):
        after = _facts(conn, list(do()))
    return page.show(
        "person/merging.html", what=what, person_id=persons[0], second=persons[-1], before=before, after=after
    )


def _facts(conn: psycopg.Connection, persons: list[int]) -> list[dict[str, Any]]:
    """The handles and the number of events of each."""
    return [
        {
            "person_id": person,
            "handles": why_sql.handles(conn, persons=[person]).fetchall(),
            "events": sql.events_of(conn, person=person).fetchone().n,
        }
        for person in persons
    ]
