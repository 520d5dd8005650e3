"""The answer of a question about many people, and how answers combine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from yutang.segment.language import Condition, bounds
from yutang.segment.load import Dense, Pond, needs
from yutang.segment.moment import NEVER


@dataclass(frozen=True)
class Answer:
    """Per person: does it hold; the earliest instant (microseconds since 2000) at which time alone could change that.

    `seen` gives the value that was looked at, for one person's index.
    """

    holds: np.ndarray
    due: np.ndarray
    seen: Callable[[int], Any] = lambda _: None


def static(holds: np.ndarray, seen: Callable[[int], Any]) -> Answer:
    """An answer that time alone never changes."""
    return Answer(holds, np.broadcast_to(np.int64(NEVER), len(holds)), seen)


def negate(answer: Answer) -> Answer:
    return Answer(~answer.holds, answer.due, answer.seen)


def all_of(parts: list[Answer], size: int) -> Answer:
    """All parts hold. While it holds, the first change of any part may end it; while it fails, every failing part must change."""
    holds, soonest, latest = np.ones(size, bool), np.full(size, NEVER), np.full(size, -1)
    for part in parts:
        holds &= part.holds
        soonest = np.minimum(soonest, part.due)
        latest = np.maximum(latest, np.where(part.holds, -1, part.due))
    return Answer(holds, np.where(holds, soonest, latest))


def any_of(parts: list[Answer], size: int) -> Answer:
    """At least one part holds: by De Morgan."""
    return negate(all_of([negate(part) for part in parts], size))


def item(values: np.ndarray, blank: int | None = None) -> Callable[[int], Any]:
    """`seen` of a column; `blank` stands for nothing."""
    return lambda at: None if values[at] == blank else values[at].item()


def dense(condition: Condition, pond: Pond) -> dict[str, np.ndarray]:
    """The columns of a condition that looks up one row per person."""
    found = pond.data[needs(condition)[0]]
    assert isinstance(found, Dense)
    return found.values


def compare(condition: Condition, values: np.ndarray) -> np.ndarray:
    """Which numbers satisfy a numeric condition."""
    low, high = bounds(condition)
    return (values >= low) & (values <= high)
