"""Who bought what on which day: the only form in which the candidates see order lines.

A basket is what one person ordered on one business day; each product stands in it once. Days are whole numbers (days since 2000).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Baskets:
    """Lines sorted by person, day and product, each once. person: 0 … people-1; product: 0 … products-1; all of shape (lines,)."""

    people: int
    products: int
    person: np.ndarray
    day: np.ndarray
    product: np.ndarray

    @classmethod
    def of(cls, person: np.ndarray, day: np.ndarray, product: np.ndarray, people: int, products: int) -> Baskets:
        """From lines in any order; the same product twice on a day is one line."""
        order = np.lexsort((product, day, person))
        person, day, product = (part[order].astype(np.int64) for part in (person, day, product))
        first = np.ones(len(person), bool)
        first[1:] = (np.diff(person) != 0) | (np.diff(day) != 0) | (np.diff(product) != 0)
        return cls(people, products, person[first], day[first], product[first])

    def where(self, rows: np.ndarray) -> Baskets:
        """Some of the lines, with the same people and products."""
        return Baskets(self.people, self.products, self.person[rows], self.day[rows], self.product[rows])

    def before(self, end: int) -> Baskets:
        return self.where(self.day < end)

    def next_of(self, end: int, until: int) -> Baskets:
        """The first basket in ``end <= day < until`` of everybody who had bought before."""
        known = np.zeros(self.people, bool)
        known[self.person[self.day < end]] = True
        inside = self.where((self.day >= end) & (self.day < until) & known[self.person])
        first = np.full(self.people, np.iinfo(np.int64).max)
        np.minimum.at(first, inside.person, inside.day)
        return inside.where(inside.day == first[inside.person])

    def table(self, values: np.ndarray | None = None) -> csr_matrix:
        """People × products, float32: the sum of `values` (1 for each line)."""
        made = np.ones(len(self.day), np.float32) if values is None else values.astype(np.float32)
        return csr_matrix((made, (self.person, self.product)), (self.people, self.products))

    def days(self) -> tuple[np.ndarray, np.ndarray]:
        """(person, day) of every basket, sorted."""
        first = np.ones(len(self.day), bool)
        first[1:] = (np.diff(self.person) != 0) | (np.diff(self.day) != 0)
        return self.person[first], self.day[first]
