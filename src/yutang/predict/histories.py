"""What is known of many people's order days at an instant: how many, the first, the last. The only form in which models see them.

A purchase is a *day with orders*: two orders on one business day are one. Days are whole numbers (days since 2000).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Histories:
    """One entry per person: `repeats` (x) order days after the first, `last` (tx) days from the first to the last, `span` (T) days from the
    first to the end of the window; all int64 of shape (n,)."""

    repeats: np.ndarray
    last: np.ndarray
    span: np.ndarray

    def __len__(self) -> int:
        return len(self.repeats)

    def merged(self) -> tuple[Histories, np.ndarray, np.ndarray]:
        """The distinct histories, how many people have each (float64), and for each person which one is theirs."""
        if not len(self):
            return self, np.zeros(0), np.zeros(0, np.int64)
        days = int(self.span.max()) + 1
        key = (self.repeats * days + self.last) * days + self.span
        distinct, mine, count = np.unique(key, return_inverse=True, return_counts=True)
        rest, span = np.divmod(distinct, days)
        repeats, last = np.divmod(rest, days)
        return Histories(repeats, last, span), count.astype(float), mine


@dataclass(frozen=True)
class Ledger:
    """Order days of many people, one row per person and day, sorted by person and day.

    person: index 0…people-1, every one of them present; day: days since 2000; amount: fen of that day, after refunds.
    """

    people: int
    person: np.ndarray
    day: np.ndarray
    amount: np.ndarray

    @classmethod
    def of(cls, person: np.ndarray, day: np.ndarray, amount: np.ndarray) -> tuple[Ledger, np.ndarray]:
        """From orders in any order, any ids: several orders of a day become one row. Returns the ledger and the id of each index."""
        ids, index = np.unique(person, return_inverse=True)
        order = np.lexsort((day, index))
        index, day, amount = index[order], day[order].astype(np.int64), amount[order]
        first = (
            np.flatnonzero(np.r_[True, (np.diff(index) != 0) | (np.diff(day) != 0)]) if len(day) else np.zeros(0, int)
        )
        summed = np.add.reduceat(amount, first) if len(first) else amount
        return cls(len(ids), index[first], day[first], summed), ids

    def some(self, most: int) -> Ledger:
        """About `most` of the people, every so many-th, numbered anew; all of them where there are no more."""
        step = -(-self.people // most)
        if step <= 1:
            return self
        rows = self.person % step == 0
        return Ledger(-(-self.people // step), self.person[rows] // step, self.day[rows], self.amount[rows])

    def between(self, since: int, until: int) -> np.ndarray:
        """Which rows lie on days in ``since <= day < until``."""
        return (self.day >= since) & (self.day < until)

    def known(self, end: int) -> tuple[np.ndarray, Histories]:
        """Who had ordered before the day `end` (their indexes, ascending), and their histories at its beginning."""
        rows = self.day < end
        person, day = self.person[rows], self.day[rows]
        if not len(person):
            none = np.zeros(0, np.int64)
            return none, Histories(none, none, none)
        starts = np.flatnonzero(np.r_[True, np.diff(person) != 0])
        counts = np.diff(np.r_[starts, len(person)])
        first, last = day[starts], day[starts + counts - 1]
        return person[starts], Histories(counts - 1, last - first, end - 1 - first)

    def counts(self, people: np.ndarray, since: int, until: int) -> np.ndarray:
        """Order days of these people in the window, as float64."""
        return np.bincount(self.person[self.between(since, until)], minlength=self.people)[people].astype(float)

    def sums(self, people: np.ndarray, since: int, until: int) -> np.ndarray:
        """Fen of these people in the window, as float64."""
        rows = self.between(since, until)
        return np.bincount(self.person[rows], self.amount[rows].astype(float), self.people)[people]
