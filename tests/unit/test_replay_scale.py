"""From a sample to everybody, and the instants at which the clock looks."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yutang.model import YutangError
from yutang.replay.scale import Sample, share
from yutang.replay.ticks import first_due, parse_tick, ticks


def test_the_interval_of_a_total_holds_the_truth_as_often_as_it_says() -> None:
    """Two thousand samples of four hundred out of two thousand people, each of whom counts 0 to 3: about 95 % are right."""
    dice = random.Random(1)
    people = [dice.choice([0, 0, 0, 1, 1, 2, 3]) for _ in range(2_000)]
    hits = 0
    for _ in range(2_000):
        drawn = dice.sample(people, 400)
        found = Sample(400, 2_000).total(sum(drawn), sum(n * n for n in drawn))
        hits += found.low <= sum(people) <= found.high
    assert 0.935 < hits / 2_000 < 0.965


def test_everybody_is_no_sample() -> None:
    assert Sample(10, 10).total(7, 49) == Sample(10, 10).count(7)
    assert Sample(10, 10).count(7).low == 7 == Sample(10, 10).count(7).high


def test_what_was_seen_has_happened() -> None:
    assert Sample(10, 1_000).count(1).low == 1
    assert Sample(10, 1_000).count(1).value == 100


def test_a_share_of_few_is_uncertain() -> None:
    """Wilson's interval for 1 of 10, as the textbooks have it."""
    found = share(1, 10)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0179, 0.4042)
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1h", timedelta(hours=1)),
        ("15m", timedelta(minutes=15)),
        ("1d", timedelta(days=1)),
        ("20:00,10:00", [time(10), time(20)]),
    ],
)
def test_ticks_are_written_as_people_write_them(text: str, found: object) -> None:
    assert parse_tick(text) == found


@pytest.mark.parametrize("text", ["", "0h", "2d", "1w", "25:00", "20", "10:00,x"])
def test_what_is_no_tick_is_an_error(text: str) -> None:
    with pytest.raises(YutangError, match="10:00,20:00"):
        parse_tick(text)


def test_the_clock_looks_from_midnight_on_and_at_the_end() -> None:
    since = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
    found = ticks(since, since + timedelta(hours=20), parse_tick("8h"), "Asia/Shanghai")
    assert [at.astimezone(UTC).hour for at in found] == [8, 16, 23]
    assert found[-1] == since + timedelta(hours=20)
    assert [at.hour for at in ticks(since, since + timedelta(days=1), parse_tick("10:00,20:00"), "Asia/Shanghai")][
        :2
    ] == [20, 10]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 70))
def test_the_first_due_tick_is_found_by_halves(low: int, high: int, due: int) -> None:
    start, asked = datetime(2026, 1, 1, tzinfo=UTC), []
    instants = [start + timedelta(hours=n) for n in range(60)]

    def is_due(now: datetime) -> bool:
        asked.append(now)
        return now >= start + timedelta(hours=due)

    found = first_due(instants, low, high, is_due)
    assert found == (max(low, min(due, high)) if low < high else high)
    assert len(asked) <= 8
