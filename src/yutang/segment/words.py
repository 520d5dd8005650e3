"""Conditions on attributes: decided once for each distinct value, then looked up for each person."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np

from yutang.segment.answer import Answer
from yutang.segment.language import Condition
from yutang.segment.load import Pond, Words
from yutang.segment.moment import NEVER, Moment

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONTH_DAY = re.compile(r"(?:\d{4}-)?(\d{2}-\d{2})", re.ASCII)


def attribute(condition: Condition, pond: Pond) -> Answer:
    """Any comparison of an attribute; nobody without the attribute satisfies one, `unknown` apart."""
    found = pond.data[("trait", condition.subject)]
    assert isinstance(found, Words)
    if condition not in pond.shared:
        pond.shared[condition] = _decide(condition, found.words, pond.moment)
    holds, due = pond.shared[condition]
    return Answer(holds[found.codes], due[found.codes], lambda at: [*found.words, None][found.codes[at]])


def _decide(condition: Condition, words: list[Any], moment: Moment) -> tuple[np.ndarray, np.ndarray]:
    """(holds, due) for each value, and last for those without one."""
    due = np.full(len(words) + 1, NEVER)
    if condition.row.test == "anniversary":
        return _anniversaries(words, condition.get("within_days"), moment)
    test, bound = TESTS[condition.row.test], condition.get(condition.row.test)
    holds = [test(word, bound) for word in words]
    return np.array([*holds, condition.row.test == "unknown"], bool), due


def _same(word: Any, bound: Any) -> bool:
    """Equality as JSON has it: 1 and true differ."""
    return isinstance(word, bool) == isinstance(bound, bool) and word == bound


def _number(test: Callable[[float, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda word, bound: isinstance(word, int | float) and not isinstance(word, bool) and test(word, bound)


def _text(test: Callable[[str, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda word, bound: isinstance(word, str) and test(word, bound)


TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "is": _same,
    "is_not": lambda word, bound: not _same(word, bound),
    "in": lambda word, bound: any(_same(word, one) for one in bound),
    "not_in": lambda word, bound: not any(_same(word, one) for one in bound),
    "contains": _text(lambda word, bound: bound in word),
    "starts_with": _text(lambda word, bound: word.startswith(bound)),
    "more_than": _number(lambda word, bound: word > bound),
    "less_than": _number(lambda word, bound: word < bound),
    "at_least": _number(lambda word, bound: word >= bound),
    "at_most": _number(lambda word, bound: word <= bound),
    "between": _number(lambda word, bound: bound[0] <= word <= bound[1]),
    "before": _text(lambda word, bound: bool(_DATE.match(word)) and word[:10] < bound),
    "after": _text(lambda word, bound: bool(_DATE.match(word)) and word[:10] > bound),
    "known": lambda _word, _bound: True,
    "unknown": lambda _word, _bound: False,
}


def _anniversaries(words: list[Any], ahead: int, moment: Moment) -> tuple[np.ndarray, np.ndarray]:
    """An anniversary within `ahead` days, today included, changes when it has passed or comes near."""
    away = _days_away(moment.date)
    holds, due = np.zeros(len(words) + 1, bool), np.full(len(words) + 1, NEVER)
    for n, word in enumerate(words):
        match = _MONTH_DAY.fullmatch(word) if isinstance(word, str) else None
        days = away.get(match[1]) if match else None
        if days is None:
            continue
        holds[n] = days < ahead
        change = days + 1 if holds[n] else days - ahead + 1
        due[n] = moment.starts(np.array([moment.today + change]))[0]
    return holds, due


def _days_away(today: date) -> dict[str, int]:
    """Days from today to the next MM-DD. 29 February is kept on the 28th in other years."""
    away: dict[str, int] = {}
    for days in range(367):
        day = today + timedelta(days)
        away.setdefault(day.strftime("%m-%d"), days)
        if day.month == 2 and day.day == 28 and (day + timedelta(1)).month == 3:
            away.setdefault("02-29", days)
    return away
