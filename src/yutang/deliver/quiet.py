"""Quiet hours once more: a touch that was decided in the evening may be retried, or come up in a long queue, at night."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(now: datetime, zone: str, quiet: Mapping[str, str]) -> datetime | None:
    """When the quiet hours that hold `now` end where the person lives; None outside them. `quiet`: from and to, ``22:00``."""
    local = now.astimezone(ZoneInfo(zone))
    begin, end = time.fromisoformat(quiet["from"]), time.fromisoformat(quiet["to"])
    hour = local.time()
    inside = begin <= hour < end if begin <= end else hour >= begin or hour < end
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if hour >= end else 0)
    return datetime.combine(day, end, ZoneInfo(zone)).astimezone(UTC)
