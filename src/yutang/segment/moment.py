"""An instant and its business day, in the units that arrays are kept in: microseconds and days since 2000-01-01 (UTC), as PostgreSQL sends them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
NEVER = np.iinfo(np.int64).max
"""Also how PostgreSQL sends 'infinity'."""
DAY = 86_400_000_000
_MICROSECOND = timedelta(microseconds=1)
_CALENDAR = 366 * 70


def micros(at: datetime) -> int:
    """Microseconds since 2000."""
    return (at - EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """The instant of so many microseconds since 2000."""
    return EPOCH + timedelta(microseconds=int(value))


def day_number(day: date) -> int:
    """Days since 2000."""
    return day.toordinal() - EPOCH.toordinal()


def day_of(number: int) -> date:
    """The date of so many days since 2000."""
    return date.fromordinal(int(number) + EPOCH.toordinal())


@dataclass(frozen=True)
class Moment:
    """The instant as of which people are looked at, and the brand's time zone."""

    now: datetime
    zone: str

    @property
    def micros(self) -> int:
        return micros(self.now)

    @property
    def date(self) -> date:
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    @property
    def today(self) -> int:
        return day_number(self.date)

    def starts(self, days: np.ndarray) -> np.ndarray:
        """The instants at which business days begin."""
        return _midnights(self.zone)[np.clip(days, 0, _CALENDAR - 1)]


@lru_cache(maxsize=8)
def _midnights(zone: str) -> np.ndarray:
    """The first instant of every day from 2000 on for seventy years: made once, then a look-up."""
    where = ZoneInfo(zone)
    days = (day_of(number) for number in range(_CALENDAR))
    return np.array([micros(datetime.combine(day, time(), where)) for day in days], dtype=np.int64)
