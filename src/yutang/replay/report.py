"""What a replay found: figures for everybody, each with its interval, as JSON and as a page for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from yutang.replay.scale import Figure

Words = dict[str, str]
"""``{"zh", "en"}``."""
LEAST = 30
"""So many people are needed for a share of who would have bought anyway."""


@dataclass(frozen=True)
class Counted:
    """How many of something, by words that say what: (journey, arm), (channel), (journey, verdict, reason) …"""

    what: tuple[str, ...]
    figure: Figure


@dataclass(frozen=True)
class Daily:
    """How many of something on each business day."""

    what: tuple[str, ...]
    days: dict[date, Figure]


@dataclass(frozen=True)
class Outcome:
    """What was seen on a line, and how often."""

    outcome: str
    words: Words
    figure: Figure


@dataclass(frozen=True)
class Step:
    """One line of a draft: how often it was passed, with what outcomes, and when."""

    journey: str
    step: str
    words: Words
    outcomes: list[Outcome]
    days: dict[date, Figure]


@dataclass(frozen=True)
class Quota:
    """What a platform allows on a channel in each `span` (day, week, month), and what was used of it. most: the fullest span (of one person, or of all together).
    over: in how many spans too much was asked, or for how many persons."""

    channel: str
    span: str
    per: str
    amount: int
    first: date
    last: date
    most: Figure
    over: Figure


@dataclass(frozen=True)
class Coupons:
    """The coupons of one offer that a journey of the replay gave out. Money in fen; owed: worth of those still open at the end."""

    journey: str
    offer: str
    issued: Figure
    worth_fen: Figure
    redeemed: Figure
    cost_fen: Figure
    owed_fen: Figure


@dataclass(frozen=True)
class Liability:
    """What the coupons of the drafts cost in all, in fen, those that were used already included: with chances of 10, 50 and 90 % it is no more than this."""

    p10_fen: float
    p50_fen: float
    p90_fen: float


@dataclass(frozen=True)
class Anyway:
    """Who would have bought without the journey. Of those who came in (of those to whom it gave a coupon) so many were untouched in
    the past that was replayed: until they bought, or for `days` days. Of these so many bought within these days. A share is None
    where fewer than LEAST untouched people were looked at: it is not known."""

    days: int
    entered: Figure
    untouched: Figure
    bought: Figure
    share: Figure | None
    given: Figure
    given_untouched: Figure
    given_bought: Figure
    given_share: Figure | None


@dataclass(frozen=True)
class Report:
    """A back-test or a dry run. persons were looked at, of `people`; `drafts` are the journeys on trial; every figure is for everybody.
    since, until: on the clocks of time_zone."""

    kind: str
    brand: Words
    drafts: list[str]
    since: datetime
    until: datetime
    tick: str
    time_zone: str
    persons: int
    people: int
    facts: int
    passes: int
    titles: dict[str, dict[str, Words]]
    entries: list[Counted]
    entries_per_day: list[Daily]
    ends: list[Counted]
    steps: list[Step]
    verdicts: list[Counted]
    sent: list[Counted]
    sent_per_day: list[Daily]
    per_person: dict[int, Figure]
    quotas: list[Quota]
    collisions: list[Counted]
    coupons: list[Coupons]
    liability: Liability
    cost_fen: list[Counted]
    anyway: Anyway | None
    notes: list[Words] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Was everybody looked at?"""
        return self.persons >= self.people

    def to_json(self) -> dict[str, Any]:
        """Plain values; instants and days in ISO 8601, keys of mappings as text."""
        return msgspec.to_builtins(asdict(self), str_keys=True)

    def html(self) -> str:
        """A page that needs nothing else: Chinese first, readable on a phone."""
        from yutang.replay.page import page

        return page(self)
