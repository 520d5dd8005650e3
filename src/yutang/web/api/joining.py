"""Who looks like one person, as JSON; two joined by hand, and the latest join taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import psycopg
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, QueryParameter

from yutang import identity, users
from yutang.model import YutangError
from yutang.web.access import holder_of, with_key
from yutang.web.api.spec import KEY
from yutang.web.edge import edge_of
from yutang.web.problems import Problem

NOTED = {"join": "of", "split": "into"}
Limit = Annotated[int, QueryParameter(ge=1, le=500, description="At most so many.")]


class Pair(msgspec.Struct):
    """Two persons: `winner`, the lower number, holds or held what both have."""

    winner: int
    loser: int


@get(
    "/v1/cases",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="Who looks like one person and was not joined",
    tags=["persons"],
)
def list_cases(request: Request, person: FromQuery[int | None] = None, limit: Limit = 50) -> list[dict[str, Any]]:
    """The newest first, with the event that shows it: ``{"case_id","reason","event_id","type","source","at","persons"}``. `reason` is
    ``conflict``, strong handles that contradict each other, or ``suggestion``, a weak one that they share. `person`: only theirs."""
    with edge_of(request).pool.lend() as conn:
        who = None if person is None else [identity.canonical(conn, person)]
        return [case._asdict() for case in identity.cases(conn, who, limit)]


@post(
    "/v1/persons/{person_id:int}/join",
    guards=[with_key],
    security=KEY,
    status_code=200,
    sync_to_thread=True,
    summary="Join two persons who are one",
    tags=["persons"],
)
def join_persons(request: Request, person_id: FromPath[int], other: FromQuery[int]) -> Pair:
    """Also two who were split; a split takes it back. 409 where they are one already, or their handles contradict each other."""
    by = holder_of(request)
    return _done(request, "join", lambda conn, pair: identity.join(conn, edge_of(request).clock(), *pair, by), [person_id, other])  # fmt: skip


@post(
    "/v1/persons/{person_id:int}/split",
    guards=[with_key],
    security=KEY,
    status_code=200,
    sync_to_thread=True,
    summary="Take the latest join back",
    tags=["persons"],
)
def split_person(request: Request, person_id: FromPath[int]) -> Pair:
    """And keep the two apart from now on. 409 where nobody is joined with the person."""
    return _done(request, "split", lambda conn, one: identity.split(conn, edge_of(request).clock(), *one), [person_id])


def _done(
    request: Request, deed: str, do: Callable[[psycopg.Connection, list[int]], tuple[int, int]], persons: list[int]
) -> Pair:
    """Done and noted in one transaction. Raises YutangError when somebody is not there, Problem when it may not be."""
    edge = edge_of(request)
    with edge.pool.lend() as conn, conn.transaction():
        for person in persons:
            identity.canonical(conn, person)
        try:
            winner, loser = do(conn, persons)
        except YutangError as refused:
            raise Problem(409, str(refused), "refused") from None
        users.note(conn, edge.clock(), holder_of(request), deed, f"person/{winner}", {NOTED[deed]: [winner, loser]})
    return Pair(winner, loser)
