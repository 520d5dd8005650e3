"""Quiet hours once more: a touch that was decided in the evening may be retried, or come up in a long queue, at night.

The same as ``quiet_until`` in the database, which `decide` asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

_HOURS = re.compile(r"((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)")


def chosen(quiet: Mapping[str, Any], own: Any) -> Mapping[str, Any]:
    """The brand's quiet with the hours that the person has chosen (the trait `quiet_hours`: ``21:00-09:00``), if that is what it says."""
    found = _HOURS.fullmatch(own) if isinstance(own, str) else None
    return {**quiet, "from": found[1], "to": found[2]} if found else quiet


def quiet_until(now: datetime, zone: str, quiet: Mapping[str, Any]) -> datetime | None:
    """When the quiet that holds `now` ends where the person lives; None outside it.

    quiet: ``from`` and ``to`` (``22:00``), and ``holidays`` (ISO dates), which are quiet all day.
    """
    local = now.astimezone(ZoneInfo(zone))
    begin, end = time.fromisoformat(quiet["from"]), time.fromisoformat(quiet["to"])
    day, hour = local.date(), local.time()
    night = begin <= hour < end if begin <= end else hour >= begin or hour < end
    holiday = day.isoformat() in quiet["holidays"]
    if not night and not holiday:
        return None
    if holiday or hour >= end:
        day += timedelta(days=1)
    while day.isoformat() in quiet["holidays"]:
        day += timedelta(days=1)
    until = end if begin > end or (night and not holiday) else time()
    # Where the clocks show an hour twice, the later one, so that the end never lies before now.
    return datetime.combine(day, until, ZoneInfo(zone)).replace(fold=1).astimezone(UTC)
