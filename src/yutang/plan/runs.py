"""When journeys will speak, as far as the clock alone decides: the firings of schedules, and the messages along a program. Pure.

Where a program parts, the way with more messages is taken: nobody is promised room that is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from yutang.journey.draft import targets
from yutang.journey.moments import next_at
from yutang.journey.timetable import next_firing
from yutang.plan.parts import Bodies, Body

MESSAGE = "message"
"""The kind of every message; what is attached to one names more kinds."""


@dataclass(frozen=True)
class Said:
    """A message that is to be said. channels: to be tried in this order; kinds: of allowance that it uses."""

    at: datetime
    channels: tuple[str, ...]
    kinds: tuple[str, ...]


def firings(body: Body, after: datetime, until: datetime, zone: str) -> Iterator[datetime]:
    """When the clock begins a journey for its whole audience, as often as the same people may enter."""
    timetable = body["trigger"].get("schedule")
    last: datetime | None = None
    at = next_firing(timetable, after, zone) if timetable else None
    while at is not None and at < until:
        if last is None or _again(body["reentry"], last, at):
            yield at
            last = at
        at = next_firing(timetable, at, zone)


def _again(reentry: Any, last: datetime, at: datetime) -> bool:
    """May who entered at `last` enter again?"""
    if isinstance(reentry, Mapping):
        return at - last >= timedelta(days=reentry["after_days"])
    return reentry != "never"


def said(
    program: list[Body], line: int, at: datetime, bodies: Bodies, zone: str, *, waited: bool = False
) -> list[Said]:
    """The messages from a line on, which is come to at `at`. waited: its own waiting is over then."""
    heavy, found = _messages(program), []
    following: int | None = line
    while following is not None:
        step = program[following]
        if "message" in step and step["do"] != "ladder":
            found.append(_said(step, at, bodies))
        following = max(targets(step), key=heavy.__getitem__, default=None)
        at, waited = (at if waited else _leaves(step, following, at, zone)), False
    return found


def _messages(program: list[Body]) -> dict[int, int]:
    """How many messages lie ahead of each line at most, its own included. Programs hold no circles."""
    ahead: dict[int, int] = {}

    def count(number: int) -> int:
        if number not in ahead:
            step = program[number]
            ahead[number] = ("message" in step) + max((count(n) for n in targets(step)), default=0)
        return ahead[number]

    for number in range(len(program)):
        count(number)
    return ahead


def _leaves(step: Body, following: int | None, at: datetime, zone: str) -> datetime:
    """When who comes to a step at `at` goes on from it. What is waited for comes at once, unless nothing comes at all."""
    if step["do"] == "until":  # whose hours differ are booked by the hour of those who have none
        return next_at(step, at, zone)
    if step["do"] == "wait" or following == step.get("no"):
        return at + timedelta(seconds=step.get("seconds", 0))
    return at


def _said(step: Body, at: datetime, bodies: Bodies) -> Said:
    message = bodies.get(("message", step["message"]), {})
    channels = step.get("channels") or [message.get("channel", "")]
    kinds = sorted({str(one.get("kind")) for one in message.get("attachments", ())} - {MESSAGE})
    return Said(at, tuple(channels), (MESSAGE, *kinds))
