"""Now, and the brand's days. Nothing else in the program asks the system what time it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def system_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def business_day(at: datetime, zone: str) -> date:
    """The brand's day on which `at` falls; `zone` is an IANA name such as ``Asia/Shanghai``."""
    return at.astimezone(ZoneInfo(zone)).date()


def parse_time(text: str) -> datetime:
    """An aware instant from ISO 8601 text. Raises ValueError without an offset: a time without a zone is a guess."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("the time has no UTC offset; write for example 2026-01-31T09:30:00+08:00")
    return at.astimezone(UTC)
