"""From scores to the best products of each person; and how good lists are, against the next basket.

recall@10: the part of a basket that the ten told hold; NDCG@10: the same with what stands higher counting more, a full hit being 1;
novel: recall of what a person had never bought before, with ten told that he had never bought; means over people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

TOLD = 10
"""How many products are told."""


@dataclass(frozen=True)
class Hits:
    """How well lists of ten did. people: whose next basket was looked at; novel: NaN-free, 0 where nobody bought anything new."""

    people: int
    recall: float
    ndcg: float
    hit: float
    novel: float


def best(scores: np.ndarray, most: int) -> np.ndarray:
    """Indexes of the `most` highest of each row, best first; of equal ones the lower index. -inf is never told: -1 in its place."""
    most = min(most, scores.shape[1])
    floor = np.partition(scores, scores.shape[1] - most, axis=1)[:, -most]
    rows, columns = np.nonzero(scores >= floor[:, None])
    values = scores[rows, columns]
    order = np.lexsort((columns, -values, rows))
    starts = np.searchsorted(rows, np.arange(len(scores)))
    picked = order[starts[:, None] + np.arange(most)]
    return np.where(np.isfinite(values[picked]), columns[picked], -1)


def hits_of(told: np.ndarray, real: csr_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each person recall, NDCG and whether anything was hit; `told`: (people, 10), -1 for nothing; `real`: people × products."""
    dense = np.asarray(real[np.repeat(np.arange(len(told)), told.shape[1]), np.maximum(told, 0).ravel()]).reshape(
        told.shape
    )
    hit = (dense > 0) & (told >= 0)
    size = np.diff(real.indptr)
    worth = 1 / np.log2(np.arange(2, told.shape[1] + 2))
    full = np.cumsum(worth)[np.clip(size, 1, told.shape[1]) - 1]
    return hit.sum(axis=1) / np.maximum(size, 1), (hit * worth).sum(axis=1) / full, hit.any(axis=1)
