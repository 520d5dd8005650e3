"""When the clock begins a journey: pure arithmetic on the brand's days.

A timetable is ``{"at": "10:00"}`` for every day, or with one of ``weekdays`` (1 is Monday), ``days`` of the month, ``dates``
(``2026-11-11`` once, ``11-11`` every year), ``every`` (``{"days": 14, "from": "2026-01-05"}``).
"""

from __future__ import annotations

from calendar import isleap, monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Timetable = dict[str, Any]

FARTHEST = 366 * 8 + 1
"""Days that are searched: 29 February can be eight years away."""


def next_firing(timetable: Timetable, after: datetime, zone: str) -> datetime | None:
    """The first instant after `after` at which it fires; None when it never does again."""
    first = after.astimezone(ZoneInfo(zone)).date()
    start = max(first, _earliest(timetable))
    for ahead in range(FARTHEST):
        day = start + timedelta(days=ahead)
        if _fires_on(timetable, day):
            at = _instant(day, timetable["at"], zone)
            if at > after:
                return at
    return None


def kept_on(day: date) -> list[str]:
    """The ``MM-DD`` whose anniversary is kept on `day`: 29 February falls on the 28th in a year that has none."""
    own = day.strftime("%m-%d")
    return [own, "02-29"] if own == "02-28" and not isleap(day.year) else [own]


def _earliest(timetable: Timetable) -> date:
    return date.fromisoformat(timetable["every"]["from"]) if "every" in timetable else date.min


def _fires_on(timetable: Timetable, day: date) -> bool:
    if "weekdays" in timetable:
        return day.isoweekday() in timetable["weekdays"]
    if "days" in timetable:
        # In a month that is too short the last day stands for the 29th, 30th and 31st.
        last = monthrange(day.year, day.month)[1]
        return day.day in {min(n, last) for n in timetable["days"]}
    if "dates" in timetable:
        return not {day.isoformat(), *kept_on(day)}.isdisjoint(timetable["dates"])
    if "every" in timetable:
        return (day - _earliest(timetable)).days % timetable["every"]["days"] == 0
    return True


def _instant(day: date, at: str, zone: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(at), ZoneInfo(zone)).astimezone(UTC)
