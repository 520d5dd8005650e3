"""A person's own rights, as JSON: what is kept given out, and everything erased."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from litestar import MediaType, Request, delete, get
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Stream

from yutang import users
from yutang.erasure import Receipt, erase, export
from yutang.identity import canonical
from yutang.web.access import holder_of, with_key
from yutang.web.api.spec import KEY
from yutang.web.edge import Edge, edge_of

Why = Annotated[str, QueryParameter(max_length=500, description="Why; it is kept, so write nothing personal.")]


@delete(
    "/v1/persons/{person_id:int}",
    guards=[with_key],
    security=KEY,
    status_code=200,
    sync_to_thread=True,
    summary="Erase a person from everything",
    tags=["persons"],
)
def erase_person(request: Request, person_id: FromPath[int], reason: Why = "") -> Receipt:
    """For good, in one transaction, with everybody merged into the person. The answer is the receipt: what was deleted, what stays
    and why, how far the lake is. Asking again changes nothing and gives the same receipt."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        return erase(conn, edge.vault, edge.clock(), person_id, holder_of(request), reason)


@get(
    "/v1/persons/{person_id:int}/export",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    media_type=MediaType.JSON,
    summary="Everything that is kept of a person",
    tags=["persons"],
)
def export_person(request: Request, person_id: FromPath[int], plain: FromQuery[bool] = False) -> Stream:
    """One document, written while it is read: ``{"format","version","at","person_id","numbers","handles","tables"}``. `plain`: phone
    numbers and the like as they are, not masked."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        users.note(
            conn, edge.clock(), holder_of(request), "export", f"person/{canonical(conn, person_id)}", {"plain": plain}
        )
    return streamed(edge, person_id, plain)


def streamed(edge: Edge, person_id: int, plain: bool) -> Stream:
    """Raises YutangError before anything is sent when there is no such person."""
    with edge.pool.lend() as conn:
        holder = canonical(conn, person_id)
    name = f'attachment; filename="person-{holder}.json"'
    return Stream(
        _parts(edge, holder, plain),
        media_type=MediaType.JSON,
        headers={"content-disposition": name, "cache-control": "no-store"},
    )


def _parts(edge: Edge, person_id: int, plain: bool) -> Iterator[bytes]:
    with edge.pool.lend() as conn:
        yield from export(conn, edge.vault, edge.clock(), person_id, plain=plain).parts
