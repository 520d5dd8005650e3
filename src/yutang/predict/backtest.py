"""Which candidate speaks for a brand: each predicts windows that have passed, from what was known before them.

The rounds are pooled: one measure over all people of all rounds. A model is served only if it is better than the best baseline both
by the measure that is chosen by and by the other one; otherwise the baseline itself speaks, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from yutang.predict.accuracy import Accuracy, Decile, accuracy, chances, reliability
from yutang.predict.boosted import installed
from yutang.predict.candidates import Candidate
from yutang.predict.histories import Ledger
from yutang.predict.past import Past

ROUNDS = 3
"""Windows that are predicted, each beginning half a window before the other."""
MOST_PEOPLE = 200_000
"""Of more people, so many are asked about: their figures differ from everybody's by less than candidates do."""
LEAST_PEOPLE = 200
LEAST_REPEATS = 100
"""People with at least two order days, before the first window."""


@dataclass(frozen=True)
class Missing:
    """Why nothing can be said, and how much more it takes."""

    zh: str
    en: str


@dataclass(frozen=True)
class Task:
    """What is predicted. real: what happened in a past's window; by: ``deviance`` or ``rmse``, what is chosen by; chance: it is a probability;
    unit: what accuracy is told in, so many of the predicted thing (100 fen: yuan)."""

    name: str
    candidates: Sequence[Candidate]
    real: Callable[[Past], np.ndarray]
    by: str
    chance: bool = False
    unit: float = 1.0


@dataclass(frozen=True)
class Result:
    """How one candidate did over all rounds."""

    name: str
    zh: str
    en: str
    baseline: bool
    accuracy: Accuracy


@dataclass(frozen=True)
class Contest:
    """The outcome. chosen: who speaks; baseline: the best baseline; silent: candidates that could say nothing, and why."""

    task: str
    results: list[Result]
    chosen: str
    baseline: str
    refused: list[str]
    silent: dict[str, str]
    reliability: list[Decile]
    windows: list[int]

    def of(self, name: str) -> Result:
        return next(result for result in self.results if result.name == name)


def windows(ledger: Ledger, today: int, days: int) -> list[Past] | Missing:
    """The rounds, the newest first; or what is missing for one: a window before and a window after, and people who came back."""
    past = days - ((today - int(ledger.day.min())) - days) if len(ledger.day) else 2 * days
    if past > 0:
        return Missing(
            f"还缺 {past} 天的订单记录（至少 {2 * days} 天）",
            f"{past} more days of orders are needed ({2 * days} at least)",
        )
    sample = ledger.some(MOST_PEOPLE)
    rounds = [Past(sample, today - days - n * days // 2, days) for n in range(ROUNDS)]
    enough = [one for one in rounds if one.end - int(ledger.day.min()) >= days]
    people, repeats = len(enough[0].people), int((enough[0].of.repeats > 0).sum())
    if people < LEAST_PEOPLE:
        return Missing(f"还缺 {LEAST_PEOPLE - people} 位下过单的顾客（至少 {LEAST_PEOPLE} 位）", f"{LEAST_PEOPLE - people} more people with orders are needed ({LEAST_PEOPLE} at least)")  # fmt: skip
    if repeats < LEAST_REPEATS:
        return Missing(f"还缺 {LEAST_REPEATS - repeats} 位复购顾客（至少 {LEAST_REPEATS} 位）", f"{LEAST_REPEATS - repeats} more people who came back are needed ({LEAST_REPEATS} at least)")  # fmt: skip
    return [one for one in enough if len(one.people) >= LEAST_PEOPLE]


def contest(task: Task, rounds: Sequence[Past]) -> Contest:
    """Let all candidates of a task predict all rounds."""
    real = np.concatenate([task.real(one) for one in rounds]) / task.unit
    said: dict[str, np.ndarray] = {}
    silent: dict[str, str] = {}
    for candidate in task.candidates:
        if candidate.extra and not installed():
            silent[candidate.name] = "没有安装附加包 'predict'。 not installed: the extra 'predict'"
            continue
        try:
            said[candidate.name] = np.concatenate([candidate.predict(one) for one in rounds]) / task.unit
        except ValueError as problem:
            silent[candidate.name] = str(problem)
    judge = chances if task.chance else accuracy
    results = [
        Result(one.name, one.zh, one.en, one.baseline, judge(said[one.name], real))
        for one in task.candidates
        if one.name in said
    ]
    chosen, baseline, refused = choose(results, task.by)
    table = reliability(said[chosen], real)
    return Contest(task.name, results, chosen, baseline, refused, silent, table, [one.end for one in rounds])


def choose(results: Sequence[Result], by: str) -> tuple[str, str, list[str]]:
    """(who speaks, the best baseline, the models that are worse than it)."""
    baseline = min((one for one in results if one.baseline), key=lambda one: getattr(one.accuracy, by))
    models = [one for one in results if not one.baseline]
    better = [one for one in models if _beats(one.accuracy, baseline.accuracy)]
    chosen = min(better, key=lambda one: getattr(one.accuracy, by), default=baseline)
    return chosen.name, baseline.name, [one.name for one in models if one not in better]


def _beats(one: Accuracy, other: Accuracy) -> bool:
    return one.rmse < other.rmse and one.deviance < other.deviance
