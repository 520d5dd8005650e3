"""What open coupons will cost: a distribution, from how former ones were redeemed. Pure.

A coupon is redeemed with a probability that all coupons of its offer and rung share, and that is not known exactly: a Beta
distribution, from the cohorts (weeks of issue) whose time is over. It is as wide as those cohorts differ among themselves
(`overdispersion`) and as the history is short, and is drawn towards the rate of all offers where there is little of its own.
Given the rate, coupons are redeemed independently (Poisson-binomial: each has its own remaining time), and each use costs
what former uses cost. Sums of such costs are multiplied characteristic functions, so no chance is involved here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

GRID = 4096
"""Points of a distribution: the step is one fen where that suffices, else coarser."""
SMOOTH = 100
"""Expected uses from which on a sum is smooth, so that amounts between two points of the grid need not be rounded."""
NODES = 48
"""Equally likely values by which the unknown rate is represented."""
BINS = 10
"""Tenths of a coupon's life."""
STRENGTH = 4.0
"""How many coupons the rate of all offers counts for in one offer's, where too few offers tell how they differ."""

Cohort = tuple[float, float]
"""(issued, redeemed) of one week of issue, its time over."""
Worth = Sequence[tuple[int, float]]
"""(fen, weight): what a use may cost."""


@dataclass(frozen=True)
class Rate:
    """The rate of redemption of one offer and rung: a Beta distribution with this mean and concentration (a + b)."""

    mean: float
    concentration: float

    def nodes(self) -> np.ndarray:
        """Equally likely values."""
        from scipy.special import betaincinv

        a, b = self.mean * self.concentration, (1 - self.mean) * self.concentration
        found = betaincinv(a, b, (np.arange(NODES) + 0.5) / NODES)
        return found + (self.mean - found.mean())

    def seen(self, used: int, expected_at_one: float, rho: float, coupons: int) -> Rate:
        """After `used` early uses among `coupons` of which a rate of 1 would have used `expected_at_one` by now.

        Coupons of one cohort resemble one another, so they tell less than as many independent ones would."""
        trust = 1 / (1 + rho * max(0, coupons - 1))
        a = self.mean * self.concentration + trust * used
        b = (1 - self.mean) * self.concentration + trust * max(0.0, expected_at_one - used)
        return Rate(a / (a + b), a + b)


@dataclass(frozen=True)
class Open:
    """Open coupons of one offer and rung: how many by the tenth of their life that is over, and what a use costs."""

    rate: Rate
    ages: Sequence[tuple[int, int]]
    worth: Worth


@dataclass(frozen=True)
class Spread:
    """A distribution of fen: the probability of each multiple of `step`."""

    step: int
    chances: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.chances @ np.arange(len(self.chances))) * self.step

    def quantile(self, share: float) -> int:
        """The least amount that is not exceeded with this probability."""
        at = int(np.searchsorted(np.cumsum(self.chances), share - 1e-9))
        return min(at, len(self.chances) - 1) * self.step


def overdispersion(histories: Iterable[Sequence[Cohort]]) -> float:
    """How much cohorts of one offer differ beyond chance, 0 to 0.5: the share of p(1-p) that lies between them.

    The method of moments over all offers together (Kleinman 1973); too few cohorts say 0."""
    above = below = 0.0
    for cohorts in histories:
        n = np.array([c[0] for c in cohorts if c[0]], float)
        r = np.array([c[1] for c in cohorts if c[0]], float)
        total, p = n.sum(), r.sum() / n.sum() if n.sum() else 0.0
        if len(n) < 2 or not 0 < p < 1:
            continue
        above += float((n * (r / n - p) ** 2).sum()) / (p * (1 - p)) - (len(n) - 1)
        below += total - float((n**2).sum()) / total - (len(n) - 1)
    return min(0.5, max(0.0, above / below)) if below > 0 else 0.0


def rates(histories: Sequence[Sequence[Cohort]]) -> list[Rate]:
    """The rate of the next cohort of each offer and rung, shrunk towards the rate of all."""
    rho = overdispersion(histories)
    sizes = [_effective(cohorts, rho) for cohorts in histories]
    issued, redeemed = (sum(c[n] for cohorts in histories for c in cohorts) for n in (0, 1))
    overall, strength = (redeemed + 1) / (issued + 2), _strength(histories, sizes)
    return [_rate(cohorts, size, overall, strength, rho) for cohorts, size in zip(histories, sizes, strict=True)]


def _rate(cohorts: Sequence[Cohort], size: float, overall: float, strength: float, rho: float) -> Rate:
    """Two doubts add up: about the offer's own mean, and about how far the next cohort lies from it."""
    own = _share(cohorts)
    mean = overall if own is None else (own * size + overall * strength) / (size + strength)
    spread = 1 / (size + strength + 1) + rho
    return Rate(mean, max(0.5, 1 / spread - 1))


def _effective(cohorts: Sequence[Cohort], rho: float) -> float:
    """How many independent coupons tell as much."""
    total = sum(c[0] for c in cohorts)
    return total / (1 + rho * (sum(c[0] ** 2 for c in cohorts) / total - 1)) if total else 0.0


def _share(cohorts: Sequence[Cohort]) -> float | None:
    issued = sum(c[0] for c in cohorts)
    return sum(c[1] for c in cohorts) / issued if issued else None


def _strength(histories: Sequence[Sequence[Cohort]], sizes: Sequence[float]) -> float:
    """How alike the offers are: the concentration of their rates, from 2 (nothing in common) to 100."""
    known = [
        (size, p * size) for cohorts, size in zip(histories, sizes, strict=True) if (p := _share(cohorts)) is not None
    ]
    if len(known) < 3:
        return STRENGTH
    return float(np.clip(1 / max(overdispersion([known]), 1e-6) - 1, 2, 100))


def timing(delays: Sequence[int]) -> np.ndarray:
    """G: the share of uses that come by the end of each tenth of a coupon's life, from 0 at its beginning to 1; `delays` are
    former uses by tenths. One use for each tenth is added, so that nothing is impossible."""
    counts = np.asarray(delays, float) + 1
    return np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])


def remaining(rate: np.ndarray, gone: float) -> np.ndarray:
    """The chance that a coupon that is still open is used yet, when `gone` of all uses come before its age."""
    return rate * (1 - gone) / np.maximum(1 - rate * gone, 1e-12)


def forecast(parts: Sequence[Open], shape: np.ndarray) -> Spread:
    """The distribution of what open coupons will cost until they end; `shape` as `timing` gives it."""
    groups = [_Group.of(part, shape) for part in parts if any(n for _, n in part.ages)]
    most = sum(group.most for group in groups)
    mean, variance = sum(group.mean for group in groups), sum(group.variance for group in groups)
    far = int(mean + 12 * variance**0.5) + max((group.dearest for group in groups), default=0)
    top = most if most < GRID else min(most, far)
    step = max(1, -(-top // (GRID - 1)))
    length = top // step + 2
    smooth = sum(group.uses for group in groups) >= SMOOTH
    found = np.ones(length // 2 + 1, complex)
    for group in groups:
        found *= group.characteristic(step, length, smooth)
    chances = np.clip(np.fft.irfft(found, length), 0, None)
    return Spread(step, chances / chances.sum())


@dataclass(frozen=True)
class _Group:
    """Coupons that share a rate: `chance[node, age]` of a use yet, for `counts[age]` coupons each."""

    chance: np.ndarray
    counts: np.ndarray
    fen: np.ndarray
    weight: np.ndarray

    @staticmethod
    def of(part: Open, shape: np.ndarray) -> _Group:
        ages = [(age, n) for age, n in part.ages if n]
        nodes = np.clip(part.rate.nodes(), 0, 1)
        chance = np.stack([remaining(nodes, float(shape[age])) for age, _ in ages], axis=1)
        weight = np.array([w for _, w in part.worth], float)
        fen = np.array([f for f, _ in part.worth], float)
        return _Group(chance, np.array([n for _, n in ages], float), fen, weight / weight.sum())

    @property
    def dearest(self) -> int:
        return int(self.fen.max())

    @property
    def most(self) -> int:
        return int(self.counts.sum() * self.fen.max())

    @property
    def uses(self) -> float:
        return float((self.chance @ self.counts).mean())

    @property
    def mean(self) -> float:
        return self.uses * float(self.fen @ self.weight)

    @property
    def variance(self) -> float:
        """Within a rate, and between the rates."""
        first, second = float(self.fen @ self.weight), float(self.fen**2 @ self.weight)
        within = ((self.chance * second - (self.chance * first) ** 2) @ self.counts).mean()
        return float(within + (self.chance @ self.counts * first).var())

    def characteristic(self, step: int, length: int, smooth: bool) -> np.ndarray:
        """Of the sum, averaged over the rates."""
        reach = [self._reach(chances, step, length) if smooth else length // 2 + 1 for chances in self.chance]
        one = self._exact(step, length, max(reach)) if smooth else np.fft.rfft(self._grid(step, length))
        total = np.zeros(length // 2 + 1, complex)
        for chances, far in zip(self.chance, reach, strict=True):
            with np.errstate(divide="ignore"):
                logs = sum(n * np.log(1 - c + c * one[:far]) for c, n in zip(chances, self.counts, strict=True))
                total[:far] += np.exp(logs)
        return total / len(self.chance)

    def _reach(self, chances: np.ndarray, step: int, length: int) -> int:
        """Beyond this frequency a smooth sum has nothing: at eight deviations its characteristic function is nought."""
        first, second = float(self.fen @ self.weight), float(self.fen**2 @ self.weight)
        variance = float((chances * second - (chances * first) ** 2) @ self.counts)
        far = 8 * step * length / (2 * np.pi * variance**0.5) if variance > 0 else length
        return min(length // 2 + 1, int(far) + 2)

    def _exact(self, step: int, length: int, reach: int) -> np.ndarray:
        """Of one use, at the frequencies of the grid."""
        turns = np.outer(np.arange(reach), self.fen) / (step * length)
        return np.exp(-2j * np.pi * turns) @ self.weight

    def _grid(self, step: int, length: int) -> np.ndarray:
        """What one use costs, on the grid: an amount between two points goes to both so that the mean stays."""
        found = np.zeros(length)
        low = (self.fen // step).astype(int)
        part = self.fen / step - low
        np.add.at(found, low, self.weight * (1 - part))
        np.add.at(found, low + 1, self.weight * part)
        return found
