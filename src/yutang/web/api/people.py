"""Why, as JSON."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.params import FromPath

from yutang.segment.explain import explain
from yutang.web.access import with_key
from yutang.web.api.spec import KEY
from yutang.web.edge import edge_of
from yutang.why import Chain, why


@get(
    "/v1/persons/{person_id:int}/why",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="Why each touch and non-touch",
    tags=["persons"],
)
def explain_why(request: Request, person_id: FromPath[int]) -> Chain:
    """The chain of one person: runs, touches with every verdict, and the journeys that were not entered."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        return why(conn, person_id, edge.clock())


@get(
    "/v1/segments/{name:str}/explain/{person_id:int}",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="Why a person is in a segment or not",
    tags=["segments"],
)
def explain_segment(request: Request, name: FromPath[str], person_id: FromPath[int]) -> dict[str, Any]:
    """Each condition with what was seen: ``{"kind","holds","zh","en","seen","changes_at","parts"}``."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        return explain(conn, person_id, name, edge.clock()).to_json()
