"""A small logistic regression, for probabilities that are right on the whole and in every part."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

LEAST = 30
"""Fewer people on either side than this say nothing."""
RIDGE = 1e-3
"""Keeps weights finite where the sides can be told apart for certain."""


def logistic(seen: np.ndarray, came: np.ndarray) -> np.ndarray:
    """Weights of the columns of `seen`, shape (n, k), for the log odds of `came`: by Newton, with a light ridge."""
    weights = np.zeros(seen.shape[1])
    for _ in range(50):
        chance = expit(seen @ weights)
        slope = seen.T @ (came - chance) - RIDGE * weights
        bend = (seen * (chance * (1 - chance))[:, None]).T @ seen + RIDGE * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    return weights
