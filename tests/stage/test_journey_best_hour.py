"""Waiting until a person's best hour: foretold of them, or the hour that the journey names for the others."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ponds import NOON
from walks import Walk
from yutang import why

SECOND = timedelta(seconds=1)
UNTIL = "trigger: {{event: registered}}\nsteps:\n  - until: {until}\n  - message: hello\n"


@pytest.fixture
def pond(conn) -> Walk:
    return Walk(conn)


def foretell(pond: Walk, person: int, **hours: float) -> None:
    """`all`: of every day; `d6`: of Saturdays."""
    for name, hour in hours.items():
        pond.conn.execute(
            "insert into prediction (bucket, person_id, name, value, at, model_id) values (%s, %s, %s, %s, %s, 1)",
            (person & 1023, person, "best_hour" if name == "all" else f"best_hour:{name[1]}", hour, NOON),
        )


def goes_on(pond: Walk, person: int, at: datetime) -> None:
    """Nothing is said a second before, and the message then."""
    pond.happened(person, "registered")
    pond.advance()
    if at > NOON:
        pond.advance(at - SECOND)
        assert pond.said(person) == []
    pond.advance(at)
    assert pond.said(person) == ["hello"]


@pytest.mark.parametrize(
    ("until", "zone", "hours", "when"),
    [
        ('{time: best, otherwise: "18:00"}', None, {}, "2026-03-02T10:00"),
        ('{time: best, otherwise: "18:00"}', "Europe/London", {}, "2026-03-02T10:00"),
        ('{time: best, otherwise: "18:00", where: person}', "Europe/London", {}, "2026-03-02T18:00"),
        ('{time: best, otherwise: "18:00"}', None, {"all": 20}, "2026-03-02T12:00"),
        ('{time: best, otherwise: "18:00"}', None, {"all": 9}, "2026-03-03T01:00"),
        ('{time: best, otherwise: "18:00"}', None, {"all": 10}, "2026-03-02T04:00"),
        ('{time: best, otherwise: "18:00"}', None, {"all": 12}, "2026-03-02T04:00"),
        ('{time: best, otherwise: "18:00"}', "Europe/London", {"all": 20}, "2026-03-02T20:00"),
        ('{time: best, otherwise: "18:00"}', "Pacific/Auckland", {"all": 23}, "2026-03-02T10:00"),
        ('{time: best, otherwise: "18:00"}', "America/New_York", {"all": 22}, "2026-03-02T04:00"),
        ('{time: best, otherwise: "18:00", weekday: sat}', None, {"all": 20, "d6": 15}, "2026-03-07T07:00"),
        ('{time: best, otherwise: "18:00", weekday: sun}', None, {"all": 20, "d6": 15}, "2026-03-08T12:00"),
        ('{time: best, otherwise: "18:00", weekday: [sat, sun]}', None, {}, "2026-03-07T10:00"),
        ('{time: best, otherwise: "18:00", date: 2026-03-07}', None, {"all": 20, "d6": 15}, "2026-03-07T07:00"),
    ],
)
def test_until_the_hour_at_which_they_are_most_likely_there(pond, until, zone, hours, when):
    """It is Monday noon in Shanghai, 04:00 in London, 17:00 in Auckland, and 23:00 on Sunday in New York. Three hours last the best hour:
    whoever comes within them goes on at once."""
    pond.start(UNTIL.format(until=until))
    person = pond.person(**({"time_zone": zone} if zone else {}))
    foretell(pond, person, **hours)
    goes_on(pond, person, NOON.fromisoformat(f"{when}:00+00:00"))


def test_everybody_has_an_hour_of_their_own(pond):
    pond.start(UNTIL.format(until='{time: best, otherwise: "10:00"}'))
    people = {pond.person(): hour for hour in range(13, 24)}
    for person, hour in people.items():
        foretell(pond, person, all=hour)
        pond.happened(person, "registered")
    pond.advance()
    dues = {person: pond.runs(person)[0].due_at for person in people}
    assert dues == {person: NOON + timedelta(hours=hour - 12) for person, hour in people.items()}
    pond.advance(NOON + timedelta(hours=4))
    assert [person for person in people if pond.said(person)] == [
        person for person, hour in people.items() if hour <= 16
    ]


def test_why_says_what_is_waited_for(pond):
    pond.start(UNTIL.format(until='{time: best, otherwise: "10:00", weekday: sat}'))
    person = pond.person()
    foretell(pond, person, all=20)
    pond.happened(person, "registered")
    pond.advance()
    (run,) = why.why(pond.conn, person, NOON).enrolments
    assert run.now_at == {
        "zh": "等到 周六 本人最常在的时刻（未知则 10:00）",
        "en": "wait until Saturday the hour at which they are most likely there (10:00 where none is known)",
    }
    assert run.due_at == NOON.replace(day=7, hour=12)
