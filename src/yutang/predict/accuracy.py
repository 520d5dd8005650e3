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


@dataclass(frozen=True)
class Chances(Accuracy):
    """auc: the chance that one to whom it happened was given more than one to whom it did not; precision: the average precision; lift: how often
    it happened among the tenth of which most was said, over all. None where it happened to nobody, or to everybody."""

    auc: float | None
    precision: float | None
    lift: float | None


def chances(predicted: np.ndarray, real: np.ndarray) -> Chances:
    """Of probabilities against what happened (0 or 1), both of shape (n,). Equal probabilities share their place."""
    plain = accuracy(predicted, real, bernoulli)
    came, people = float(real.sum()), len(real)
    if not 0 < came < people:
        return Chances(**vars(plain), auc=None, precision=None, lift=None)
    levels, which = np.unique(-predicted, return_inverse=True)
    asked, hits = np.bincount(which, minlength=len(levels)), np.bincount(which, real, minlength=len(levels))
    up_to = np.cumsum(hits)
    auc = float(np.sum((asked - hits) * (up_to - hits / 2))) / (came * (people - came))
    precision = float(np.sum(hits * up_to / np.cumsum(asked))) / came
    tenth = max(1, round(people / 10))
    return Chances(
        **vars(plain), auc=auc, precision=precision, lift=_first(tenth, asked, hits) / tenth / (came / people)
    )


def _first(most: int, asked: np.ndarray, hits: np.ndarray) -> float:
    """How often it happened among the first so many; of those who share the last place, in their proportion."""
    before = np.r_[0, np.cumsum(asked)[:-1]]
    return float(np.sum(hits * np.clip((most - before) / asked, 0, 1)))


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
