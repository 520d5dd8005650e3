"""What people did on which days, and how it looks from one day per person: the only form in which scores see a pond."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

WIDE = 1 << 20
"""More than any day since 2000: a person and a day are one number, ``person * WIDE + day``."""
LONG = 400
"""Days that stand for "never"."""


@dataclass(frozen=True)
class Days:
    """Cells of one kind, sorted by person and day. key: int64 of shape (n,); times, fen: sums before each cell, of shape (n + 1,)."""

    key: np.ndarray
    times: np.ndarray
    fen: np.ndarray

    @classmethod
    def of(cls, person: np.ndarray, day: np.ndarray, times: np.ndarray, fen: np.ndarray) -> Days:
        """From cells in any order: person is an index, day is since 2000."""
        key = person.astype(np.int64) * WIDE + day
        order = np.argsort(key, kind="stable")
        return cls(key[order], *(np.r_[0, np.cumsum(column[order], dtype=np.int64)] for column in (times, fen)))

    def place(self, person: np.ndarray, day: np.ndarray | int) -> np.ndarray:
        """How many cells lie before these days of these people (and before these people)."""
        return np.searchsorted(self.key, person * WIDE + day)


NOTHING = Days.of(*(np.zeros(0, np.int64) for _ in range(4)))


@dataclass(frozen=True)
class Seen:
    """One row per person and day: what was known of that person at the beginning of that day, and nothing later.

    person, day: int64 of shape (n,); kinds: the cells by kind; extra: columns that are of the row itself, not of the person.
    """

    kinds: Mapping[str, Days]
    person: np.ndarray
    day: np.ndarray
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)
    _ends: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.person)

    def cells(self, kind: str) -> Days:
        return self.kinds.get(kind, NOTHING)

    def _end(self, kind: str) -> np.ndarray:
        if kind not in self._ends:
            self._ends[kind] = self.cells(kind).place(self.person, self.day)
        return self._ends[kind]

    def _begin(self, kind: str, last: int | None) -> np.ndarray:
        since = 0 if last is None else np.maximum(self.day - last, 0)
        return self.cells(kind).place(self.person, since)

    def days(self, kind: str, last: int | None = None) -> np.ndarray:
        """On how many of the last so many days; of all days where none are given."""
        return (self._end(kind) - self._begin(kind, last)).astype(float)

    def times(self, kind: str, last: int | None = None) -> np.ndarray:
        """How often."""
        times = self.cells(kind).times
        return (times[self._end(kind)] - times[self._begin(kind, last)]).astype(float)

    def fen(self, kind: str, last: int | None = None) -> np.ndarray:
        """For how much; never less than nothing."""
        fen = self.cells(kind).fen
        return np.maximum(fen[self._end(kind)] - fen[self._begin(kind, last)], 0).astype(float)

    def ago(self, kind: str) -> np.ndarray:
        """Days since the last time; `LONG` where it never was, or is longer ago."""
        end = self._end(kind)
        return self._apart(kind, end - 1, end > self._begin(kind, None))

    def since(self, kind: str) -> np.ndarray:
        """Days since the first time; `LONG` where it is longer ago, or never was."""
        begin = self._begin(kind, None)
        return self._apart(kind, begin, self._end(kind) > begin)

    def _apart(self, kind: str, cell: np.ndarray, there: np.ndarray) -> np.ndarray:
        key = self.cells(kind).key
        day = key[np.where(there, cell, 0)] % WIDE if len(key) else np.zeros(len(self), np.int64)
        return np.where(there, np.minimum(self.day - day, LONG), LONG).astype(float)
