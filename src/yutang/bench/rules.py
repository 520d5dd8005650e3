"""Rules drawn by lot for T4, and what plain NumPy says of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from yutang import definitions
from yutang.bench.scene import CITIES, NEVER, ORDERED, TAGS, TYPES, Scene

Rule = dict[str, Any]
LARGEST = 0.05
"""Share of everybody that a segment of T4 may hold."""
RFM = definitions.POND["rfm"]


def draw(count: int, reference: Reference) -> dict[str, Rule]:
    """Segments by name: two to four conditions each, joined by all or any; each holds for some, and at most for a twentieth."""
    dice, found = np.random.default_rng(4), []
    while len(found) < count:
        rule = _rule(dice)
        if 0 < reference.holds(rule).mean() <= LARGEST:
            found.append(rule)
    return {f"s{n:03d}": rule for n, rule in enumerate(found)}


def _rule(dice: np.random.Generator) -> Rule:
    parts = [_CONDITIONS[dice.integers(len(_CONDITIONS))](dice) for _ in range(dice.integers(2, 5))]
    return {"any" if dice.random() < 0.1 else "all": parts}


def _of(dice: np.random.Generator, *options: Any) -> Any:
    return options[dice.integers(len(options))]


_CONDITIONS: tuple[Callable[[np.random.Generator], Rule], ...] = (
    lambda dice: {"tag": f"t{dice.integers(TAGS)}"},
    lambda dice: {"no_tag": f"t{dice.integers(TAGS)}"},
    lambda dice: {"count": _of(dice, "ordered", "viewed"), "at_least": int(dice.integers(1, 12))},
    lambda dice: {
        "count": _of(dice, "ordered", "viewed"),
        "at_least": int(dice.integers(1, 4)),
        "days": _of(dice, 7, 30, 60, 90),
    },
    lambda dice: {"none": _of(dice, "ordered", "viewed"), "days": _of(dice, 7, 14, 30, 60, 90)},
    lambda dice: {"last": _of(dice, "ordered", "viewed"), "within_days": int(dice.integers(3, 120))},
    lambda dice: {"last": _of(dice, "ordered", "viewed"), "more_than_days": int(dice.integers(3, 120))},
    lambda dice: {"sum": "ordered", "at_least": int(dice.integers(1, 40)) * 1_000},
    lambda dice: {"sum": "ordered", "at_least": int(dice.integers(1, 20)) * 1_000, "days": _of(dice, 30, 90, 180)},
    lambda dice: {"score": _of(dice, "recency", "frequency", "monetary"), "at_least": int(dice.integers(2, 6))},
    lambda dice: {"attribute": "city", "in": [CITIES[n] for n in dice.choice(len(CITIES), 3, replace=False)]},
    lambda dice: {"attribute": "age", "at_least": int(dice.integers(18, 60))},
)


class Reference:
    """Answers rules over a scene. `columns` holds what was prepared: the floor is one pass over it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.columns: dict[tuple[Any, ...], np.ndarray] = {}

    def holds(self, rule: Rule) -> np.ndarray:
        """Mask of persons."""
        if "all" in rule:
            return np.logical_and.reduce([self.holds(part) for part in rule["all"]])
        if "any" in rule:
            return np.logical_or.reduce([self.holds(part) for part in rule["any"]])
        return self._condition(rule)

    def _condition(self, rule: Rule) -> np.ndarray:
        head = next(iter(rule))
        if head in ("tag", "no_tag"):
            return (self.scene.tags >> int(rule[head][1:]) & 1 == 1) == (head == "tag")
        if head == "attribute":
            return (
                np.isin(self.scene.city, [CITIES.index(c) for c in rule["in"]])
                if "in" in rule
                else self.scene.age >= rule["at_least"]
            )
        if head == "score":
            return self._column("score", rule[head]) >= rule["at_least"]
        kind = TYPES.index(rule[head])
        if head == "last":
            last = self._column("last", kind)
            return (
                last < rule["within_days"]
                if "within_days" in rule
                else (last >= rule["more_than_days"]) & (last < NEVER)
            )
        found = self._column("sum" if head == "sum" else "count", kind, rule.get("days", NEVER))
        return found == 0 if head == "none" else found >= rule["at_least"]

    def _column(self, *key: Any) -> np.ndarray:
        if key not in self.columns:
            self.columns[key] = _MAKE[key[0]](self.scene, *key[1:])
        return self.columns[key]


def _score(scene: Scene, name: str) -> np.ndarray:
    """RFM by the pond's cut points; who never ordered has 1 of each."""
    orders = scene.count(ORDERED)
    if name == "recency":
        found = 5 - np.digitize(scene.last(ORDERED), RFM["recency_days"])
    elif name == "frequency":
        found = 1 + np.digitize(orders, RFM["frequency"])
    else:
        found = 1 + np.digitize(scene.count(ORDERED, fen=True), RFM["monetary_fen"])
    return np.where(orders > 0, found, 1)


_MAKE: dict[str, Callable[..., np.ndarray]] = {
    "score": _score,
    "last": Scene.last,
    "count": Scene.count,
    "sum": lambda scene, kind, days: scene.count(kind, days, fen=True),
}
