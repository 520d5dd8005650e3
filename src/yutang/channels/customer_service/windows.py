"""How long, and how often, a customer may be answered: data, with the day from which it holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True)
class Allowance:
    """From `since` on, a message of the customer allows `messages` answers within `lasts`."""

    since: date
    messages: int
    lasts: timedelta


ALLOWANCES = (Allowance(date(2021, 1, 1), 5, timedelta(hours=48)),)

WELCOME_LASTS = timedelta(seconds=20)
"""How long a welcome code lives, from the time at which the session was opened."""


def allowance(at: datetime, rules: Iterable[Allowance] = ALLOWANCES) -> Allowance | None:
    """The newest rule in force at a time; None when there was none."""
    found = [rule for rule in rules if rule.since <= at.date()]
    return max(found, key=lambda rule: rule.since, default=None)
