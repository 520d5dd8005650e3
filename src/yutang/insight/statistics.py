"""The statistics of an experiment: pure functions over counts, means and variances, so that a pond of any size fits in.

A comparison is a list of *pairs*, one for each stratum: people who were drawn with the same odds, cut into treated and
control. The strata are weighed by their people, so that a share of control that was changed on the way does no harm.
All intervals are two-sided. Sources are named where they are used; docs/experiments.md has the formulae.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtri, stdtrit

ALPHA = 0.05


@dataclass(frozen=True)
class Cell:
    """A group of people: how many, mean and sample variance of the outcome y, the same of a second figure x (history, or the
    denominator of a ratio), and the sample covariance of both."""

    n: int
    mean: float
    variance: float
    x_mean: float = 0.0
    x_variance: float = 0.0
    covariance: float = 0.0

    @classmethod
    def of(cls, y: ArrayLike, x: ArrayLike | None = None) -> Cell:
        """The cell of single values; at least two."""
        a = np.asarray(y, float)
        b = np.zeros_like(a) if x is None else np.asarray(x, float)
        spread = np.cov(a, b)
        return cls(a.size, float(a.mean()), *map(float, (spread[0, 0], b.mean(), spread[1, 1], spread[0, 1])))

    @classmethod
    def share(cls, yes: int, n: int) -> Cell:
        """People of whom so many said yes; at least two."""
        p = yes / n
        return cls(n, p, p * (1 - p) * n / (n - 1))

    def less(self, theta: float) -> Cell:
        """The cell of y − θx."""
        variance = self.variance - 2 * theta * self.covariance + theta**2 * self.x_variance
        return Cell(self.n, self.mean - theta * self.x_mean, max(variance, 0.0))


NOBODY = Cell(0, 0.0, 0.0)


def join(cells: Iterable[Cell]) -> Cell:
    """All people of several cells in one (Chan, Golub and LeVeque 1983)."""
    whole = NOBODY
    for cell in cells:
        whole = _joined(whole, cell)
    return whole


def _joined(a: Cell, b: Cell) -> Cell:
    if not a.n or not b.n:
        return a if a.n else b
    n, between = a.n + b.n, a.n * b.n / (a.n + b.n)
    dy, dx = b.mean - a.mean, b.x_mean - a.x_mean

    def spread(first: float, second: float, apart: float) -> float:
        return ((a.n - 1) * first + (b.n - 1) * second + between * apart) / (n - 1)

    return Cell(
        n,
        (a.n * a.mean + b.n * b.mean) / n,
        spread(a.variance, b.variance, dy * dy),
        (a.n * a.x_mean + b.n * b.x_mean) / n,
        spread(a.x_variance, b.x_variance, dx * dx),
        spread(a.covariance, b.covariance, dx * dy),
    )


@dataclass(frozen=True)
class Pair:
    """The two arms of one stratum."""

    treated: Cell
    control: Cell

    @property
    def n(self) -> int:
        return self.treated.n + self.control.n

    def less(self, theta: float) -> Pair:
        return Pair(self.treated.less(theta), self.control.less(theta))


Pairs = Sequence[Pair]


@dataclass(frozen=True)
class Estimate:
    """A difference treated − control, its variance, its degrees of freedom, and the people behind it."""

    difference: float
    variance: float
    df: float
    n: int

    @property
    def error(self) -> float:
        return sqrt(self.variance)


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, both possible."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


# --- differences -----------------------------------------------------------------------------------------------------


def means(pairs: Pairs) -> tuple[float, float]:
    """The means of treated and of control; strata weighed by their people."""
    weights = _weights(pairs)
    treated = sum(w * p.treated.mean for w, p in zip(weights, pairs, strict=True))
    return treated, sum(w * p.control.mean for w, p in zip(weights, pairs, strict=True))


def difference(pairs: Pairs) -> Estimate:
    """Difference of means with unequal variances; degrees of freedom by Welch (1947) and Satterthwaite (1946).

    With several strata this is post-stratification (Miratrix, Sekhon and Yu 2013): Σ w Δ, variance Σ w² s²/n over all cells.
    A difference of proportions is the same over cells of zeros and ones.
    """
    treated, control = means(pairs)
    return _estimate(treated - control, [(w * w * c.variance / c.n, c.n) for w, c in _cells(pairs)], _people(pairs))


def ratios(pairs: Pairs) -> tuple[float, float] | None:
    """Σy/Σx of treated and of control, strata weighed by their people; None where an arm has no x."""
    y = means(pairs)
    x = means([Pair(_swapped(p.treated), _swapped(p.control)) for p in pairs])
    return None if 0 in x else (y[0] / x[0], y[1] / x[1])


def _swapped(c: Cell) -> Cell:
    return Cell(c.n, c.x_mean, c.x_variance, c.mean, c.variance, c.covariance)


def ratio(pairs: Pairs) -> Estimate:
    """Difference of the `ratios`, for example the value of an order; variance by the delta method.

    Var(ȳ/x̄) ≈ (s²ᵧ − 2R sᵧₓ + R² s²ₓ) / (n x̄²), as in Deng, Knoblich and Lu (2018), eq. 3.
    """
    found = ratios(pairs)
    assert found, "no x, no ratio"
    treated, control = found
    parts = []
    for r, side in ((treated, [p.treated for p in pairs]), (control, [p.control for p in pairs])):
        weighed = list(zip(_weights(pairs), side, strict=True))
        x = sum(w * c.x_mean for w, c in weighed)
        parts += [((w / x) ** 2 * c.less(r).variance / c.n, c.n) for w, c in weighed]
    return _estimate(treated - control, parts, _people(pairs))


def relative(pairs: Pairs) -> Estimate:
    """(treated − control) / control; variance by the delta method: s²ₜ/(nₜ ȳ²꜀) + s²꜀ ȳ²ₜ/(n꜀ ȳ⁴꜀)."""
    treated, control = means(pairs)
    scale = {id(p.treated): 1 / control for p in pairs} | {id(p.control): treated / control**2 for p in pairs}
    parts = [((w * scale[id(c)]) ** 2 * c.variance / c.n, c.n) for w, c in _cells(pairs)]
    return _estimate(treated / control - 1, parts, _people(pairs))


def _estimate(found: float, parts: list[tuple[float, int]], people: int) -> Estimate:
    """From (variance, people) of each cell."""
    variance = sum(v for v, _ in parts)
    spread = sum(v * v / (n - 1) for v, n in parts)
    return Estimate(found, variance, variance**2 / spread if spread else inf, people)


def _people(pairs: Pairs) -> int:
    return sum(p.n for p in pairs)


def _weights(pairs: Pairs) -> list[float]:
    people = _people(pairs)
    return [p.n / people for p in pairs]


def _cells(pairs: Pairs) -> Iterable[tuple[float, Cell]]:
    for weight, pair in zip(_weights(pairs), pairs, strict=True):
        yield weight, pair.treated
        yield weight, pair.control


# --- history ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Adjusted:
    """A difference after CUPED. removed: the share of the variance that history explained away."""

    estimate: Estimate
    theta: float
    removed: float


def cuped(pairs: Pairs) -> Adjusted | None:
    """The difference of y − θx, x being the same figure before entry (Deng, Xu, Kohavi and Walker 2013).

    θ = Σ(n−1)·cov / Σ(n−1)·var(x), pooled inside the cells, so that no effect can leak into it: the coefficient of x in a
    regression of y on arm and x. None where there is no history to use.
    """
    cells = [c for _, c in _cells(pairs)]
    spread = sum((c.n - 1) * c.x_variance for c in cells)
    plain = difference(pairs)
    if spread <= 0 or plain.variance <= 0:
        return None
    theta = sum((c.n - 1) * c.covariance for c in cells) / spread
    estimate = difference([p.less(theta) for p in pairs])
    return Adjusted(estimate, theta, 1 - estimate.variance / plain.variance)


# --- intervals -------------------------------------------------------------------------------------------------------


def classic(e: Estimate, alpha: float = ALPHA) -> Interval:
    """Student's interval: right when one looks once, at a time that was fixed beforehand."""
    half = float(stdtrit(min(e.df, 1e12), 1 - alpha / 2)) * e.error
    return Interval(e.difference - half, e.difference + half)


def tuned(intended: float, alpha: float = ALPHA) -> float:
    """ρ², with which the always-valid interval is narrowest at `intended` people (Waudby-Smith et al., eq. 161)."""
    return (-2 * log(alpha) + log(1 - 2 * log(alpha))) / intended


def always_valid(e: Estimate, rho2: float, seen: float | None = None, alpha: float = ALPHA) -> Interval:
    """An interval that is right at every look, however often one looks and whenever one stops.

    The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021, arXiv 2103.06476, eq. 9), the
    normal mixture of Robbins (1970): √(V·t)·√(2(tρ²+1)/(t²ρ²)·ln(√(tρ²+1)/α)), t how much was seen (people by default).
    `rho2` must not depend on what was seen.
    """
    half = e.error * sqrt(boundary(rho2 * (e.n if seen is None else seen), alpha))
    return Interval(e.difference - half, e.difference + half)


def boundary(r: float, alpha: float = ALPHA) -> float:
    """(half width / standard error)² of the always-valid interval at r = tρ²."""
    return inf if r <= 0 else 2 * (r + 1) / r * log(sqrt(r + 1) / alpha)


def always_p(e: Estimate, rho2: float, seen: float | None = None) -> float:
    """The p-value that belongs to `always_valid` (ibid., eq. 155; the mSPRT of Johari et al. 2017)."""
    if e.variance <= 0:
        return 1.0 if e.difference == 0 else 0.0
    r = rho2 * (e.n if seen is None else seen)
    return min(1.0, sqrt(r + 1) * exp(-r / (r + 1) * e.difference**2 / (2 * e.variance)))


def mismatch(drawn: Iterable[tuple[int, int, float]]) -> float:
    """The p-value of a sample ratio mismatch: (treated, control, intended share of control) of each stratum, χ² with a degree of
    freedom each (Fabijan et al. 2019). Below 0.001 something is wrong with the draw."""
    chi2, df = 0.0, 0
    for treated, control, share in drawn:
        n = treated + control
        if n and 0 < share < 1:
            chi2 += (control - n * share) ** 2 / (n * share * (1 - share))
            df += 1
    return float(chdtrc(df, chi2)) if df else 1.0


# --- how many people -------------------------------------------------------------------------------------------------


def detectable(variance: float, n: float, share: float, power: float = 0.8, alpha: float = ALPHA) -> float:
    """The smallest difference that n people, `share` of them control, show with this power in one planned look."""
    return _reach(power, -float(ndtri(alpha / 2))) * sqrt(variance * _split(share) / n)


def audience(variance: float, effect: float, share: float, power: float = 0.8, alpha: float = ALPHA) -> float:
    """How many people show a difference of `effect`: the inverse of `detectable`."""
    return variance * _split(share) * (_reach(power, -float(ndtri(alpha / 2))) / effect) ** 2


def detectable_always(variance: float, n: float, share: float, power: float = 0.8, alpha: float = ALPHA) -> float:
    """As `detectable`, for an always-valid interval that is tuned to n: at the latest when n people have come."""
    return _reach(power, sqrt(boundary(tuned(1, alpha), alpha))) * sqrt(variance * _split(share) / n)


def audience_always(variance: float, effect: float, share: float, power: float = 0.8, alpha: float = ALPHA) -> float:
    """The inverse of `detectable_always`."""
    return variance * _split(share) * (_reach(power, sqrt(boundary(tuned(1, alpha), alpha))) / effect) ** 2


def _reach(power: float, critical: float) -> float:
    return critical + float(ndtri(power))


def _split(share: float) -> float:
    """1/(1−h) + 1/h: n times the variance of a difference, in units of the outcome's variance."""
    return 1 / (1 - share) + 1 / share


def enough(e: Estimate, rho2: float, seen: float, alpha: float = ALPHA) -> float:
    """How much has to be seen, in the units of `seen`, until a difference like this one would clear the always-valid interval:
    (difference / error)² grows with what is seen. inf when nothing is to be seen at all."""
    if e.difference == 0 or e.variance <= 0:
        return inf
    growth = e.difference**2 / e.variance / seen

    def clears(t: float) -> bool:
        return growth * t > boundary(rho2 * t, alpha)

    least, most = 0.0, seen
    while not clears(most):
        least, most = most, most * 2
        if most > 1e12 * seen:
            return inf
    while most - least > seen / 1e6:
        middle = (least + most) / 2
        least, most = (least, middle) if clears(middle) else (middle, most)
    return most
