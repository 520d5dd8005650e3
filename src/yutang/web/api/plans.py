"""Plans and quotas, as JSON: whatever `yutang brand plan` and `yutang quota` can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
import psycopg
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, FromQuery
from msgspec import Meta

from yutang import plan
from yutang.brand import Brand, read_brand
from yutang.model import Reason, YutangError
from yutang.plan import quota as calendars
from yutang.plan import show
from yutang.plan.rehearse import rehearsal
from yutang.web.access import holder_of, with_key
from yutang.web.api.spec import KEY, DiffOperation, PlanOperation, RefuseOperation, RevertOperation
from yutang.web.edge import Edge, edge_of
from yutang.web.problems import Problem

IDEMPOTENCY = "idempotency-key"
Done = TypeVar("Done")
Days = Annotated[int, Meta(ge=0, le=366)]
Move = Annotated[str, Meta(max_length=500)]


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """A brand folder as texts by path, and how a plan is to be made of it."""

    files: dict[str, str]
    moves: list[Move] = []
    dry_run_days: Days = 0


class WayBack(msgspec.Struct, forbid_unknown_fields=True):
    """How the plan that leads back is to be made."""

    moves: list[Move] = []
    dry_run_days: Days = 0


class Why(msgspec.Struct, forbid_unknown_fields=True):
    """Why a plan is refused."""

    why: Annotated[str, Meta(max_length=1000)] = ""


_wanted = msgspec.json.Decoder(Wanted)
_way_back = msgspec.json.Decoder(WayBack)
_why = msgspec.json.Decoder(Why)


@post(
    "/v1/plans", guards=[with_key], security=KEY, operation_class=PlanOperation, summary="Make a plan", tags=["plans"]
)
async def make_plan(request: Request) -> Response[Any]:
    """``{"files": {path: text}, "moves"?: ["journey/step=step" or "…=exit" or "…=finish_old"], "dry_run_days"?}`` → the plan.

    With a header `Idempotency-Key`, asking again gives the same plan. 400 names file, line and column of what is wrong.
    """
    asked = _wanted.decode(await request.body())
    return await _answer(request, lambda edge, conn: _make(edge, conn, request, asked), status=201)


@post(
    "/v1/plans/diff",
    guards=[with_key],
    status_code=200,
    security=KEY,
    operation_class=DiffOperation,
    summary="What a plan would change",
    tags=["plans"],
)
async def diff_plan(request: Request) -> Response[Any]:
    """The same body as for a plan → ``{"changes", "flight", "quota"}``; nothing is kept."""
    asked = _wanted.decode(await request.body())

    def look(edge: Edge, conn: psycopg.Connection) -> dict[str, Any]:
        return plan.look(conn, edge.clock(), _brand(asked.files), edge.channels(conn), asked.moves).shown

    return Response(await sync_to_thread(_done, edge_of(request), look), media_type=MediaType.JSON)


@post(
    "/v1/plans/{plan_id:int}/revert",
    guards=[with_key],
    security=KEY,
    operation_class=RevertOperation,
    summary="Make a plan back to what was in service before this one",
    tags=["plans"],
)
async def revert_plan(request: Request, plan_id: FromPath[int]) -> Response[Any]:
    """``{"moves"?, "dry_run_days"?}`` → a plan of its own, to be approved and applied like any other. `Idempotency-Key` as above."""
    asked = _way_back.decode(await request.body() or b"{}")

    def revert(edge: Edge, conn: psycopg.Connection) -> plan.Plan:
        return plan.revert(
            conn, edge.clock(), plan_id, holder_of(request), edge.channels(conn), **_options(edge, conn, request, asked)
        )  # fmt: skip

    return await _answer(request, revert, status=201)


@post(
    "/v1/plans/{plan_id:int}/approve",
    guards=[with_key],
    status_code=200,
    security=KEY,
    summary="Approve somebody else's plan",
    tags=["plans"],
)
async def approve_plan(request: Request, plan_id: FromPath[int]) -> Response[Any]:
    """By the holder of the key, who must not be the plan's maker."""
    return await _answer(
        request, lambda edge, conn: plan.approve(conn, edge.clock(), plan_id, holder_of(request))
    )  # fmt: skip


@post(
    "/v1/plans/{plan_id:int}/refuse",
    guards=[with_key],
    status_code=200,
    security=KEY,
    operation_class=RefuseOperation,
    summary="Refuse a plan",
    tags=["plans"],
)
async def refuse_plan(request: Request, plan_id: FromPath[int]) -> Response[Any]:
    """``{"why"?}``; the plan ends."""
    why = _why.decode(await request.body() or b"{}").why
    return await _answer(
        request, lambda edge, conn: plan.refuse(conn, edge.clock(), plan_id, holder_of(request), why)
    )  # fmt: skip


@post(
    "/v1/plans/{plan_id:int}/apply",
    guards=[with_key],
    status_code=200,
    security=KEY,
    summary="Bring a plan into service",
    tags=["plans"],
)
async def apply_plan(request: Request, plan_id: FromPath[int]) -> Response[Any]:
    """Whole or not at all; 409 with the reason where it may not be."""
    return await _answer(
        request,
        lambda edge, conn: plan.apply(conn, edge.clock(), plan_id, holder_of(request), edge.channels(conn)),
    )


@get("/v1/plans", guards=[with_key], security=KEY, sync_to_thread=True, summary="Plans, newest first", tags=["plans"])
def list_plans(request: Request, before: FromQuery[int | None] = None, limit: FromQuery[int] = 50) -> dict[str, Any]:
    """``{"plans": […], "next"}``: ask again with ``before=next`` until it is null. `limit`: 1 to 200."""
    if not 1 <= limit <= 200:
        raise Problem(400, f"limit 现在是 {limit}，请写 1 到 200。 limit is {limit}; write 1 to 200")
    with edge_of(request).pool.lend() as conn:
        found = plan.listing(conn, before, limit)
    return {
        "plans": [show.plan(one) for one in found],
        "next": found[-1].plan_id if len(found) == limit else None,
    }


@get("/v1/plans/{plan_id:int}", guards=[with_key], security=KEY, sync_to_thread=True, summary="A plan", tags=["plans"])
def show_plan(request: Request, plan_id: FromPath[int]) -> dict[str, Any]:
    """Its state, who did what, what changes, who is moved, quotas, and the dry run."""
    with edge_of(request).pool.lend() as conn:
        return show.plan(plan.found(conn, plan_id))


@get("/v1/quota", guards=[with_key], security=KEY, sync_to_thread=True, summary="The quota calendar", tags=["plans"])
def show_quota(request: Request, month: FromQuery[str | None] = None) -> dict[str, Any]:
    """What is planned of the platforms' quotas in a month (``2026-03``; the running one by default), and what finds no room."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        now = edge.clock()
        try:
            found = calendars.month(conn, now, edge.channels(conn), month)
        except YutangError as error:
            raise Problem(400, str(error)) from None
    return show.quota(found) | {"allowances": show.allowances(found, now.date())}


async def _answer(
    request: Request, work: Callable[[Edge, psycopg.Connection], plan.Plan], status: int = 200
) -> Response[Any]:
    """What was done as JSON; what may not be done is 409, with its reason."""
    kept = await sync_to_thread(_done, edge_of(request), work)
    return Response(show.plan(kept), status_code=status, media_type=MediaType.JSON)


def _done(edge: Edge, work: Callable[[Edge, psycopg.Connection], Done]) -> Done:
    with edge.pool.lend() as conn:
        try:
            return work(edge, conn)
        except plan.PlanRefused as refused:
            raise Problem(409, str(refused), refused.reason.value) from None
        except plan.BadMove as wrong:
            raise Problem(400, str(wrong)) from None


def _make(edge: Edge, conn: psycopg.Connection, request: Request, asked: Wanted) -> plan.Plan:
    return plan.make(
        conn, edge.clock(), _brand(asked.files), holder_of(request), edge.channels(conn),
        **_options(edge, conn, request, asked),
    )  # fmt: skip


def _options(edge: Edge, conn: psycopg.Connection, request: Request, asked: Wanted | WayBack) -> dict[str, Any]:
    play = rehearsal(edge.pool.url, edge.clock(), asked.dry_run_days, edge.channels(conn))
    return {"moves": asked.moves, "rehearse": play, "key": request.headers.get(IDEMPOTENCY)}


def _brand(files: Mapping[str, str]) -> Brand:
    try:
        return read_brand(files)
    except YutangError as error:
        raise Problem(400, str(error), Reason.BAD_SHAPE.value) from None
