"""When the clock begins a journey."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yutang.journey.timetable import kept_on, next_firing

ZONE = "Asia/Shanghai"
TEN = {"at": "10:00"}


def firings(timetable: dict, after: str, n: int, zone: str = ZONE) -> list[str]:
    """The next instants, as the clocks of the zone show them."""
    at, found = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC), []
    while len(found) < n and (at := next_firing(timetable, at, zone)):
        found.append(f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("timetable", "after", "expected"),
    [
        (TEN, "2026-03-02T09:59", ["2026-03-02 10:00", "2026-03-03 10:00"]),
        (TEN, "2026-03-02T10:00", ["2026-03-03 10:00", "2026-03-04 10:00"]),
        (TEN | {"weekdays": [1, 5]}, "2026-03-02T12:00", ["2026-03-06 10:00", "2026-03-09 10:00"]),
        (TEN | {"days": [13]}, "2026-03-02T12:00", ["2026-03-13 10:00", "2026-04-13 10:00"]),
        (TEN | {"days": [30, 31]}, "2026-02-01T12:00", ["2026-02-28 10:00", "2026-03-30 10:00", "2026-03-31 10:00"]),
        (TEN | {"dates": ["11-11"]}, "2026-11-11T12:00", ["2027-11-11 10:00"]),
        (TEN | {"dates": ["02-29"]}, "2026-01-01T12:00", ["2026-02-28 10:00", "2027-02-28 10:00", "2028-02-29 10:00"]),
        (TEN | {"dates": ["2026-06-18"]}, "2026-01-01T12:00", ["2026-06-18 10:00"]),
        (TEN | {"dates": ["2026-06-18"]}, "2026-06-18T10:00", []),
        (
            TEN | {"every": {"days": 14, "from": "2026-01-05"}},
            "2026-01-01T12:00",
            ["2026-01-05 10:00", "2026-01-19 10:00"],
        ),
    ],
)
def test_the_next_firings(timetable, after, expected):
    assert firings(timetable, after, max(len(expected), 1)) == expected


@given(
    st.sampled_from([TEN, TEN | {"days": [29, 31]}, TEN | {"weekdays": [7]}, {"at": "02:30"}]),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([ZONE, "Europe/Berlin", "America/New_York"]),
)
def test_a_firing_is_later_and_none_lies_between(timetable, after, zone):
    """Also where clocks are changed."""
    at = next_firing(timetable, after, zone)
    assert at > after
    assert next_firing(timetable, at - timedelta(microseconds=1), zone) == at
    middle = after + (at - after) / 2
    assert next_firing(timetable, middle, zone) == at


def test_29_february_is_kept_on_the_28th_in_other_years():
    assert kept_on(date(2026, 2, 28)) == ["02-28", "02-29"]
    assert kept_on(date(2028, 2, 28)) == ["02-28"]
    assert kept_on(date(2028, 2, 29)) == ["02-29"]
