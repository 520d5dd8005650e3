"""What is foretold of a person, as JSON."""

from __future__ import annotations

from litestar import Request, get
from litestar.params import FromPath

from yutang.identity import canonical
from yutang.predict.person import Foretold, person
from yutang.web.access import with_key
from yutang.web.api.spec import KEY
from yutang.web.edge import edge_of


@get(
    "/v1/persons/{person_id:int}/predictions",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="What is foretold of a person, and why",
    tags=["persons"],
)
def show_predictions(request: Request, person_id: FromPath[int]) -> list[Foretold]:
    """Each prediction with its time, what people of whom as much was said came to (``alike``), and for scores the facts that moved it
    most (``because``: the person's value, the usual one, the effect on the log odds, a sentence in Chinese and English). Money is fen."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        return person(conn, canonical(conn, person_id))
