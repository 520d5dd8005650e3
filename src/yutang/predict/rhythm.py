"""The repurchase clock: on which day somebody is to be expected again, from the gaps between their order days.

Gaps of one person are taken as log-normal, their mean and spread pulled towards everybody's (empirical Bayes). The day that is told is
the middle of the seven days in which the next order most likely falls, which is what a reminder needs; not the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr

from yutang.predict.histories import Ledger

GAPS = 12
"""The newest gaps that are looked at."""
LEAST_GAPS = 3
"""Below these a person has no rhythm yet."""
REACH = 3
"""A day is hit when the order comes within so many days of it."""
PRIOR = 4.0
"""A person's own spread weighs as much as everybody's when he has shown so many gaps more than one."""
CENTRAL = 1.2816
"""Standard deviations to either side of a normal's middle 80%."""


@dataclass(frozen=True)
class Gaps:
    """What is known of the rhythm at some moments, each right after an order day.

    last: shape (n, GAPS), days, the newest first, NaN where there are fewer; known: how many of them there are.
    """

    last: np.ndarray
    known: np.ndarray

    @classmethod
    def at(cls, ledger: Ledger, rows: np.ndarray) -> Gaps:
        """Right after these rows of the ledger."""
        before = rows[:, None] - np.arange(GAPS)[None, :]
        both = np.maximum(before, 1)
        mine = (before >= 1) & (ledger.person[both - 1] == ledger.person[rows][:, None])
        last = np.where(mine, ledger.day[both] - ledger.day[both - 1], np.nan)
        return cls(last, mine.sum(axis=1))

    def of(self, some: np.ndarray) -> Gaps:
        return Gaps(self.last[some], self.known[some])


@dataclass(frozen=True)
class Pool:
    """Everybody's rhythm: the median gap; mean and variance of the persons' mean log gaps, and the variance within a person."""

    median: float
    mean: float
    between: float
    within: float

    @property
    def parameters(self) -> dict[str, float]:
        return {"median": self.median, "mean": self.mean, "between": self.between, "within": self.within}


def pool(gaps: Gaps) -> Pool:
    """From persons with at least `LEAST_GAPS` gaps each. Raises ValueError without any."""
    if not len(gaps.known):
        raise ValueError("还没有人形成购买节奏。 nobody has a rhythm yet")
    mean, squares = _logs(gaps)
    within = float(squares.sum() / max((gaps.known - 1).sum(), 1)) or 1e-6
    between = float(np.var(mean) - within * np.mean(1 / gaps.known))
    return Pool(float(np.nanmedian(gaps.last)), float(mean.mean()), max(between, 1e-6), within)


def _logs(gaps: Gaps) -> tuple[np.ndarray, np.ndarray]:
    """(mean log gap, sum of squares around it) of each."""
    logs = np.log(gaps.last)
    mean = np.nanmean(logs, axis=1)
    return mean, np.nansum((logs - mean[:, None]) ** 2, axis=1)


def shrunken(gaps: Gaps, everybody: Pool) -> tuple[np.ndarray, np.ndarray]:
    """(middle, spread) of the log of each next gap: the normal that is to be expected."""
    mean, squares = _logs(gaps)
    spread = (PRIOR * everybody.within + squares) / (PRIOR + gaps.known - 1)
    weight = gaps.known / spread + 1 / everybody.between
    middle = (gaps.known / spread * mean + everybody.mean / everybody.between) / weight
    return middle, np.sqrt(spread + 1 / weight)


def likeliest(middle: np.ndarray, spread: np.ndarray, most: int) -> np.ndarray:
    """The day 1…most around which the next order most likely falls within `REACH` days. From a table: what differs less than it is fine
    does not matter."""
    table, low, step, narrow, width = _table(most)
    row = np.clip(np.rint((middle - low) / step), 0, table.shape[0] - 1).astype(int)
    column = np.clip(np.rint((spread - narrow) / width), 0, table.shape[1] - 1).astype(int)
    return table[row, column].astype(float)


@lru_cache(maxsize=8)
def _table(most: int) -> tuple[np.ndarray, float, float, float, float]:
    low, step, narrow, width = -0.5, 0.02, 0.05, 0.05
    middles = np.arange(low, np.log(most) + 1.5, step)[:, None, None]
    spreads = np.arange(narrow, 3, width)[None, :, None]
    days = np.arange(1, most + 1)
    upper = ndtr((np.log(days + REACH + 0.5) - middles) / spreads)
    lower = ndtr((np.log(np.maximum(days - REACH - 0.5, 0.5)) - middles) / spreads)
    return 1 + np.argmax(upper - lower, axis=2), low, step, narrow, width


@dataclass(frozen=True)
class Clock:
    """One way to tell the gap: from what is known, everybody's rhythm and the longest gap that is told."""

    name: str
    zh: str
    en: str
    predict: Callable[[Gaps, Pool, int], np.ndarray]
    baseline: bool = False


CLOCKS = (
    Clock("everybody", "所有人的中位数", "everybody's median", lambda g, p, _: np.full(len(g.known), p.median), baseline=True),
    Clock("last_gap", "本人上一次间隔", "the last gap", lambda g, _p, _m: g.last[:, 0], baseline=True),
    Clock("own_mean", "本人平均间隔", "own mean", lambda g, _p, _m: np.nanmean(g.last, axis=1)),
    Clock("own_median", "本人间隔中位数", "own median", lambda g, _p, _m: np.nanmedian(g.last, axis=1)),
    Clock("shrunken", "收缩后的对数均值", "shrunken log mean", lambda g, p, _m: np.exp(shrunken(g, p)[0])),
    Clock("window", "最可能的七天的中点", "middle of the likeliest week", lambda g, p, most: likeliest(*shrunken(g, p), most)),
)  # fmt: skip
"""In this order they are shown."""
