"""Now, and the brand's days. Nothing else in the program asks the system what time it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


def system_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def business_day(at: datetime, zone: str) -> date:
    """The brand's day on which `at` falls; `zone` is an IANA name such as ``Asia/Shanghai``."""
    return at.astimezone(ZoneInfo(zone)).date()


@cache
def zones() -> frozenset[str]:
    """The names of all time zones. The machine's own and their kin are files beside them, and no names: the database knows none of them."""
    return frozenset(available_timezones() - {"localtime", "posixrules", "Factory"})


def parse_time(text: str) -> datetime:
    """An aware instant from ISO 8601 text. Raises ValueError without an offset: a time without a zone is a guess."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(
            "时间没有时区，请写成例如 2026-01-31T09:30:00+08:00。 "
            "the time has no UTC offset; write for example 2026-01-31T09:30:00+08:00"
        )
    return at.astimezone(UTC)
