"""The Pareto/NBD: people order at their own pace until, at any moment, they never do again.

Schmittlein, Morrison, Colombo (1987), Counting your customers, Management Science 33(1); likelihood as in Fader, Hardie (2005),
A note on deriving the Pareto/NBD model, formula 26. Its integral over the moment of leaving is taken by Gauss-Legendre, in the
variable (α + y)^-(r + x), in which what is integrated is nearly even; so likelihood and gradient need no hypergeometric function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from yutang.predict.dropout import BOUND, LONGEST
from yutang.predict.histories import Histories

NODES, WEIGHTS = (part for part in np.polynomial.legendre.leggauss(16))
PLACES, SHARES = (NODES + 1) / 2, WEIGHTS / 2
"""Of the sixteen points: where in 0…1, and what each counts."""


@dataclass(frozen=True)
class Pareto:
    """A fitted model. r, alpha (days): the gamma of order rates; s, beta (days): the gamma of leaving rates."""

    r: float
    alpha: float
    s: float
    beta: float
    log_likelihood: float
    evaluations: int

    @property
    def parameters(self) -> dict[str, float]:
        return {"r": self.r, "alpha": self.alpha, "s": self.s, "beta": self.beta}

    def alive(self, of: Histories) -> np.ndarray:
        """The probability, shape (n,), that each has not left yet."""
        return 1 / (1 + _left(of.repeats, of.last, of.span, self.r, self.alpha, self.s, self.beta)[0])

    def expected(self, of: Histories, days: int) -> np.ndarray:
        """Order days to be expected of each in the next `days` days, shape (n,); formula 41 of the note."""
        s = self.s if abs(self.s - 1) > 1e-4 else 1 + 1e-4
        now = self.beta + of.span
        stay = (1 - (now / (now + days)) ** (s - 1)) / (s - 1)
        return (self.r + of.repeats) * now / (self.alpha + of.span) * stay * self.alive(of)


def pareto_nbd(of: Histories) -> Pareto:
    """By maximum likelihood, L-BFGS over the logarithms of the parameters. Raises ValueError without anybody."""
    if not len(of):
        raise ValueError("还没有人下过单。 nobody has ordered")
    distinct, people, _ = of.merged()
    scale = LONGEST / max(float(distinct.span.max()), 1.0)
    x, last, span, share = distinct.repeats, distinct.last * scale, distinct.span * scale, people / people.sum()
    found = minimize(
        lambda logs: _likelihood(logs, x, last, span, share), np.zeros(4), jac=True, method="L-BFGS-B", bounds=[(-BOUND, BOUND)] * 4, options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-7}
    )  # fmt: skip
    r, alpha, s, beta = np.exp(found.x).tolist()
    total = -found.fun * people.sum() + float(people @ x) * np.log(scale)
    return Pareto(r, alpha / scale, s, beta / scale, float(total), found.nfev)


def _likelihood(
    logs: np.ndarray, x: np.ndarray, last: np.ndarray, span: np.ndarray, share: np.ndarray
) -> tuple[float, np.ndarray]:
    """The mean negative log-likelihood and its gradient."""
    r, alpha, s, beta = np.exp(logs)
    left, by_r, by_alpha, by_s, by_beta = _left(x, last, span, r, alpha, s, beta)
    log_span, log_stay, here = np.log(alpha + span), np.log(beta + span), share / (1 + left)
    value = share @ (
        gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) - (r + x) * log_span - s * log_stay + np.log1p(left)
    )  # fmt: skip
    slope = np.array([
        share @ (digamma(r + x) - digamma(r) + np.log(alpha) - log_span) + here @ by_r,
        share @ (r / alpha - (r + x) / (alpha + span)) + here @ by_alpha,
        share @ (np.log(beta) - log_stay) + here @ by_s,
        share @ (s / beta - s / (beta + span)) + here @ by_beta,
    ])  # fmt: skip
    return -value, -slope * np.array([r, alpha, s, beta])


def _left(
    x: np.ndarray, last: np.ndarray, span: np.ndarray, r: float, alpha: float, s: float, beta: float
) -> tuple[np.ndarray, ...]:
    """The odds of having left, s ∫ ((α+T)/(α+y))^(r+x) (β+T)^s / (β+y)^(s+1) dy from tx to T, and their slopes by r, α, s, β."""
    pace, end, stay = r + x, alpha + span, beta + span
    gap = np.log(end / (alpha + last))
    odds = [np.zeros(len(x)) for _ in range(5)]
    for place, part in zip(PLACES, SHARES, strict=True):
        # In w = ((α+T)/(α+y))^pace, which runs from 1 (y = T) to e^(pace·gap): dy = (α+y) / (pace·w) dw, so w cancels out.
        over = np.expm1(pace * gap)
        log_w = np.log1p(place * over)
        at = end * np.exp(-log_w / pace)
        y = at - alpha
        piece = part * over * s * at / pace * np.exp(s * np.log(stay / (beta + y))) / (beta + y)
        slopes = (
            1.0,
            log_w / pace,
            pace * (1 / end - 1 / at),
            1 / s + np.log(stay / (beta + y)),
            s / stay - (s + 1) / (beta + y),
        )
        for total, slope in zip(odds, slopes, strict=True):
            total += piece * slope
    return tuple(odds)
