"""Whether a coupon may be used: the judgement of one batch, without a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yutang.model import Reason


@dataclass(frozen=True, slots=True)
class Redeem:
    """A request to use a coupon once; `request_id` names it for ever.

    amount_fen: the order's amount before the coupon, None when it is not told (then no minimum is checked).
    person_id: who shows the coupon, None when the code alone counts. discount_fen: what was taken off, when another till
    has decided that. at: when it was used, None for now.
    """

    request_id: str
    code: str
    order_id: str | None = None
    amount_fen: int | None = None
    person_id: int | None = None
    discount_fen: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The answer: what comes off in fen, or the reason for no."""

    request_id: str
    reason: Reason | None
    discount_fen: int

    @property
    def ok(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Judged:
    """A request with its answer, as it is kept."""

    request: Redeem
    answer: Redeemed
    person_id: int
    origin_id: int
    at: datetime

    def row(self) -> dict[str, Any]:
        """As the statement takes it."""
        return {
            "request_id": self.request.request_id,
            "person_id": self.person_id,
            "origin_id": self.origin_id,
            "code": self.request.code,
            "order_id": self.request.order_id,
            "amount_fen": self.request.amount_fen or 0,
            "discount_fen": self.answer.discount_fen,
            "reason": self.answer.reason,
            "at": self.at,
        }


class Till:
    """Answers the requests of one batch in order, and keeps count of what each answer uses up.

    coupons: locked rows by code. budgets: fen left by offer, None without a limit. before: answers of earlier batches.
    """

    def __init__(
        self, now: datetime, coupons: dict[str, Any], budgets: dict[int, int | None], before: dict[str, Redeemed]
    ) -> None:
        self.now, self.coupons, self.budgets, self.answers = now, coupons, budgets, before
        self.judged: list[Judged] = []
        self.sums: dict[int, list[int]] = {}
        """By offer: redemptions, fen spent, fen no longer reserved."""
        self._taken: dict[str, int] = {}

    def answer(self, request: Redeem) -> None:
        """Answers one request; an id that was seen keeps its first answer."""
        if request.request_id not in self.answers:
            self.answers[request.request_id] = self._judge(request)

    def used(self) -> list[tuple[Any, int | None]]:
        """The coupons that were used, with the uses left."""
        return [(self.coupons[code], self._left(self.coupons[code])) for code in self._taken]

    def _judge(self, request: Redeem) -> Redeemed:
        coupon, at = self.coupons.get(request.code), request.at or self.now
        discount = 0 if coupon is None else discount_fen(coupon, request)
        reason = Reason.UNKNOWN_CODE if coupon is None else self._refusal(coupon, request, at, discount)
        answer = Redeemed(request.request_id, reason, 0 if reason else discount)
        if coupon is not None and reason is None:
            self._take(coupon, discount)
        origin = request.person_id or 0 if coupon is None else coupon.origin_id
        person = request.person_id or 0 if coupon is None else coupon.person_id
        if reason is Reason.NOT_YOURS:
            person = origin = request.person_id or 0
        self.judged.append(Judged(request, answer, person, origin, at))
        return answer

    def _refusal(self, coupon: Any, request: Redeem, at: datetime, discount: int) -> Reason | None:
        """The first thing that stands against it. Time is judged at the moment of use: a late record of a use in time counts."""
        left = self.budgets.get(coupon.definition_id) if coupon.touch_id is not None else None
        gates = (
            (Reason.NOT_YOURS, request.person_id not in (None, coupon.person_id)),
            (Reason.ALREADY_REDEEMED, self._left(coupon) == 0),
            (Reason.NOT_YET_VALID, at < coupon.valid_from),
            (Reason.EXPIRED, coupon.expires_at is not None and at >= coupon.expires_at),
            (Reason.BELOW_MINIMUM, request.amount_fen is not None and request.amount_fen < coupon.minimum_fen),
            (Reason.OVER_BUDGET, left is not None and discount > left),
        )
        return next((reason for reason, no in gates if no), None)

    def _left(self, coupon: Any) -> int | None:
        return None if coupon.uses is None else coupon.uses - self._taken.get(coupon.code, 0)

    def _take(self, coupon: Any, discount: int) -> None:
        self._taken[coupon.code] = self._taken.get(coupon.code, 0) + 1
        if coupon.touch_id is None:
            return
        left = self.budgets.get(coupon.definition_id)
        if left is not None:
            self.budgets[coupon.definition_id] = left - discount
        sums = self.sums.setdefault(coupon.definition_id, [0, 0, 0])
        sums[0] += 1
        sums[1] += discount
        sums[2] += coupon.value_fen if coupon.state == "issued" else 0


def discount_fen(coupon: Any, request: Redeem) -> int:
    """What the coupon takes off this order: as told, else by its terms, else (order unknown) its expected worth."""
    if request.discount_fen is not None:
        return request.discount_fen
    if coupon.off_fen is not None:
        return coupon.off_fen if request.amount_fen is None else min(coupon.off_fen, request.amount_fen)
    if coupon.pay_percent is not None and request.amount_fen is not None:
        return request.amount_fen - request.amount_fen * coupon.pay_percent // 100
    return coupon.value_fen
