"""Buy-till-you-drop: people order at their own pace until, after some order, they never do again.

BG/NBD: Fader, Hardie, Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2), formulae 6-10.
MBG/NBD: Batislam, Denizel, Filiztekin (2007); Hoppe, Wagner (2007): one may also drop out right after the first order.
The two differ by one in a single place: `Model.shift`. Likelihood and gradient are direct; histories that are alike are reckoned once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma, expit, gammaln, hyp2f1

from yutang.predict.histories import Histories

LONGEST = 10.0
"""Time is scaled so that the longest span is this: the parameters are then all near one."""
BOUND = 8.0
"""Logarithms of parameters stay within ± this: data in which nobody drops out would drive them to infinity."""
NUDGE = 1e-4
EULER = 10.0
"""Up to this a the transformed series is the steadier one."""


@dataclass(frozen=True)
class Model:
    """A fitted model. r, alpha: the gamma of order rates (alpha in days); a, b: the beta of dropping out; shift: 0 BG/NBD, 1 MBG/NBD.
    log_likelihood: in days; evaluations: how often it was reckoned."""

    r: float
    alpha: float
    a: float
    b: float
    shift: int
    log_likelihood: float
    evaluations: int

    @property
    def parameters(self) -> dict[str, float]:
        return {"r": self.r, "alpha": self.alpha, "a": self.a, "b": self.b}

    def alive(self, of: Histories) -> np.ndarray:
        """The probability, shape (n,), that each has not dropped out yet."""
        odds = _odds(of, *self._logs(of), self.r, self.a, self.b, self.shift)
        return expit(-odds)

    def expected(self, of: Histories, days: int) -> np.ndarray:
        """Order days to be expected of each in the next `days` days, shape (n,). Formula 10 of the paper; with Euler's transformation of the
        hypergeometric function where a is small, so that nothing overflows for those who order often."""
        # The formula is whole, but not as it is written, at a = 1 and at a + b = 1.
        a = self.a if abs(self.a - 1) > NUDGE else 1 + NUDGE
        b = self.b if abs(a + self.b - 1) > NUDGE else 1 - a + NUDGE
        reach, m, pace = self.alpha + of.span + days, b + of.repeats + self.shift, self.r + of.repeats
        rest = (self.alpha + of.span) / reach
        if a < EULER:
            silent = rest ** (a - 1) * hyp2f1(a - 1, a + b + self.shift - 1 - self.r, a + m - 1, 1 - rest)
        else:
            silent = np.exp(pace * np.log(rest) + np.log(hyp2f1(pace, m, a + m - 1, 1 - rest)))
        return np.maximum((a + m - 1) / (a - 1) * (1 - silent), 0.0) * self.alive(of)

    def _logs(self, of: Histories) -> tuple[np.ndarray, np.ndarray]:
        return np.log(self.alpha + of.span), np.log(self.alpha + of.last)


def bg_nbd(of: Histories) -> Model:
    """The BG/NBD by maximum likelihood."""
    return fit(of, 0)


def mbg_nbd(of: Histories) -> Model:
    """The MBG/NBD by maximum likelihood."""
    return fit(of, 1)


def fit(of: Histories, shift: int) -> Model:
    """By maximum likelihood, L-BFGS over the logarithms of the parameters. Raises ValueError without anybody."""
    if not len(of):
        raise ValueError("还没有人下过单。 nobody has ordered")
    distinct, people, _ = of.merged()
    scale = LONGEST / max(float(distinct.span.max()), 1.0)
    likelihood = _Likelihood(distinct, people, scale, shift)
    found = minimize(
        likelihood, np.zeros(4), jac=True, method="L-BFGS-B", bounds=[(-BOUND, BOUND)] * 4, options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8}
    )  # fmt: skip
    r, alpha, a, b = np.exp(found.x).tolist()
    total = -found.fun * people.sum() + float(people @ distinct.repeats) * np.log(scale)
    return Model(r, alpha / scale, a, b, shift, float(total), found.nfev)


class _Likelihood:
    """The mean negative log-likelihood and its gradient. What depends on the count of orders alone is reckoned once for each count."""

    def __init__(self, of: Histories, people: np.ndarray, scale: float, shift: int) -> None:
        self.share, self.shift = people / people.sum(), shift
        self.span, self.last = of.span * scale, of.last * scale
        self.x, self.which = np.unique(of.repeats, return_inverse=True)
        self.share_x = np.bincount(self.which, self.share)
        self.mean_x = float(self.share_x @ self.x)
        self.can_drop = (of.repeats > 0) | bool(shift)

    def __call__(self, logs: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, a, b = np.exp(logs)
        x, share_x, m = self.x, self.share_x, b + self.x + self.shift
        with_span, with_last = alpha + self.span, alpha + self.last
        log_span, gap = np.log(with_span), np.log(with_span / with_last)
        pace = (r + x)[self.which]
        odds = np.where(self.can_drop, np.log(a / np.maximum(m - 1, 1e-300))[self.which] + pace * gap, -np.inf)
        dropped = expit(odds) * self.share
        by_x = np.bincount(self.which, dropped, len(x))
        spread = share_x @ (gammaln(m) - gammaln(a + m)) + gammaln(a + b) - gammaln(b)
        value = (
            share_x @ gammaln(r + x) - gammaln(r) + r * np.log(alpha) + spread
            + self.share @ (np.logaddexp(0, odds) - pace * log_span)
        )  # fmt: skip
        sums = share_x @ digamma(a + m)
        slope = np.array([
            share_x @ digamma(r + x) - digamma(r) + np.log(alpha) - self.share @ log_span + dropped @ gap,
            r / alpha - (self.share * pace) @ (1 / with_span) + (dropped * pace) @ (1 / with_span - 1 / with_last),
            digamma(a + b) - sums + by_x.sum() / a,
            share_x @ digamma(m) - sums + digamma(a + b) - digamma(b) - by_x @ (1 / np.maximum(m - 1, 1e-300)),
        ])  # fmt: skip
        return -value, -slope * np.array([r, alpha, a, b])


def _odds(
    of: Histories, log_span: np.ndarray, log_last: np.ndarray, r: float, a: float, b: float, shift: int
) -> np.ndarray:
    """The logarithm of the odds that each has dropped out after the last order."""
    x = of.repeats
    with np.errstate(divide="ignore"):
        odds = np.log(a) - np.log(np.maximum(b + x + shift - 1, 0)) + (r + x) * (log_span - log_last)
    return np.where((x > 0) | bool(shift), odds, -np.inf)
