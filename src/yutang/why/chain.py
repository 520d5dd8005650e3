"""The shape of an answer. `Words` hold a sentence in Chinese and English; times are aware UTC, money is fen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Words = dict[str, str]
"""``{"zh": …, "en": …}``"""


@dataclass(frozen=True)
class Handle:
    """What a system outside calls the person; personal values come masked. `event_id` is the evidence."""

    kind: str
    value: str
    since: datetime
    event_id: int


@dataclass(frozen=True)
class Merge:
    """Two persons became one because of an event; `undone_at` when they were split again."""

    winner_id: int
    loser_id: int
    event_id: int
    at: datetime
    undone_at: datetime | None


@dataclass(frozen=True)
class Happening:
    """An event of the person."""

    event_id: int
    type: str
    title: Words
    at: datetime
    amount_fen: int
    props: dict[str, Any]


@dataclass(frozen=True)
class Stay:
    """One stay in a segment; `until` is None while it lasts."""

    segment: str
    title: Words
    version: int
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Verdict:
    """One answer of `decide`: send, hold or no. `spent`: points that its class had taken in the window before it.

    lost_to: the touch that got the points: ``touch_id``, ``journey``, ``title`` (of the journey), ``message`` (title), ``value_fen``.
    """

    at: datetime
    verdict: str
    reason: str | None
    words: Words
    spent: int | None
    lost_to: dict[str, Any] | None


@dataclass(frozen=True)
class Attempt:
    """How far the letter came: waiting, claimed, assigned, sent or failed."""

    channel: str
    state: str
    words: Words
    tries: int
    at: datetime
    retry_at: datetime | None
    reason: str | None
    detail: str | None

    def told_by(self, happening: Happening) -> bool:
        """Does the event say the same?"""
        return happening.type == f"message_{self.state}" and happening.props.get("reason") == self.reason


@dataclass(frozen=True)
class Use:
    """One request to redeem a coupon: done, restored by a refund, or refused with a reason."""

    at: datetime
    state: str
    reason: str | None
    words: Words
    order_id: str | None
    discount_fen: int


@dataclass(frozen=True)
class Coupon:
    """A coupon's life."""

    code: str
    offer: str | None
    title: Words
    rung: int | None
    state: str
    value_fen: int
    issued_at: datetime
    expires_at: datetime | None
    uses: list[Use]


@dataclass(frozen=True)
class Refused:
    """An offer that the person did not get: a rung that a ladder kept back, somebody else's or an unknown code."""

    at: datetime
    offer: str | None
    title: Words
    code: str | None
    reason: str
    words: Words


@dataclass(frozen=True)
class Touch:
    """Something a journey wanted to say, and what became of it, in order. `words` sums it up.

    kind: the class of its journey. price: the points that it takes of the person's budget.
    """

    touch_id: int
    journey: str
    message: str
    title: Words
    kind: str
    channel: str
    price: int
    offer: str | None
    rung: int | None
    value_fen: int
    at: datetime
    deadline: datetime
    verdicts: list[Verdict]
    attempt: Attempt | None
    follow_ups: list[Happening]
    coupon: Coupon | None
    words: Words
    worth: Words | None = None
    """How the value came about, where it was reckoned for this person."""

    def course(self) -> list[Verdict | Attempt | Happening]:
        """What became of it, in the order of time. The event of the state that the attempt is in says nothing beside it."""
        own = [one for one in self.follow_ups if self.attempt and self.attempt.told_by(one)][-1:]
        attempt = [self.attempt] if self.attempt else []
        told = [one for one in self.follow_ups if one not in own]
        return sorted([*self.verdicts, *attempt, *told], key=lambda one: one.at)


@dataclass(frozen=True)
class Step:
    """A line of the journey that was passed, and what was seen there."""

    seq: int
    line: Words
    outcome: str
    words: Words
    at: datetime


@dataclass(frozen=True)
class Enrolment:
    """One run through one version of a journey. arm ``holdout`` walks along and is never sent anything."""

    journey: str
    title: Words
    version: int
    person_id: int
    cause: str
    words: Words
    arm: str
    state: str
    reason: str | None
    ended: Words | None
    entered_at: datetime
    ended_at: datetime | None
    now_at: Words | None
    due_at: datetime | None
    steps: list[Step]
    touches: list[Touch]


@dataclass(frozen=True)
class Outside:
    """A journey that the person did not enter, or not again at `at`: the reason, in words, with the conditions that failed."""

    journey: str
    title: Words
    reason: str | None
    words: Words
    at: datetime | None
    conditions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Chain:
    """Everything that was decided about one person. `members`: the ids that were merged into this one, itself included."""

    person_id: int
    asked_for: int
    at: datetime
    time_zone: str
    members: list[int]
    handles: list[Handle]
    merges: list[Merge]
    events: list[Happening]
    segments: list[Stay]
    enrolments: list[Enrolment]
    outside: list[Outside]
    coupons: list[Coupon]
    """Coupons that no touch carried: from other systems."""
    refused: list[Refused]
    """What was refused without a touch, or a coupon of the person's, on which it could be told."""
