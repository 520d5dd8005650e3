"""What is used of each allowance, window by window, person by person. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from yutang.channels.contract import Allowance

People = np.ndarray
"""Ids of persons."""
NOBODY: People = np.empty(0, np.int64)
ONE = np.int32(1)


@dataclass(frozen=True)
class Use:
    """Messages on a day of the channel's calendar: the person of each. kinds: of allowance."""

    day: date
    channel: str
    kinds: tuple[str, ...]
    people: People


@dataclass
class Window:
    """One allowance in one of its windows, and how many messages each person has of it."""

    allowance: Allowance
    people: People = field(default_factory=lambda: NOBODY)
    counts: np.ndarray = field(default_factory=lambda: NOBODY)

    def add(self, people: People) -> None:
        """One message more for each. A campaign's people come sorted and once each, and the same array again and again."""
        if people is self.people:
            self.counts = self.counts + ONE
        elif not len(self.people) and bool((people[1:] > people[:-1]).all()):
            self.people, self.counts = people, np.full(len(people), ONE)
        else:
            weights = np.concatenate([self.counts, np.full(len(people), ONE)])
            self.people, place = np.unique(np.concatenate([self.people, people]), return_inverse=True)
            self.counts = np.bincount(place, weights, len(self.people)).astype(np.int32)

    @property
    def used(self) -> int:
        return int(self.counts.sum()) + self.allowance.used

    @property
    def full(self) -> int:
        """How many people can get no more, where each has so much."""
        return int((self.counts >= self.allowance.amount).sum()) if self.allowance.per == "person" else 0

    def too_many(self, asked: np.ndarray) -> int:
        """For how many more messages there is no room; `asked`: the person of each."""
        if self.allowance.per == "account":
            return min(len(asked), max(0, self.used + len(asked) - self.allowance.amount))
        people, wanted = np.unique(asked, return_counts=True)
        return int(np.clip(self._has(people) + wanted - self.allowance.amount, 0, wanted).sum())

    def _has(self, people: People) -> np.ndarray:
        """How many each of these has."""
        if not len(self.people):
            return np.zeros(len(people), np.int64)
        place = np.minimum(np.searchsorted(self.people, people), len(self.people) - 1)
        return np.where(self.people[place] == people, self.counts[place], 0)


@dataclass(frozen=True)
class Shortage:
    """An allowance that has too little room: `over` of `asked` messages have none."""

    channel: str
    allowance: Allowance
    over: int
    asked: int


@dataclass
class Ledger:
    """`of`: the allowances of a channel that hold on a day."""

    of: Callable[[str, date], Sequence[Allowance]]
    windows: dict[tuple[str, str, date], Window] = field(default_factory=dict)
    days: dict[tuple[date, str, str], int] = field(default_factory=dict)
    """Messages by day, channel and kind."""

    def add(self, use: Use) -> None:
        for window in self._windows(use):
            window.add(use.people)
            key = (use.day, use.channel, window.allowance.kind)
            self.days[key] = self.days.get(key, 0) + len(use.people)

    def shortage(self, uses: Sequence[Use]) -> Shortage | None:
        """Where these uses, taken together, find the least room; nothing is taken."""
        asked: dict[tuple[str, str, date], list[People]] = {}
        for use in uses:
            for window in self._windows(use):
                assert window.allowance.first is not None
                asked.setdefault((use.channel, window.allowance.kind, window.allowance.first), []).append(use.people)
        found = (self._short(key, np.concatenate(people)) for key, people in asked.items())
        return max((one for one in found if one.over), key=lambda one: one.over / one.asked, default=None)

    def _short(self, key: tuple[str, str, date], people: np.ndarray) -> Shortage:
        window = self.windows[key]
        return Shortage(key[0], window.allowance, window.too_many(people), len(people))

    def window(self, channel: str, allowance: Allowance) -> Window | None:
        """What is used of an allowance; None where it has no windows."""
        if allowance.first is None:
            return None
        return self.windows.setdefault((channel, allowance.kind, allowance.first), Window(allowance))

    def _windows(self, use: Use) -> list[Window]:
        """Stock is no window: who has none of it is told so when it is sent, whatever the day."""
        wanted = (a for a in self.of(use.channel, use.day) if a.kind in use.kinds)
        return [window for a in wanted if (window := self.window(use.channel, a)) is not None]
