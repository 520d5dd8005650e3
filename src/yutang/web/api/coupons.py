"""Coupons at a till: redeem, only check, hold for an order, confirm, release; one by one, or many that a till kept while offline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
import psycopg
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromQuery
from msgspec import Meta

from yutang import offer
from yutang.model import Reason
from yutang.offer.till import ASKED, OFFLINE
from yutang.web.access import holder_of, with_key
from yutang.web.api.spec import KEY, HoldOperation, IdsOperation, RedeemOperation
from yutang.web.edge import Edge, edge_of
from yutang.web.problems import Problem

MOST = 1_000
Key = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Fen = Annotated[int, Meta(ge=0, le=10**15)]
Ask = Callable[[psycopg.Connection, datetime, Sequence[Any]], list[offer.Redeemed]]


class Use(msgspec.Struct, forbid_unknown_fields=True):
    """One use of a coupon; `request_id` names it for ever, so asking again is harmless. `at`: it was used then, offline."""

    request_id: Key
    code: Key
    order_id: Key | None = None
    amount_fen: Fen | None = None
    margin_fen: Annotated[int, Meta(ge=-(10**15), le=10**15)] | None = None
    person_id: Annotated[int, Meta(ge=1, le=2**62)] | None = None
    discount_fen: Fen | None = None
    at: Annotated[datetime, Meta(tz=True)] | None = None


class Hold(Use, forbid_unknown_fields=True):
    """A coupon to be held for an order."""

    minutes: Annotated[int, Meta(ge=1, le=1440)] = 15


class Ids(msgspec.Struct, forbid_unknown_fields=True):
    """Requests that hold coupons."""

    request_ids: Annotated[list[Key], Meta(min_length=1, max_length=MOST)]


class Redemption(msgspec.Struct):
    """The answer to one request; `reason` and `detail` say why not, `against` which coupon or request stands in the way.

    reconcile: of a use that came late what the till has to do: nothing (booked), settle what it gave in vain (conflict),
    send it again later (wait), or with another id (new_id)."""

    request_id: str
    ok: bool
    discount_fen: int
    reason: str | None = None
    detail: str | None = None
    state: str = "done"
    against: str | None = None
    gift: str | None = None
    reconcile: str | None = None


_one_or_many = msgspec.json.Decoder(Use | list[Use])
_uses, _holds, _ids = msgspec.json.Decoder(list[Use]), msgspec.json.Decoder(list[Hold]), msgspec.json.Decoder(Ids)


@post(
    "/v1/redemptions",
    guards=[with_key],
    status_code=200,
    security=KEY,
    operation_class=RedeemOperation,
    summary="Redeem coupons, also late",
    tags=["coupons"],
)
async def redeem(request: Request) -> Response[Any]:
    """One use ``{"request_id","code","order_id"?,"amount_fen"?,"margin_fen"?,"person_id"?,"discount_fen"?,"at"?}``, or an array of at most 1,000.

    `at` says that the till was offline: it had taken the coupon then. Such a use is booked if the coupon was good at that
    time, however late it comes within 7 days; if not, `reconcile` is ``conflict``, and ``wait`` while an order holds the coupon.
    The answer has the same form as the question.
    """
    asked = _one_or_many.decode(await request.body())
    if isinstance(asked, Use) and asked.at is None:
        return await _answer(request, lambda edge: [edge.counter.redeem(_wanted(asked))], one=True)
    uses = [asked] if isinstance(asked, Use) else asked
    return await _rows(request, uses, offer.redeem, [_wanted(use) for use in uses], one=isinstance(asked, Use))


@post(
    "/v1/redemptions/check",
    guards=[with_key],
    status_code=200,
    security=KEY,
    operation_class=RedeemOperation,
    summary="What coupons would take off; nothing is booked",
    tags=["coupons"],
)
async def check(request: Request) -> Response[Any]:
    """An array as for redeeming; several uses of one order are judged together, in their order."""
    uses = _uses.decode(await request.body())
    return await _rows(request, uses, offer.check, [_wanted(use) for use in uses])


@post(
    "/v1/redemptions/reserve",
    guards=[with_key],
    status_code=200,
    security=KEY,
    operation_class=HoldOperation,
    summary="Hold coupons for orders",
    tags=["coupons"],
)
async def reserve(request: Request) -> Response[Any]:
    """An array as for redeeming, with ``"minutes"`` (1 to 1440, else 15). Held until confirmed, released, or the time is over."""
    uses, now = _holds.decode(await request.body()), edge_of(request).clock()
    if any(use.order_id is None or use.at is not None for use in uses):
        raise Problem(
            400,
            "占用券是为还没完成的订单：请写 'order_id'，不要写 'at'。 "
            "a coupon is held for an order that is still to come: write 'order_id', and no 'at'",
        )
    return await _rows(
        request, uses, offer.redeem, [_wanted(use, now + timedelta(minutes=use.minutes)) for use in uses]
    )


@post(
    "/v1/redemptions/confirm",
    guards=[with_key],
    status_code=200,
    security=KEY,
    operation_class=IdsOperation,
    summary="Redeem what is held",
    tags=["coupons"],
)
async def confirm(request: Request) -> Response[Any]:
    """``{"request_ids": […]}``: the orders came about."""
    ids = _ids.decode(await request.body()).request_ids
    return await _rows(request, ids, offer.confirm, ids)


@post(
    "/v1/redemptions/release",
    guards=[with_key],
    status_code=200,
    security=KEY,
    operation_class=IdsOperation,
    summary="Let go of what is held",
    tags=["coupons"],
)
async def release(request: Request) -> Response[Any]:
    """``{"request_ids": […]}``: the orders did not come about."""
    ids = _ids.decode(await request.body()).request_ids
    return await _rows(request, ids, offer.release, ids)


@get(
    "/v1/redemptions/conflicts",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="What offline tills gave in vain",
    tags=["coupons"],
)
def list_conflicts(request: Request, limit: FromQuery[int] = 100) -> list[dict[str, Any]]:
    """Newest first: ``{"request_id","code","person_id","order_id","discount_fen","reason","against","at"}``. `limit`: 1 to 1,000."""
    if not 1 <= limit <= MOST:
        raise Problem(400, f"limit: 请写 1 到 {MOST}。 write 1 to {MOST}")
    with edge_of(request).pool.lend() as conn:
        return offer.conflicts(conn, limit)


async def _rows(
    request: Request, rows: Sequence[Any], ask: Ask, wanted: Sequence[Any], one: bool = False
) -> Response[Any]:
    if len(rows) > MOST:
        raise Problem(
            413, f"共 {len(rows)} 个请求，一次最多发 {MOST} 个。 {len(rows)} requests; send at most {MOST} in one call"
        )

    def answer(edge: Edge) -> list[offer.Redeemed]:
        with edge.pool.lend() as conn:
            return ask(conn, edge.clock(), wanted)

    late = {use.request_id for use in rows if isinstance(use, Use) and use.at is not None}
    return await _answer(request, answer, one, late)


async def _answer(
    request: Request, ask: Callable[[Edge], list[offer.Redeemed]], one: bool = False, late: set[str] | None = None
) -> Response[Any]:
    """Ask, unless whoever asks has tried too many codes that are none: codes must not be found by trying."""
    edge, who = edge_of(request), f"{holder_of(request)} {request.client.host if request.client else ''}"
    if edge.guesses.reached(who, edge.clock()):
        raise Problem(429, Reason.TOO_MANY_TRIES.both, Reason.TOO_MANY_TRIES.value)
    answers = await sync_to_thread(ask, edge)
    for answer in answers:
        if answer.reason in (Reason.UNKNOWN_CODE, Reason.NOT_YOURS):
            edge.guesses.allows(who, edge.clock())
    told = [_told(answer, late or set()) for answer in answers]
    return Response(told[0] if one else told, media_type=MediaType.JSON)


def _wanted(use: Use, hold_until: datetime | None = None) -> offer.Redeem:
    return offer.Redeem(
        use.request_id,
        use.code,
        use.order_id,
        use.amount_fen,
        use.person_id,
        use.discount_fen,
        use.at,
        use.margin_fen,
        ASKED if use.at is None else OFFLINE,
        hold_until,
    )


def _told(answer: offer.Redeemed, late: set[str]) -> Redemption:
    reason = answer.reason
    refused = answer.state if answer.state in ("conflict", "wait") else "new_id"
    return Redemption(
        answer.request_id,
        answer.ok,
        answer.discount_fen,
        reason and reason.value,
        reason and reason.both,
        answer.state,
        answer.against,
        answer.gift,
        ("booked" if answer.ok else refused) if answer.request_id in late else None,
    )
