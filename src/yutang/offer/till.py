"""Whether a coupon may be used: the judgement of one batch, without a database.

Several coupons on one order are judged in the order in which they are asked. Each acts on what the ones before it left of
the order's amount: percents of it, and the minimum compared with it. What goes together is in `together`; which of the
legal combinations is best for the customer is the till's choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from yutang.model import Reason
from yutang.offer.together import FOREIGN, Terms, below_margin, go_together

AHEAD = timedelta(hours=1)
"""How far the clock of a till that was offline may be ahead of ours."""
LATEST = timedelta(days=7)
"""How late an offline use may arrive: with more, a clock could be put back to when an expired coupon was valid."""

ASKED, OFFLINE, TOLD, ORDER = "asked", "offline", "told", "order"
"""How a use comes to us: a till asks before it takes something off; a till was offline and has done it already; another
system's event tells of a redemption; an order's event names its coupons."""


@dataclass(frozen=True, slots=True)
class Redeem:
    """A request to use a coupon once; `request_id` names it for ever.

    amount_fen: the order's amount before any coupon, None when it is not told (then neither minimum nor floor is checked).
    person_id: who shows the coupon, None when the code alone counts. discount_fen: what was taken off, when another till
    has decided that; of an ORDER all that was taken off it. at: when it was used, None for now. margin_fen: the order's
    margin before any coupon. hold_until: only hold the coupon for this order until then.
    """

    request_id: str
    code: str
    order_id: str | None = None
    amount_fen: int | None = None
    person_id: int | None = None
    discount_fen: int | None = None
    at: datetime | None = None
    margin_fen: int | None = None
    how: str = ASKED
    hold_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The answer: what comes off the order in fen, or the reason for no.

    against: the code of the coupon that it does not go with, or the request that has used or holds the coupon.
    state: ``done``, ``held``, ``refused``; ``conflict``: refused, but a till that was offline had given it already;
    ``wait``: an offline use of a coupon that is held for another order: nothing is kept, ask again later.
    gift: the article to hand over.
    """

    request_id: str
    reason: Reason | None
    discount_fen: int
    against: str | None = None
    state: str = "done"
    gift: str | None = None

    @property
    def ok(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a request was asked for, and what was answered."""

    code: str
    order_id: str | None
    answer: Redeemed

    def answers(self, request: Redeem) -> bool:
        """Is it the same request once more? An order that only one of the two names makes no difference."""
        told = request.order_id is not None and self.order_id is not None
        return request.code == self.code and (not told or request.order_id == self.order_id)


@dataclass(slots=True)
class Use:
    """A use that is booked, held, or given back, on an order or without one. `cost_fen` is what it takes from the budget."""

    request_id: str
    code: str
    order_id: str | None
    amount_fen: int
    cost_fen: int
    state: str
    at: datetime
    terms: Terms

    @property
    def stands(self) -> bool:
        return self.state in ("done", "held")

    @property
    def off_fen(self) -> int:
        return self.cost_fen if self.terms.takes_off else 0


@dataclass(frozen=True, slots=True)
class Judged:
    """A request with its answer, as it is kept."""

    request: Redeem
    answer: Redeemed
    person_id: int
    origin_id: int
    at: datetime
    cost_fen: int
    event: str
    """The type of the event that tells of it."""

    def row(self) -> dict[str, Any]:
        """As the statement takes it; what is not said of most is left out, as each word is read once more there."""
        said = {
            "request_id": self.request.request_id,
            "person_id": self.person_id,
            "origin_id": self.origin_id,
            "code": self.request.code,
            "order_id": self.request.order_id,
            "amount_fen": self.request.amount_fen or 0,
            "discount_fen": self.cost_fen,
            "at": self.at,
        }
        if self.answer.state == "done":
            return said
        rest = {"reason": self.answer.reason, "against": self.answer.against, "due_at": self.request.hold_until}
        return said | {"state": self.answer.state} | rest


@dataclass
class Known:
    """What the till must know: locked coupons by code, the terms of their offers' versions, fen left by offer (None: no
    limit), answers given before by request, uses by the person who holds the coupons, and the person's newest uses of each offer."""

    coupons: Mapping[str, Any] = field(default_factory=dict)
    terms: Mapping[tuple[int, int], Terms] = field(default_factory=dict)
    budgets: dict[int, int | None] = field(default_factory=dict)
    before: dict[str, list[Kept]] = field(default_factory=dict)
    uses: dict[int, list[Use]] = field(default_factory=dict)
    shared: dict[tuple[str | None, int], list[Use]] = field(default_factory=dict)
    recent: dict[tuple[int, int], list[datetime]] = field(default_factory=dict)
    refused: dict[tuple[str, str], Redeemed] = field(default_factory=dict)
    """What was refused as an event told of it, by code and order."""
    day: datetime | None = None
    """When the brand's day began."""

    def share(self) -> None:
        """Uses by the order's name and amount, whoever holds the coupon: somebody else's counts on an order as well."""
        for uses in self.uses.values():
            for use in uses:
                self.shared.setdefault((use.order_id, use.amount_fen), []).append(use)


class Till:
    """Answers the requests of one batch in order, and keeps count of what each answer uses up."""

    def __init__(self, now: datetime, known: Known) -> None:
        self.now, self.known = now, known
        self.answers: list[Redeemed] = []
        """One for each request, in the order of asking."""
        self.judged: list[Judged] = []
        self.confirmed: list[str] = []
        """Requests that held a coupon for an order that has now been told."""
        self.sums: dict[int, list[int]] = {}
        """By offer: redemptions, fen spent, fen no longer reserved."""
        self._taken: dict[str, int] = {}
        self._held: set[str] = set()

    def answer(self, request: Redeem) -> None:
        """Answers one request. A repeat gets the first answer; an id that stood for another coupon or order gets none: stores
        may number their requests alike, and what the first was promised is not booked for the second."""
        kept = self.known.before.setdefault(request.request_id, [])
        if not kept:
            kept.append(Kept(request.code, request.order_id, self._first_answer(request)))
        reused = Redeemed(request.request_id, Reason.ID_REUSED, 0, None, "refused")
        self.answers.append(next((one.answer for one in kept if one.answers(request)), reused))

    def _first_answer(self, request: Redeem) -> Redeemed:
        return self._same_use(request) or self._same_refusal(request) or self._judge(request)

    def used(self) -> list[tuple[Any, int | None, bool]]:
        """The coupons that were used, with the uses left, and whether the last one is only held."""
        return [
            (self.known.coupons[code], self._left(self.known.coupons[code]), code in self._held) for code in self._taken
        ]

    def terms(self, coupon: Any) -> Terms:
        """What its offer said when it was issued."""
        return self.known.terms.get((coupon.definition_id, coupon.version), FOREIGN)

    def _same_use(self, request: Redeem) -> Redeemed | None:
        """The use that this request tells of once more: an order's event, a redemption's event and a till's late record
        of one and the same use are booked once. A till that asks anew is not meant: it would take off twice."""
        coupon = self.known.coupons.get(request.code)
        uses = () if coupon is None else self.known.uses.get(coupon.person_id, ())
        if not uses or request.person_id not in (None, coupon.person_id):
            return None
        for use in uses:
            if use.code != request.code or not _tells_of(request, use, self._left(coupon)):
                continue
            if use.state == "held" and request.how in (TOLD, ORDER):
                self.confirmed.append(use.request_id)
                use.state = "done"
            if use.state != "held":
                return Redeemed(request.request_id, None, use.off_fen, use.request_id, gift=use.terms.sku)
        return None

    def _same_refusal(self, request: Redeem) -> Redeemed | None:
        """What was refused when the order told of it is not refused once more when the redemption does, nor the other way round."""
        if request.how not in (TOLD, ORDER) or request.order_id is None:
            return None
        said = self.known.refused.get((request.code, request.order_id))
        return said and Redeemed(request.request_id, said.reason, 0, said.against, "refused")

    def _judge(self, request: Redeem) -> Redeemed:
        coupon, at = self.known.coupons.get(request.code), request.at or self.now
        if coupon is None:
            return self._keep(request, None, at, Reason.UNKNOWN_CODE, None, 0)
        terms = self.terms(coupon)
        others = self._on_order(coupon, request) if request.order_id and terms.on_orders else []
        cost = self._cost(coupon, terms, request, others)
        reason, against = self._refusal(coupon, terms, request, at, others, cost)
        if request.how == OFFLINE and reason is Reason.RESERVED:
            return Redeemed(request.request_id, reason, 0, against, "wait")
        return self._keep(request, coupon, at, reason, against, cost)

    def _keep(
        self, request: Redeem, coupon: Any, at: datetime, reason: Reason | None, against: str | None, cost: int
    ) -> Redeemed:
        terms = FOREIGN if coupon is None else self.terms(coupon)
        if reason is None:
            state = "held" if request.hold_until is not None else "done"
            answer = Redeemed(
                request.request_id, None, cost if terms.takes_off or not terms.on_orders else 0, None, state, terms.sku
            )
            self._take(coupon, terms, request, at, cost, state)
        else:
            state = "conflict" if request.how == OFFLINE else "refused"
            answer = Redeemed(request.request_id, reason, 0, against, state)
            cost = request.discount_fen or 0 if request.how == OFFLINE else 0
            if coupon is not None and request.how in (TOLD, ORDER) and request.order_id is not None:
                self.known.refused[request.code, request.order_id] = answer
        owner = coupon if coupon is not None and reason is not Reason.NOT_YOURS else None
        person, origin = (owner.person_id, owner.origin_id) if owner else (request.person_id or 0,) * 2
        event = "coupon_redeemed" if terms.on_orders else "red_packet_claimed"
        self.judged.append(Judged(request, answer, person, origin, at, cost, event))
        return answer

    def _cost(self, coupon: Any, terms: Terms, request: Redeem, others: list[Use]) -> int:
        """What it takes from the budget: what comes off the order, or what a gift or a red packet is worth."""
        if not terms.takes_off:
            return coupon.value_fen
        taken = sum(use.off_fen for use in others)
        return discount_fen(coupon, request, _left_of(request.amount_fen, taken), taken)

    def _refusal(
        self, coupon: Any, terms: Terms, request: Redeem, at: datetime, others: list[Use], cost: int
    ) -> tuple[Reason | None, str | None]:
        """The first thing that stands against it. Time is judged at the moment of use: a late record of a use in time counts."""
        if request.person_id not in (None, coupon.person_id):
            return Reason.NOT_YOURS, None
        if request.how == OFFLINE and not self.now - LATEST <= at <= self.now + AHEAD:
            return (Reason.TOO_OLD if at < self.now else Reason.IN_FUTURE), None
        if self._left(coupon) == 0:
            held = coupon.state == "reserved" or coupon.code in self._held
            return (Reason.RESERVED if held else Reason.ALREADY_REDEEMED), self._taker(coupon)
        if at < coupon.valid_from:
            return Reason.NOT_YET_VALID, None
        if coupon.expires_at is not None and at >= coupon.expires_at:
            return Reason.EXPIRED, None
        if terms.with_order and request.order_id is None:
            return Reason.NO_ORDER, None
        for use in others:
            if not go_together(terms, use.terms):
                return Reason.STACKING, use.code
        return self._money_refusal(coupon, terms, request, others, cost) or self._speed_refusal(coupon, terms, at), None

    def _money_refusal(self, coupon: Any, terms: Terms, request: Redeem, others: list[Use], cost: int) -> Reason | None:
        if request.amount_fen is not None:
            taken = sum(use.off_fen for use in others)
            if request.amount_fen - taken < coupon.minimum_fen:
                return Reason.BELOW_MINIMUM
            off = taken + (cost if terms.takes_off else 0)
            if below_margin([terms, *(use.terms for use in others)], request.amount_fen, off, request.margin_fen):
                return Reason.BELOW_MARGIN
        left = self.known.budgets.get(coupon.definition_id) if coupon.touch_id is not None else None
        return Reason.OVER_BUDGET if left is not None and cost > left else None

    def _speed_refusal(self, coupon: Any, terms: Terms, at: datetime) -> Reason | None:
        """Limits on how often one person uses the offer."""
        if not terms.counts_uses:
            return None
        times = self.known.recent.get((coupon.person_id, coupon.definition_id), [])
        assert self.known.day is not None
        if terms.uses_per_day is not None and sum(t >= self.known.day for t in times) >= terms.uses_per_day:
            return Reason.DAILY_LIMIT
        fast = terms.uses is not None and sum(abs(at - t) < terms.within for t in times) >= terms.uses
        return Reason.TOO_FAST if fast else None

    def _uses(self, coupon: Any) -> list[Use]:
        return self.known.uses.get(coupon.person_id, [])

    def _on_order(self, coupon: Any, request: Redeem) -> list[Use]:
        """What stands on the order already. Stores may name their orders alike, so it is the same one if the person is the
        same, or the amount before any coupon."""
        found = {use.request_id: use for use in self._uses(coupon) if use.order_id == request.order_id}
        if request.amount_fen:
            found |= {use.request_id: use for use in self.known.shared.get((request.order_id, request.amount_fen), ())}
        return [use for use in found.values() if use.stands and use.terms.on_orders]

    def _taker(self, coupon: Any) -> str | None:
        """The request that has the last use of the coupon."""
        return next(
            (use.request_id for use in reversed(self._uses(coupon)) if use.code == coupon.code and use.stands), None
        )

    def _left(self, coupon: Any) -> int | None:
        return None if coupon.uses is None else coupon.uses - self._taken.get(coupon.code, 0)

    def _take(self, coupon: Any, terms: Terms, request: Redeem, at: datetime, cost: int, state: str) -> None:
        code = coupon.code
        self._taken[code] = self._taken.get(code, 0) + 1
        (self._held.add if state == "held" else self._held.discard)(code)
        use = Use(request.request_id, code, request.order_id, request.amount_fen or 0, cost, state, at, terms)
        self.known.uses.setdefault(coupon.person_id, []).append(use)
        self.known.shared.setdefault((use.order_id, use.amount_fen), []).append(use)
        if terms.counts_uses:
            self.known.recent.setdefault((coupon.person_id, coupon.definition_id), []).append(at)
        if coupon.touch_id is None:
            return
        left = self.known.budgets.get(coupon.definition_id)
        if left is not None:
            self.known.budgets[coupon.definition_id] = left - cost
        sums = self.sums.setdefault(coupon.definition_id, [0, 0, 0])
        sums[0] += 1
        sums[1] += cost
        sums[2] += coupon.value_fen if coupon.state == "issued" else 0


def _tells_of(request: Redeem, use: Use, left: int | None) -> bool:
    """Is it this use that the request tells of?"""
    by_event = use.request_id.startswith("event:")
    if request.how == ASKED and not (by_event and use.stands):
        return False
    if request.order_id is not None and use.order_id is not None:
        return request.order_id == use.order_id
    # Only one of the two names the order; of a coupon with one use there is but one use to tell of.
    return request.how != ASKED and left == 0 and (request.order_id is None) != (use.order_id is None)


def _left_of(amount_fen: int | None, taken: int) -> int | None:
    return None if amount_fen is None else max(0, amount_fen - taken)


def discount_fen(coupon: Any, request: Redeem, left_fen: int | None, taken: int = 0) -> int:
    """What the coupon takes off an order of which `left_fen` is still to be paid: as told, else by its terms, else (order
    unknown) its expected worth. An order's own sum also covers what others took off, so there it is only the most."""
    if request.discount_fen is not None and request.how != ORDER:
        return request.discount_fen
    by_terms = _by_terms(coupon, left_fen)
    return by_terms if request.discount_fen is None else min(by_terms, max(0, request.discount_fen - taken))


def _by_terms(coupon: Any, left_fen: int | None) -> int:
    if coupon.off_fen is not None:
        return coupon.off_fen if left_fen is None else min(coupon.off_fen, left_fen)
    if coupon.pay_percent is not None and left_fen is not None:
        return left_fen - left_fen * coupon.pay_percent // 100
    return coupon.value_fen


def codes(requests: Iterable[Redeem]) -> list[str]:
    return [request.code for request in requests]
