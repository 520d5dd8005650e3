"""How long, and how often, somebody who has just done something may be written to: data, with the day it holds from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

MESSAGE, ACT = "message", "act"


@dataclass(frozen=True)
class Allowance:
    """From `since` on, an act of this kind allows `messages` customer service messages within `lasts`."""

    kind: str
    since: date
    messages: int
    lasts: timedelta


ALLOWANCES = (
    # A message of the follower. Older pages of the platform say 20.
    Allowance(MESSAGE, date(2021, 1, 1), 5, timedelta(hours=48)),
    # A tap on a menu key, a subscription, a scan.
    Allowance(ACT, date(2021, 1, 1), 3, timedelta(minutes=1)),
)

KIND_OF_EVENT = {"subscribe": ACT, "SCAN": ACT, "CLICK": ACT}
"""Which events open a window. A menu link (VIEW) opens none."""


def allowance(kind: str, at: datetime, rules: Iterable[Allowance] = ALLOWANCES) -> Allowance:
    """The newest rule in force at a time. Raises ValueError when none is."""
    found = [rule for rule in rules if rule.kind == kind and rule.since <= at.date()]
    if not found:
        raise ValueError(f"no allowance for '{kind}' is in force at {at.isoformat()}")
    return max(found, key=lambda rule: rule.since)
