"""Numbers of events, fen and days, over all time and in windows of business days."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from yutang.segment.answer import Answer, compare, item, static
from yutang.segment.language import Condition, bounds
from yutang.segment.load import FAR_DAY, Dense, Pond, Rows, asks_whether, measured
from yutang.segment.moment import NEVER

_WEIGHTS: dict[str, Callable[[Rows], np.ndarray]] = {
    "count": lambda rows: rows.values["n"],
    "none": lambda rows: rows.values["n"],
    "touches": lambda rows: rows.values["n"],
    "sum": lambda rows: rows.values["amount"],
    "active_days": lambda rows: np.ones(len(rows.pos), np.int64),
}


def total(condition: Condition, pond: Pond) -> Answer:
    """A number of events, of fen or of days, over all time or in a window of business days."""
    if not pond.counted and asks_whether(condition):
        return _whether(condition, pond)
    source = pond.data[measured(condition) if condition.row.feature != "touches" else ("touches",)]
    if isinstance(source, Dense):
        values = source.values["amount" if condition.row.feature == "sum" else "n"]
        return static(compare(condition, values), item(values))
    window = _Window(condition, pond, source)
    sums = _Sums(window, _WEIGHTS[condition.row.feature])
    return Answer(compare(condition, sums.values), window.due(sums, bounds(condition)), item(sums.values))


def _whether(condition: Condition, pond: Pond) -> Answer:
    """Did anything happen in the last days? Until the last time leaves the window, or the next one comes."""
    found, days = pond.data[("nearest", condition.subject)], condition.get("days")
    assert isinstance(found, Dense)
    past = found.values["past"]
    some = past > pond.moment.today - days
    due = np.full(len(some), NEVER)
    due[some] = pond.moment.starts(past[some] + days)
    if "next" in found.values:
        day = found.values["next"]
        due = np.minimum(due, np.where(day < FAR_DAY, pond.moment.starts(day), NEVER))
    return Answer(compare(condition, some), due)


def average(condition: Condition, pond: Pond) -> Answer:
    source, bound = pond.data[measured(condition)], condition.get(condition.row.test)
    if isinstance(source, Dense):
        n, amount, due = source.values["n"], source.values["amount"], np.full(len(pond.people), NEVER)
    else:
        window = _Window(condition, pond, source)
        n, amount = _Sums(window, _WEIGHTS["count"]).values, _Sums(window, _WEIGHTS["sum"]).values
        due = window.any_change()
    wanted = amount >= bound * n if condition.row.test == "at_least" else amount <= bound * n
    return Answer((n > 0) & wanted, due, lambda at: (amount[at] / n[at]).item() if n[at] else None)


class _Window:
    """The rows of a condition's window, and the days on which rows leave or enter it.

    Rows leave at the start of day + `begin`; those after the window's end enter at the start of day + `end`.
    """

    def __init__(self, condition: Condition, pond: Pond, rows: Any) -> None:
        days = condition.get("days")
        self.begin = condition.get("from_days") or days
        self.end = condition.get("to_days") or 0
        self.pond, self.moment, self.size = pond, pond.moment, len(pond.people)
        day, today = rows.values["day"], pond.moment.today
        inside = (
            np.ones(len(day), bool) if self.begin is None else (day > today - self.begin) & (day <= today - self.end)
        )
        self.rows = Rows(rows.pos[inside], {name: column[inside] for name, column in rows.values.items()})
        later = day > today - self.end if self.begin is not None else np.zeros(len(day), bool)
        self.later_pos, self.later_day = rows.pos[later], day[later]

    def _first(self, pos: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Per person the start of the first of these days."""
        due = np.full(self.size, NEVER)
        if len(pos):
            np.minimum.at(due, pos, self.moment.starts(days))
        return due

    def entering(self) -> np.ndarray:
        return self._first(self.later_pos, self.later_day + self.end)

    def any_change(self) -> np.ndarray:
        """When the first row leaves or enters, whatever that changes."""
        if self.begin is None:
            return np.full(self.size, NEVER)
        return np.minimum(self._first(self.rows.pos, self.rows.values["day"] + self.begin), self.entering())

    def due(self, sums: _Sums, limits: tuple[float, float]) -> np.ndarray:
        """When the sum can first cross a limit: rows that enter aside, it only falls, so the crossing is known."""
        if self.begin is None:
            return np.full(self.size, NEVER)
        if len(self.later_pos) or sums.may_rise:
            return self.any_change()
        low, high = limits
        falls = [bound for bound in (low, high + 1) if 1 <= bound < np.inf]
        due = np.full(self.size, NEVER)
        for bound in falls:
            due = np.minimum(due, self._below(sums, int(bound)))
        return due

    def _below(self, sums: _Sums, bound: int) -> np.ndarray:
        """When the sum falls below `bound`, for those who have reached it."""
        due = np.full(self.size, NEVER)
        reached = np.flatnonzero(sums.values >= bound)
        if len(reached):
            row = np.searchsorted(sums.running, sums.running[sums.ends[reached]] - bound, side="right") - 1
            due[reached] = self.moment.starts(self.rows.values["day"][row] + self.begin)
        return due


class _Sums:
    """Per person the sum of a weight over the window's rows. `running[i]` is the sum before row i; `ends` where a person ends."""

    def __init__(self, window: _Window, weight: Callable[[Rows], np.ndarray]) -> None:
        weights = weight(window.rows).astype(np.int64)
        self.may_rise = bool(len(weights)) and int(weights.min()) < 0
        self.running = np.concatenate([np.zeros(1, np.int64), np.cumsum(weights)])
        counts = np.bincount(window.rows.pos, minlength=window.size)
        self.ends = np.cumsum(counts)
        self.values = self.running[self.ends] - self.running[self.ends - counts]
