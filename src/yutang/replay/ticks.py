"""The virtual clock: the instants at which the loop looks, and which of them it can pass over."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from yutang.model import YutangError

Tick = timedelta | Sequence[time]
"""How often, or at which times of every day."""
HOUR = timedelta(hours=1)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_tick(text: str) -> Tick:
    """``15m``, ``1h``, ``1d``, or times of day such as ``10:00,20:00``. Raises YutangError."""
    if found := re.fullmatch(r"(\d+)([mhd])", text):
        step = timedelta(**{_UNITS[found[2]]: int(found[1])})
        if timedelta(minutes=1) <= step <= timedelta(days=1):
            return step
    try:
        times = sorted({time.fromisoformat(part.strip()) for part in text.split(",")})
    except ValueError:
        times = []
    if not times or ":" not in text:
        raise YutangError(
            f"“{text}”不能用作刻，请写成例如 1h、15m、1d，或几点几分：10:00,20:00。 "
            f"'{text}' is no tick; write for example 1h, 15m, 1d, or times of day: 10:00,20:00"
        )
    return times


def ticks(since: datetime, until: datetime, tick: Tick, zone: str) -> list[datetime]:
    """Every instant after `since` at which the loop looks, and `until` itself; on the pond's clocks, from midnight on."""
    local = ZoneInfo(zone)
    day, found = since.astimezone(local).date(), []
    while (morning := datetime.combine(day, time(), local)) < until:
        found += [at for at in _of_day(morning, tick) if since < at < until]
        day += timedelta(days=1)
    return [*found, until]


def _of_day(morning: datetime, tick: Tick) -> list[datetime]:
    if isinstance(tick, timedelta):
        return [morning + tick * n for n in range(-(-timedelta(days=1) // tick))]
    return [datetime.combine(morning.date(), at, morning.tzinfo) for at in tick]


def first_due(found: Sequence[datetime], low: int, high: int, due: Callable[[datetime], bool]) -> int:
    """The index, from `low` on and before `high`, of the first instant at which something is due; `high` when nothing is.
    What is due stays due, so halves are enough: a quiet year costs a dozen questions."""
    if low >= high or not due(found[high - 1]):
        return high
    return bisect_left(range(high), True, low, high, key=lambda n: due(found[n]))


def first_from(found: Sequence[datetime], low: int, at: datetime | None) -> int:
    """The index of the first instant that is not before `at`; the last but one past the end when there is no such."""
    return len(found) if at is None else bisect_left(found, at, low)
