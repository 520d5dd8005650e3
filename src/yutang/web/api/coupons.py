"""Redeeming coupons at a till."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import MediaType, Request, Response, post
from litestar.concurrency import sync_to_thread
from msgspec import Meta

from yutang import offer
from yutang.web.access import with_key
from yutang.web.api.spec import KEY, RedeemOperation
from yutang.web.edge import Edge, edge_of
from yutang.web.problems import Problem

MOST = 1_000
Key = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Fen = Annotated[int, Meta(ge=0, le=10**15)]


class Use(msgspec.Struct, forbid_unknown_fields=True):
    """One use of a coupon; `request_id` names it for ever, so asking again is harmless."""

    request_id: Key
    code: Key
    order_id: Key | None = None
    amount_fen: Fen | None = None
    person_id: Annotated[int, Meta(ge=1, le=2**62)] | None = None
    discount_fen: Fen | None = None


class Redemption(msgspec.Struct):
    """The answer to one request; `reason` and `detail` say why not."""

    request_id: str
    ok: bool
    discount_fen: int
    reason: str | None = None
    detail: str | None = None


_one_or_many = msgspec.json.Decoder(Use | list[Use])


@post(
    "/v1/coupons/redeem",
    guards=[with_key],
    status_code=200,
    security=KEY,
    operation_class=RedeemOperation,
    summary="Redeem coupons",
    tags=["coupons"],
)
async def redeem(request: Request) -> Response[Any]:
    """One use ``{"request_id","code","order_id"?,"amount_fen"?,"person_id"?,"discount_fen"?}``, or an array of at most 1,000.

    The answer has the same form: an object or an array of ``{"request_id","ok","discount_fen","reason","detail"}``.
    """
    asked = _one_or_many.decode(await request.body())
    if isinstance(asked, list) and len(asked) > MOST:
        raise Problem(413, f"{len(asked)} requests; send at most {MOST} in one call")
    ask = _many if isinstance(asked, list) else _one
    return Response(await sync_to_thread(ask, edge_of(request), asked), media_type=MediaType.JSON)


def _one(edge: Edge, use: Use) -> Redemption:
    """Single uses from many tills share commits."""
    return _told(edge.counter.redeem(_wanted(use)))


def _many(edge: Edge, uses: list[Use]) -> list[Redemption]:
    with edge.pool.lend() as conn:
        return [_told(answer) for answer in offer.redeem(conn, edge.clock(), [_wanted(use) for use in uses])]


def _wanted(use: Use) -> offer.Redeem:
    return offer.Redeem(use.request_id, use.code, use.order_id, use.amount_fen, use.person_id, use.discount_fen)


def _told(answer: offer.Redeemed) -> Redemption:
    reason = answer.reason
    return Redemption(answer.request_id, answer.ok, answer.discount_fen, reason and reason.value, reason and reason.en)
