"""What one would say without a model. A model is served only if it is better than every one of these."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from yutang.predict.histories import Histories


def nobody(of: Histories, days: int) -> np.ndarray:  # noqa: ARG001 - every baseline is asked alike
    """Nobody orders any more."""
    return np.zeros(len(of))


def own_rate(of: Histories, days: int) -> np.ndarray:
    """Everybody goes on at the pace since their first order: x/T."""
    return of.repeats / np.maximum(of.span, 1) * days


def shrunken_rate(of: Histories, days: int) -> np.ndarray:
    """The same pulled towards everybody's pace: the NBD's empirical Bayes (r + x) / (α + T), fitted by maximum likelihood."""
    r, alpha = nbd(of)
    return (r + of.repeats) / (alpha + of.span) * days


def nbd(of: Histories) -> tuple[float, float]:
    """r and α (days) of gamma-Poisson counts over spans T."""
    distinct, people, _ = Histories(of.repeats, np.zeros_like(of.span), np.maximum(of.span, 1)).merged()
    x, share, scale = distinct.repeats, people / people.sum(), 10 / distinct.span.max()
    span = distinct.span * scale

    def likelihood(logs: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha = np.exp(logs)
        value = share @ (gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * np.log(alpha + span))
        slope = np.array([
            share @ (digamma(r + x) - digamma(r) + np.log(alpha) - np.log(alpha + span)),
            share @ (r / alpha - (r + x) / (alpha + span)),
        ])  # fmt: skip
        return -value, -slope * np.array([r, alpha])

    found = minimize(likelihood, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-12, 12)] * 2)
    r, alpha = np.exp(found.x)
    return float(r), float(alpha / scale)
