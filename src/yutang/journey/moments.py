"""Spans, times of day and days of the week, as journeys write them, and the next instant that they mean."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from yutang.source import Node

SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60}
LONGEST = 3_650 * SECONDS["days"]
"""Seconds of the longest wait; in four bytes the database counts up to 68 years."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BEST, BEST_HOURS = "best", 3
"""``time: best`` is the hour that is foretold of each person; it lasts so many hours."""
PLACES = ("pond", "person")
"""Whose clock: the brand's, or the one on the wall where the person lives."""


def span(node: Node) -> int:
    """Seconds of ``{days: 2, hours: 3}``."""
    keys = node.mapping(known=SECONDS)
    seconds = sum(value.whole(0, 100_000) * SECONDS[unit] for unit, value in keys.items())
    if not seconds:
        raise node.fail("请写等多久，例如 {days: 7}。", "a wait takes some time; write for example {days: 7}")
    if seconds > LONGEST:
        raise node.fail("最多等十年，例如 {days: 7}。", "a wait takes ten years at most; write for example {days: 7}")
    return seconds


def patience(keys: dict[str, Node]) -> int:
    """Seconds of the keys of a step that say how long it waits; 0 when it says nothing."""
    return sum(keys[unit].whole(1, 3650) * size for unit, size in SECONDS.items() if unit in keys)


def brief(seconds: int) -> str:
    """A span in a few letters: ``1d2h``."""
    parts = []
    for unit, size in SECONDS.items():
        n, seconds = divmod(seconds, size)
        parts += [f"{n}{unit[0]}"] if n else []
    return "".join(parts)


def time_of(node: Node) -> str:
    """A time of day, ``10:00``."""
    if not isinstance(node.value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", node.value):
        found = node.describe()
        raise node.fail(
            f"{found.zh}不是时间，请写成例如 '10:00'。", f"{found.en} is not a time of day; write for example '10:00'"
        )
    return node.value


def until(node: Node) -> dict[str, Any]:
    """``{"date", "weekdays" (1 is Monday), "time", "where"}`` of a time, a date, or both in full; with ``"best": True`` the person's best
    hour comes before `time`, which holds for those who have none."""
    if not node.is_mapping:
        return _moment(node, {"date" if _looks_like_a_date(node) else "time": node})
    return _moment(node, node.mapping(known=("date", "time", "weekday", "where", "otherwise")))


def _moment(node: Node, keys: dict[str, Node]) -> dict[str, Any]:
    if not keys.keys() & {"date", "time", "weekday"}:
        raise node.fail(
            "没有写等到什么时候，例如 {weekday: fri, time: '18:00'}。",
            "until when is missing; write for example {weekday: fri, time: '18:00'}",
        )
    if "date" in keys and "weekday" in keys:
        raise node.fail("日期本身就有星期，请删去“weekday”。", "a date has its own day of the week; remove 'weekday'")
    return {
        "date": keys["date"].date() if "date" in keys else None,
        "weekdays": _weekdays(keys["weekday"]) if "weekday" in keys else [],
        **_time(node, keys),
        "where": keys["where"].choice(PLACES) if "where" in keys else "pond",
    }


def _time(node: Node, keys: dict[str, Node]) -> dict[str, Any]:
    """The time of day; ``best`` needs another one for those of whom no hour is foretold."""
    if "time" in keys and keys["time"].value == BEST:
        if "otherwise" not in keys:
            raise node.fail(
                "不是每个人都有最佳时刻，请写上其他人的时间，例如 {time: best, otherwise: '10:00'}。",
                "not everybody has a best hour; write for example {time: best, otherwise: '10:00'}",
            )
        return {"time": time_of(keys["otherwise"]), "best": True}
    if "otherwise" in keys:
        raise keys["otherwise"].fail(
            "“otherwise”只和“time: best”一起用，请删去。", "'otherwise' goes with 'time: best'; remove it"
        )
    return {"time": time_of(keys["time"]) if "time" in keys else "00:00"}


def _looks_like_a_date(node: Node) -> bool:
    return re.match(r"\d{4}-", str(node.value)) is not None


def _weekdays(node: Node) -> list[int]:
    names = [item.choice(WEEKDAYS) for item in node.items()] if node.is_list else [node.choice(WEEKDAYS)]
    if not names:
        raise node.fail("列表是空的，请至少写一天，例如 fri。", "the list is empty; write at least one day such as fri")
    return sorted({WEEKDAYS.index(name) + 1 for name in names})


def next_at(moment: dict[str, Any], since: datetime, zone: str) -> datetime:
    """The first instant after `since` that an ``until`` means on the clocks of `zone`; one on a date may lie before it."""
    where, clock = ZoneInfo(zone), time.fromisoformat(moment["time"])
    if moment["date"]:
        return datetime.combine(date.fromisoformat(moment["date"]), clock, where).astimezone(UTC)
    today = since.astimezone(where).date()
    days = (today + timedelta(days=n) for n in range(9))
    instants = (
        datetime.combine(day, clock, where).astimezone(UTC)
        for day in days
        if not moment["weekdays"] or day.isoweekday() in moment["weekdays"]
    )
    return next(at for at in instants if at > since)
