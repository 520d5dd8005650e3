"""How good predictions were: several measures, as each alone can be cheated.

The mean absolute error is shown and never chosen by: where most people never come back, "nobody does" wins it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FLOOR = 1e-4
"""A Poisson deviance knows no prediction of nothing at all."""
PARTS = 10


@dataclass(frozen=True)
class Accuracy:
    """rmse, mae: in the unit of what is predicted; deviance: mean Poisson deviance; bias: predicted over real total, less one (None when
    nothing happened); gini: 1 orders people as they turned out, 0 orders them by chance (None when all are alike)."""

    people: int
    rmse: float
    mae: float
    deviance: float
    bias: float | None
    gini: float | None


@dataclass(frozen=True)
class Decile:
    """One part of the people, in order of prediction: how many, the mean predicted and the mean real."""

    people: int
    predicted: float
    real: float


def accuracy(
    predicted: np.ndarray, real: np.ndarray, loss: Callable[[np.ndarray, np.ndarray], float] | None = None
) -> Accuracy:
    """Of predictions against what happened, both of shape (n,), not negative; `loss` stands for the Poisson deviance where it is no count."""
    error, total = predicted - real, float(real.sum())
    return Accuracy(
        len(real),
        float(np.sqrt(np.mean(error**2))),
        float(np.mean(np.abs(error))),
        (loss or deviance)(predicted, real),
        float(predicted.sum()) / total - 1 if total else None,
        gini(predicted, real),
    )


def deviance(predicted: np.ndarray, real: np.ndarray) -> float:
    """Mean Poisson deviance: 2 (y ln(y/μ) − (y − μ))."""
    mean = np.maximum(predicted, FLOOR)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(real > 0, real * np.log(real / mean), 0.0)
    return float(np.mean(2 * (logs - (real - mean))))


def bernoulli(predicted: np.ndarray, real: np.ndarray) -> float:
    """Mean deviance of probabilities: −2 (y ln p + (1 − y) ln(1 − p))."""
    chance = np.clip(predicted, FLOOR, 1 - FLOOR)
    return float(np.mean(-2 * (real * np.log(chance) + (1 - real) * np.log1p(-chance))))


def gini(predicted: np.ndarray, real: np.ndarray) -> float | None:
    """The Gini index of what happened in order of prediction, over the one in its own order. Equal predictions share their place."""
    best = _concentration(real, real)
    return _concentration(predicted, real) / best if best else None


def _concentration(by: np.ndarray, real: np.ndarray) -> float:
    """Twice the area between the diagonal and the curve of what the first of the people, in ascending order of `by`, account for."""
    if not real.sum():
        return 0.0
    _, which = np.unique(by, return_inverse=True)
    people, sums = np.bincount(which), np.bincount(which, real)
    x, y = np.cumsum(people) / len(real), np.cumsum(sums) / real.sum()
    return 1 - float(np.sum(np.diff(np.r_[0, x]) * (y + np.r_[0, y[:-1]])))


def reliability(predicted: np.ndarray, real: np.ndarray, parts: int = PARTS) -> list[Decile]:
    """The reliability diagram: people in order of prediction, cut into equal parts; where the model is right the two means are alike."""
    order = np.argsort(predicted, kind="stable")
    return [
        Decile(len(part), float(predicted[part].mean()), float(real[part].mean()))
        for part in np.array_split(order, parts)
        if len(part)
    ]
