"""Cells of the daily roll-up in arrays: rows of persons, each with its days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Cells:
    """For each row: index of the person, number of the type (from 1 on), where its cells begin and how many they are; then the cells of all
    rows, those of each row by day."""

    pos: np.ndarray
    which: np.ndarray
    begin: np.ndarray
    count: np.ndarray
    day: np.ndarray
    n: np.ndarray
    amount: np.ndarray

    def each(self, column: np.ndarray) -> np.ndarray:
        """A column of the rows as one of their cells."""
        return np.repeat(column, self.count)

    def places(self) -> np.ndarray:
        """Where the cells stand, row after row."""
        return self.each(self.begin - np.cumsum(self.count) + self.count) + np.arange(self.count.sum())

    def by_type(self, types: int) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
        """For each type the person of each cell, ascending, then by day; and the cells. Only rows need sorting for that."""
        order = np.lexsort((self.pos, self.which))
        rows = replace(self, **{name: getattr(self, name)[order] for name in ("pos", "which", "begin", "count")})
        at, pos = rows.places(), rows.each(rows.pos)
        edges = np.searchsorted(rows.each(rows.which), np.arange(1, types + 2))
        for first, end in pairwise(edges):
            mine = at[first:end]
            yield pos[first:end], {"day": self.day[mine], "n": self.n[mine], "amount": self.amount[mine]}
