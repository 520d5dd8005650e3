"""What an order is worth to be: the gamma-gamma model, which pulls each person's mean towards everybody's.

Fader, Hardie (2013), The gamma-gamma model of monetary value, formulae 1a and 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

BOUND = 12.0
LEAST = 30
"""Fewer people than this say nothing about how means are spread."""


@dataclass(frozen=True)
class Value:
    """A fitted model: order amounts are gamma(p, ν) within a person, ν is gamma(q, v) between persons; v in the unit of the amounts."""

    p: float
    q: float
    v: float
    log_likelihood: float

    @property
    def parameters(self) -> dict[str, float]:
        return {"p": self.p, "q": self.q, "v": self.v}

    def expected(self, orders: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """The mean amount to be expected of each, from `orders` orders of `mean` each; arrays of shape (n,)."""
        # With q below one the population has no mean; the person's own orders then speak alone.
        return np.where(
            self.p * orders + self.q > 1,
            self.p * (self.v + orders * mean) / np.maximum(self.p * orders + self.q - 1, 1e-9),
            mean,
        )


def gamma_gamma(orders: np.ndarray, mean: np.ndarray) -> Value:
    """By maximum likelihood from each person's number of orders and their mean amount (any unit). Who has no order or none of worth is
    left out. Raises ValueError below `LEAST` people."""
    counted = (orders > 0) & (mean > 0)
    if counted.sum() < LEAST:
        raise ValueError(
            f"需要 {LEAST} 位有金额订单的顾客，现有 {int(counted.sum())} 位。 "
            f"{LEAST} people with orders of worth are needed, there are {int(counted.sum())}"
        )
    x, scale = orders[counted].astype(float), float(mean[counted].mean())
    likelihood = _Likelihood(x, mean[counted] / scale)
    found = minimize(likelihood, np.zeros(3), jac=True, method="L-BFGS-B", bounds=[(-BOUND, BOUND)] * 3, options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8})  # fmt: skip
    p, q, v = np.exp(found.x).tolist()
    return Value(p, q, v * scale, float(-found.fun * len(x) - len(x) * np.log(scale)))


class _Likelihood:
    """The mean negative log-likelihood and its gradient."""

    def __init__(self, x: np.ndarray, mean: np.ndarray) -> None:
        self.n, self.row_x, self.total, self.log_mean = len(x), x, x * mean, np.log(mean)
        self.x, which = np.unique(x, return_inverse=True)
        self.people = np.bincount(which)
        self.with_x = float(x @ np.log(x)) + float(x @ self.log_mean)
        self.constant = -float(self.log_mean.sum())

    def __call__(self, logs: np.ndarray) -> tuple[float, np.ndarray]:
        p, q, v = np.exp(logs)
        x, people, shape = self.x, self.people, p * self.x + q
        reach = self.total + v
        log_reach, row_shape = np.log(reach), p * self.row_x + q
        value = (
            people @ (gammaln(shape) - gammaln(p * x)) + self.n * (q * np.log(v) - gammaln(q))
            + p * self.with_x + self.constant - row_shape @ log_reach
        )  # fmt: skip
        slope = np.array([
            people @ (x * (digamma(shape) - digamma(p * x))) + self.with_x - self.row_x @ log_reach,
            people @ digamma(shape) + self.n * (np.log(v) - digamma(q)) - log_reach.sum(),
            self.n * q / v - (row_shape / reach).sum(),
        ])  # fmt: skip
        return -value / self.n, -slope * np.array([p, q, v]) / self.n
