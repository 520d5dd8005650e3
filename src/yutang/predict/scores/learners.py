"""What learns a chance from columns, and can tell which column moved it: a ridge logistic regression, trees, and the two together.

Effects are in log odds against the average of those that were learned from; a person's effects and the middle add up to their log odds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from scipy.special import expit

from yutang.predict import boosted

RIDGE = 30.0
"""As if each standardised weight had been seen at nothing by so many people."""
LEAST = 30
"""Fewer people on either side than this teach nothing."""
TREES = 120
SETTINGS: dict[str, Any] = boosted.SETTINGS | {"objective": "binary", "lambda_l2": 5.0}


class Learned(Protocol):
    """middle: the log odds of the average; seen: the columns, shape (n, k)."""

    middle: float

    def odds(self, seen: np.ndarray) -> np.ndarray: ...

    def effects(self, seen: np.ndarray) -> np.ndarray: ...

    def kept(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Card:
    """A logistic regression over standardised columns: log odds = middle + Σ weight · (x − mean) / spread."""

    middle: float
    weights: np.ndarray
    mean: np.ndarray
    spread: np.ndarray

    def odds(self, seen: np.ndarray) -> np.ndarray:
        return self.middle + ((seen - self.mean) / self.spread) @ self.weights

    def effects(self, seen: np.ndarray) -> np.ndarray:
        """Exact: weight × how far a column lies from its mean."""
        return (seen - self.mean) / self.spread * self.weights

    def kept(self) -> dict[str, Any]:
        return {"middle": self.middle} | {name: getattr(self, name).tolist() for name in ("weights", "mean", "spread")}


def card(seen: np.ndarray, came: np.ndarray) -> Card:
    """Fit by Newton's method with a ridge on all weights but the middle. Raises ValueError below `LEAST` on either side."""
    if min(came.sum(), len(came) - came.sum()) < LEAST:
        raise ValueError(
            f"有这个结果的或没有的不足 {LEAST} 个。 fewer than {LEAST} with this outcome, or fewer without"
        )
    mean, spread = seen.mean(0), np.maximum(seen.std(0), 1e-9)
    columns = np.column_stack([np.ones(len(seen)), (seen - mean) / spread])
    ridge = np.r_[0.0, np.full(seen.shape[1], RIDGE)]
    weights = np.zeros(columns.shape[1])
    weights[0] = np.log(came.mean() / (1 - came.mean()))
    for _ in range(50):
        chance = expit(columns @ weights)
        slope = columns.T @ (came - chance) - ridge * weights
        step = np.linalg.solve((columns * (chance * (1 - chance))[:, None]).T @ columns + np.diag(ridge), slope)
        weights, far = _downhill(columns, came, ridge, weights, step)
        if far < 1e-9:
            break
    return Card(float(weights[0]), weights[1:], mean, spread)


def _downhill(
    columns: np.ndarray, came: np.ndarray, ridge: np.ndarray, weights: np.ndarray, step: np.ndarray
) -> tuple[np.ndarray, float]:
    """A Newton step, halved until it makes nothing worse: where one outcome is rare a whole one can lead to where all chances are 0 or 1.
    Returns the weights and how far the furthest of them has moved."""

    def loss(at: np.ndarray) -> float:
        odds = columns @ at
        return float(np.logaddexp(0, odds).sum() - odds @ came + (ridge * at * at).sum() / 2)

    before = loss(weights)
    for _ in range(40):
        if loss(weights + step) <= before:
            return weights + step, float(np.abs(step).max())
        step = step / 2
    return weights, 0.0


def alone(seen: np.ndarray, came: np.ndarray, column: int) -> Card:
    """A card that looks at one column, and gives no weight to the others."""
    narrow = card(seen[:, column : column + 1], came)
    weights, spread = np.zeros(seen.shape[1]), np.maximum(seen.std(0), 1e-9)
    weights[column] = narrow.weights[0]
    return Card(narrow.middle, weights, seen.mean(0), spread)


@dataclass(frozen=True)
class Trees:
    """Gradient-boosted trees; effects are the exact Shapley values of the trees (Lundberg et al. 2018, TreeSHAP)."""

    text: str

    @cached_property
    def _booster(self) -> Any:
        import lightgbm

        return lightgbm.Booster(model_str=self.text)

    @cached_property
    def middle(self) -> float:  # type: ignore[override]
        return float(self._shares(np.zeros((1, self._booster.num_feature())))[0, -1])

    def odds(self, seen: np.ndarray) -> np.ndarray:
        return self._booster.predict(seen, raw_score=True, num_threads=1)

    def effects(self, seen: np.ndarray) -> np.ndarray:
        return self._shares(seen)[:, :-1]

    def _shares(self, seen: np.ndarray) -> np.ndarray:
        return np.asarray(self._booster.predict(seen, pred_contrib=True, num_threads=1))

    def kept(self) -> dict[str, Any]:
        return {"booster": self.text}


def trees(seen: np.ndarray, came: np.ndarray) -> Trees:
    """Raises ValueError where there is too little to learn from."""
    import lightgbm

    if len(came) < boosted.LEAST or min(came.sum(), len(came) - came.sum()) < LEAST:
        raise ValueError(
            f"树模型需要 {boosted.LEAST} 行，其中有这个结果的和没有的各 {LEAST} 行。 "
            f"trees need {boosted.LEAST} rows, {LEAST} of them with this outcome and {LEAST} without"
        )
    return Trees(lightgbm.train(SETTINGS, lightgbm.Dataset(seen, came), TREES).model_to_string())


@dataclass(frozen=True)
class Blend:
    """The mean of both log odds, and so of both effects."""

    card: Card
    trees: Trees

    @property
    def middle(self) -> float:  # type: ignore[override]
        return (self.card.middle + self.trees.middle) / 2

    def odds(self, seen: np.ndarray) -> np.ndarray:
        return (self.card.odds(seen) + self.trees.odds(seen)) / 2

    def effects(self, seen: np.ndarray) -> np.ndarray:
        return (self.card.effects(seen) + self.trees.effects(seen)) / 2

    def kept(self) -> dict[str, Any]:
        return self.card.kept() | self.trees.kept()


def blend(seen: np.ndarray, came: np.ndarray) -> Blend:
    return Blend(card(seen, came), trees(seen, came))


FIRST = 0
"""The column that `alone` looks at: the first of the features."""
LEARNERS: dict[str, Callable[[np.ndarray, np.ndarray], Learned]] = {
    "alone": lambda seen, came: alone(seen, came, FIRST), "card": card, "trees": trees, "blend": blend,
}  # fmt: skip


def restored(kept: dict[str, Any]) -> Learned:
    """What `kept` had written."""
    of_card = (
        Card(kept["middle"], *(np.array(kept[name]) for name in ("weights", "mean", "spread")))
        if "weights" in kept
        else None
    )
    of_trees = Trees(kept["booster"]) if "booster" in kept else None
    return Blend(of_card, of_trees) if of_card and of_trees else of_card or of_trees  # type: ignore[return-value]
