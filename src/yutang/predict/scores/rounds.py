"""One contest per score: who says best, from what was learned earlier, what came of people later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from scipy.special import expit

from yutang.predict.accuracy import FLOOR, reliability
from yutang.predict.backtest import Contest, Task, contest
from yutang.predict.candidates import Candidate
from yutang.predict.scores.features import Feature
from yutang.predict.scores.learners import LEARNERS, Learned

CLEAR = 2.0
"""Standard errors by which a candidate must be better to count as better."""
SHARE = "share"
MOST_ROWS = 50_000
"""Rows that are learned from at each earlier day."""


@dataclass(frozen=True)
class Table:
    """seen: what models see, shape (n, features); came: what followed, 0 or 1, shape (n,)."""

    seen: np.ndarray
    came: np.ndarray

    def some(self, most: int) -> Table:
        step = max(1, -(-len(self.came) // most))
        return Table(self.seen[::step], self.came[::step])

    @classmethod
    def joined(cls, tables: Sequence[Table]) -> Table:
        return cls(np.concatenate([one.seen for one in tables]), np.concatenate([one.came for one in tables]))


@dataclass(frozen=True)
class Round:
    """What is known before the day `end`, and who is asked about on it. other: what another model says
    of those who are asked about, reckoned when it is asked for."""

    end: int
    lessons: Sequence[Table]
    asked: Table
    other: Callable[[], np.ndarray] | None = None
    kept: dict[Any, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def known(self) -> Table:
        """All lessons as one."""
        return Table.joined([one.some(MOST_ROWS) for one in self.lessons])

    def learned(self, name: str) -> Learned:
        if name not in self.kept:
            self.kept[name] = LEARNERS[name](self.known.seen, self.known.came)
        return self.kept[name]


def real(one: Round) -> np.ndarray:
    return one.asked.came


def _share(one: Round) -> np.ndarray:
    return np.full(len(one.asked.came), one.known.came.mean())


def _other(one: Round) -> np.ndarray:
    if one.other is None:
        raise ValueError("没有别的模型能说这件事。 no other model speaks of this")
    return one.other()


def _by(name: str) -> Callable[[Round], np.ndarray]:
    return lambda one: expit(one.learned(name).odds(one.asked.seen))


def candidates(alone: tuple[str, str], other: tuple[str, str] | None = None) -> tuple[Candidate, ...]:
    """The literal list, baselines first; `alone`, `other`: what the baselines are called."""
    more = [Candidate("other", *other, _other, baseline=True)] if other else []  # type: ignore[arg-type]
    return (
        Candidate(SHARE, "一视同仁", "the same of everybody", _share, baseline=True),  # type: ignore[arg-type]
        Candidate("alone", *alone, _by("alone"), baseline=True),  # type: ignore[arg-type]
        *more,
        Candidate("card", "评分卡（逻辑回归）", "score card (logistic)", _by("card")),  # type: ignore[arg-type]
        Candidate("trees", "梯度提升树", "gradient-boosted trees", _by("trees"), extra=True),  # type: ignore[arg-type]
        Candidate("blend", "评分卡与树的平均", "mean of card and trees", _by("blend"), extra=True),  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class Scored:
    """How one score stands: its figures, and what speaks; None where nothing is said."""

    name: str
    state: str
    metrics: dict[str, Any]
    parameters: dict[str, Any] = field(default_factory=dict)
    model: Learned | None = None


def missing(name: str, zh: str, en: str) -> Scored:
    return Scored(name, "abstained", {"missing": {"zh": zh, "en": en}})


def scored(
    name: str, lineup: Sequence[Candidate], features: Sequence[Feature], rounds: Sequence[Round], now: Sequence[Table]
) -> Scored:
    """Let the candidates compete, and learn the best anew from all that is known now. Where that is a baseline, it speaks under its own
    name, unless it says the same of everybody, or what another prediction says already: then nothing is said."""
    found: Contest = contest(Task(name, lineup, real, "deviance", chance=True), rounds)  # type: ignore[arg-type]
    found = _beyond_chance(found, lineup, rounds)
    metrics = msgspec.to_builtins(found)
    if found.chosen not in LEARNERS:
        return Scored(name, "refused", metrics)
    known = Table.joined([one.some(MOST_ROWS) for one in now])
    model = LEARNERS[found.chosen](known.seen, known.came)
    parameters = {
        "chosen": found.chosen, "features": [one.name for one in features], "usual": known.seen.mean(0).tolist(),
        "middle": model.middle, "rows": len(known.came), "learned": model.kept(),
    }  # fmt: skip
    return Scored(name, "serving", metrics, parameters, model)


def _beyond_chance(found: Contest, lineup: Sequence[Candidate], rounds: Sequence[Round]) -> Contest:
    """Among many candidates one is a little better by luck: who is not clearly better steps back behind the best baseline, and that
    behind saying the same of everybody."""
    came = np.concatenate([one.asked.came for one in rounds])
    by = {one.name: one.predict for one in lineup}

    def told(name: str) -> np.ndarray:
        return np.concatenate([by[name](one) for one in rounds])  # type: ignore[arg-type]

    chosen, refused = found.chosen, list(found.refused)
    for behind in (found.baseline, SHARE):
        if chosen != behind and clearer(told(chosen), told(behind), came) < CLEAR:
            refused += [] if chosen == found.baseline else [chosen]
            chosen = behind
    if chosen == found.chosen:
        return found
    return replace(found, chosen=chosen, baseline=chosen, refused=refused, reliability=reliability(told(chosen), came))


def clearer(one: np.ndarray, other: np.ndarray, came: np.ndarray) -> float:
    """How much better one is than the other in deviance, in standard errors of the mean paired difference; all of shape (n,)."""
    gain = _loss(other, came) - _loss(one, came)
    return float(gain.mean() / max(gain.std() / np.sqrt(len(gain)), 1e-12))


def _loss(said: np.ndarray, came: np.ndarray) -> np.ndarray:
    chance = np.clip(said, FLOOR, 1 - FLOOR)
    return -2 * (came * np.log(chance) + (1 - came) * np.log1p(-chance))
