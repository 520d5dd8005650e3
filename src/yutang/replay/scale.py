"""From a sample to everybody: pure arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z95 = 1.959964
"""Standard deviations on either side that hold 95 % of a normal distribution."""


@dataclass(frozen=True)
class Figure:
    """A figure for everybody, and between what bounds it lies with a confidence of 95 %. All three are equal where nobody was left out."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Sample:
    """`n` persons were looked at in the place of all `people`."""

    n: int
    people: int

    def total(self, n: float, squares: float) -> Figure:
        """A sum over everybody, from the sum over the sample and the sum of the squares of each person's part.

        Simple random sampling without replacement: the standard error of the total is N·sqrt((1 - n/N)/n)·s, where s is the
        standard deviation between persons, those with nothing included (Cochran, Sampling Techniques, 2.5 and 2.6).
        """
        if self.n >= self.people:
            return Figure(n, n, n)
        factor = self.people / self.n
        variance = max(0.0, squares - n * n / self.n) / max(1, self.n - 1)
        error = Z95 * self.people * math.sqrt((1 - self.n / self.people) / self.n * variance)
        # What was seen has happened, however small the sample.
        return Figure(factor * n, max(float(n), factor * n - error), factor * n + error)

    def count(self, n: int) -> Figure:
        """How many persons there are of a kind of which the sample has `n`."""
        return self.total(n, n)


def share(part: int, whole: int) -> Figure:
    """A share with Wilson's interval, which holds for small numbers and for shares near 0 and 1."""
    if not whole:
        return Figure(0.0, 0.0, 1.0)
    p, z2 = part / whole, Z95 * Z95
    middle = (p + z2 / (2 * whole)) / (1 + z2 / whole)
    half = Z95 / (1 + z2 / whole) * math.sqrt(p * (1 - p) / whole + z2 / (4 * whole * whole))
    return Figure(p, max(0.0, middle - half), min(1.0, middle + half))
