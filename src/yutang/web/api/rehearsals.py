"""Back-tests and dry runs over HTTP: asked for, watched, read."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath

from yutang.model import Reason, YutangError
from yutang.replay import Asked, book
from yutang.web.access import holder_of, with_key
from yutang.web.api.spec import KEY, RehearsalOperation
from yutang.web.edge import Edge, edge_of
from yutang.web.problems import Problem

_asked = msgspec.json.Decoder(Asked)


@post(
    "/v1/backtests",
    guards=[with_key],
    status_code=202,
    security=KEY,
    operation_class=RehearsalOperation,
    summary="Ask for a back-test",
    tags=["rehearsals"],
)
async def ask_backtest(request: Request) -> Response[Any]:
    """``{"journeys": [name], "since", "until", "share"?, "tick"?, "alone"?, "files"?}`` → its number; see `/v1/rehearsals/{id}`."""
    return await _ask(request, "backtest")


@post(
    "/v1/dryruns",
    guards=[with_key],
    status_code=202,
    security=KEY,
    operation_class=RehearsalOperation,
    summary="Ask for a dry run",
    tags=["rehearsals"],
)
async def ask_dryrun(request: Request) -> Response[Any]:
    """``{"journeys": [name], "days"?, "share"?, "tick"?, "alone"?, "files"?}`` → its number; see `/v1/rehearsals/{id}`."""
    return await _ask(request, "dryrun")


@get(
    "/v1/rehearsals/{rehearsal:int}",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="How far a back-test or dry run is, and its report",
    tags=["rehearsals"],
)
def show_rehearsal(request: Request, rehearsal: FromPath[int]) -> dict[str, Any]:
    """``{"state": waiting | running | done | failed | stopped, "share": of the way, "report", "error"}``."""
    with edge_of(request).pool.lend() as conn:
        return book.found(conn, rehearsal)


@post(
    "/v1/rehearsals/{rehearsal:int}/stop",
    guards=[with_key],
    status_code=200,
    security=KEY,
    sync_to_thread=True,
    summary="Stop a back-test or dry run",
    tags=["rehearsals"],
)
def stop_rehearsal(request: Request, rehearsal: FromPath[int]) -> dict[str, Any]:
    """It ends without a report, within moments; what has ended stays as it is. Answers how it stands."""
    with edge_of(request).pool.lend() as conn:
        book.stop(conn, rehearsal)
        return book.found(conn, rehearsal)


@get(
    "/v1/rehearsals/{rehearsal:int}/page",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    media_type=MediaType.HTML,
    summary="The report as a page",
    tags=["rehearsals"],
)
def show_page(request: Request, rehearsal: FromPath[int]) -> str:
    """A page of its own, to be kept or sent on."""
    with edge_of(request).pool.lend() as conn:
        return book.page(conn, rehearsal)


async def _ask(request: Request, kind: str) -> Response[Any]:
    asked, by = _asked.decode(await request.body()), holder_of(request)
    number = await sync_to_thread(_keep, edge_of(request), kind, asked, by)
    return Response({"rehearsal_id": number, "state": "waiting"}, status_code=202, media_type=MediaType.JSON)


def _keep(edge: Edge, kind: str, asked: Asked, by: str) -> int:
    with edge.pool.lend() as conn:
        try:
            number = book.ask(conn, edge.clock(), kind, asked, by)
        except YutangError as error:
            raise Problem(400, str(error), Reason.BAD_SHAPE.value) from None
    edge.rehearsals.wake()
    return number
