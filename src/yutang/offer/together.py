"""What goes together on one order, and what must be left of it: the terms of a coupon beside others. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from yutang.definitions import Definition
from yutang.offer.definition import PLAIN


@dataclass(frozen=True)
class Terms:
    """The part of an offer's version that the till asks for.

    group: of one group only one coupon per order. excludes: names of offers and groups it does not go with, said by either
    side. floor_percent: what the customer must at least pay of the order's amount. left_percent: what must be left of that
    amount as margin, where the order tells its margin; None: not asked. uses_per_day, uses (in `within`): per person.
    """

    name: str
    sort: str
    stackable: bool
    group: str | None
    excludes: frozenset[str]
    floor_percent: int
    left_percent: int | None
    sku: str | None
    with_order: bool
    uses_per_day: int | None
    uses: int | None
    within: timedelta

    @property
    def takes_off(self) -> bool:
        """Does it lower what is paid for the order? A gift and a red packet do not."""
        return self.sort in ("coupon", "ladder")

    @property
    def on_orders(self) -> bool:
        """Does it share an order with others? A red packet is money, and stands by itself."""
        return self.sort != "red_packet"

    @property
    def counts_uses(self) -> bool:
        return self.uses_per_day is not None or self.uses is not None


FOREIGN = Terms("", "coupon", True, None, frozenset(), 0, None, None, False, None, None, timedelta())
"""A coupon of another system: what we do not know of it forbids nothing."""


@lru_cache(maxsize=4096)
def terms_of(offer: Definition) -> Terms:
    """The terms of one version of an offer."""
    body: dict[str, Any] = PLAIN | offer.body
    limits = body["limits"]
    velocity = limits["velocity"] or {"uses": None, "minutes": 0}
    return Terms(
        name=offer.name,
        sort=body["sort"],
        stackable=body["stackable"],
        group=body["stack"],
        excludes=frozenset(body["excludes"]),
        floor_percent=body["margin_floor_percent"],
        left_percent=body["margin_left_percent"],
        sku=body.get("sku"),
        with_order=body.get("hand_over") == "with_order",
        uses_per_day=limits["uses_per_day"],
        uses=velocity["uses"],
        within=timedelta(minutes=velocity["minutes"]),
    )


def go_together(one: Terms, other: Terms) -> bool:
    """May both stand on one order? Said the same from either side."""
    if not (one.stackable and other.stackable) or (one.group is not None and one.group == other.group):
        return False
    return not (_names(one) & other.excludes or _names(other) & one.excludes)


def _names(terms: Terms) -> set[str]:
    return {terms.name} | ({terms.group} if terms.group else set())


def below_margin(all_on_it: Iterable[Terms], amount_fen: int, off_fen: int, margin_fen: int | None) -> bool:
    """Would `off_fen` less on an order of `amount_fen` (its margin before any coupon: `margin_fen`) fall below any one's floor?"""
    for terms in all_on_it:
        paid, left = (amount_fen - off_fen) * 100, terms.left_percent
        if paid < terms.floor_percent * amount_fen:
            return True
        if left is not None and margin_fen is not None and (margin_fen - off_fen) * 100 < left * amount_fen:
            return True
    return False
