"""What people have chosen on their own page is obeyed: by the judge, and once more on the way out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from ponds import NOON, Pond
from touches import attempt, decided, people, trait
from yutang import decide, profile
from yutang.channels.sandbox.send import Sandbox
from yutang.deliver import send
from yutang.model import Reason

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def pond(conn: psycopg.Connection) -> Pond:
    return Pond(conn)


def judge(pond: Pond, now: datetime = NOON) -> None:
    while decide.judge(pond.conn, now).busy():
        pass


def words(pond: Pond, *touches: int) -> list[str | None]:
    return [pond.verdict(touch)[1] or pond.verdict(touch)[0] for touch in touches]


def test_a_class_that_was_withdrawn_is_closed_on_every_channel(pond: Pond) -> None:
    person = pond.person()
    pond.consent(person, False, "class:marketing")
    pond.consent(person, True, "*", NOON + HOUR)
    touches = [pond.touch(person, class_=name) for name in ("marketing", "companion", "service")]
    judge(pond)
    assert words(pond, *touches) == ["no_consent", "send", "send"]


def test_less_often_than_the_brand_would(pond: Pond) -> None:
    person, other = pond.person(contact_cap=1), pond.person()
    first, second, service = (
        pond.touch(person, 9 - n, class_=c) for n, c in enumerate(("marketing", "companion", "service"))
    )
    usual = [pond.touch(other, class_=c) for c in ("marketing", "companion")]
    judge(pond)
    assert words(pond, first, second) == ["outbid", "outbid"], "the service was all that they wanted in a week"
    assert words(pond, service, *usual) == ["send", "send", "send"], "a service is not held by it"
    judge(pond, NOON + 7 * DAY)
    judge(pond, NOON + 14 * DAY)
    assert words(pond, first, second) == ["send", "send"], "held, not dropped"
    sent = pond.conn.execute(
        "select judged_at from touch where class <> 'service' and person_id = %s order by 1", (person,)
    ).fetchall()
    assert sent[1].judged_at - sent[0].judged_at >= 7 * DAY


@pytest.mark.parametrize(("held_by", "lets_go"), [
    ({"contact_cap": 0}, {"contact_cap": None}),
    ({"quiet_hours": "10:00-18:00"}, {"quiet_hours": None}),
    ({"time_zone": "America/New_York"}, {"time_zone": "Asia/Shanghai"}),
])  # fmt: skip
def test_who_takes_a_wish_back_waits_no_longer(pond: Pond, held_by: dict[str, Any], lets_go: dict[str, Any]) -> None:
    person, other = pond.person(**held_by), pond.person(**held_by)
    touches = [pond.touch(person), pond.touch(other)]
    judge(pond)
    assert words(pond, *touches) == [words(pond, touches[0])[0]] * 2 != ["send", "send"]
    pond.happened(person, "profile_updated", NOON + HOUR, traits=lets_go)
    profile.refresh(pond.conn, NOON + HOUR)
    judge(pond, NOON + HOUR)
    assert words(pond, touches[0]) == ["send"]
    assert words(pond, touches[1]) != ["send"]


@pytest.mark.parametrize("value", ["1", True, None, -3, 0.4, 1e40, {"a": 1}])
def test_a_cap_that_is_none_of_the_pages(pond: Pond, value: Any) -> None:
    """Traits come from anywhere; whatever they hold, the judge goes on."""
    touches = [pond.touch(pond.person(contact_cap=value)), pond.touch(pond.person())]
    judge(pond)
    held = isinstance(value, int | float) and not isinstance(value, bool) and value < 1
    assert words(pond, *touches) == ["capped" if held else "send", "send"]


@pytest.mark.parametrize(
    ("own", "hour", "word"),
    [
        ("11:00-13:00", 12, "quiet_hours"),
        ("11:00-13:00", 23, "send"),
        ("20:30-09:30", 9.25, "quiet_hours"),
        ("20:30-09:30", 12, "send"),
        ("00:00-00:00", 3, "send"),
        ("any-time", 23, "quiet_hours"),
        ("25:00-08:00", 12, "send"),
        (2200, 23, "quiet_hours"),
    ],
)
def test_quiet_hours_of_ones_own(pond: Pond, own: Any, hour: float, word: str) -> None:
    now = NOON + (hour - 12) * HOUR
    touch = pond.touch(pond.person(quiet_hours=own), at=now)
    judge(pond, now)
    assert words(pond, touch) == [word]


def test_the_end_of_ones_own_quiet_hours_in_ones_own_time_zone(pond: Pond) -> None:
    touch = pond.touch(pond.person(quiet_hours="11:00-14:30", time_zone="Asia/Tokyo"))
    judge(pond)
    (at,) = pond.conn.execute("select retry_at from decision where touch_id = %s", (touch,)).fetchone()
    assert at == NOON + 1.5 * HOUR, "noon in Shanghai is one o'clock in Tokyo"


def test_what_comes_up_late_in_a_queue_waits_for_the_persons_own_morning(conn: psycopg.Connection) -> None:
    quiet, usual = people(conn, 2)
    trait(conn, quiet, "quiet_hours", "11:00-14:00")
    held, sent = decided(conn, [quiet, usual], now=NOON)
    send(conn, NOON, channels={"sandbox": Sandbox()})
    assert (attempt(conn, held).state, attempt(conn, held).reason) == ("waiting", Reason.QUIET_HOURS)
    assert attempt(conn, held).retry_at == NOON + 2 * HOUR
    assert attempt(conn, sent).state == "sent"
