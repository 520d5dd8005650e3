"""Why somebody is not on a journey, whatever begins it: by the clock, by the day, by the place, by a segment left."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from psycopg.types.json import Jsonb

from walks import DAY, HOUR, NOON, Walk, body
from yutang.journey import edit
from yutang.model import Reason
from yutang.why import why

STEPS = "steps: [{wait: {days: 3}}, {message: hello}]"
TEN = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)


class Told(Walk):
    """Events also as they came in, as an answer looks at when that was."""

    def happened(self, person, type, at=NOON, **props):
        event = super().happened(person, type, at, **props)
        self.conn.execute(
            """insert into event (event_id, source, source_id, type, at, received_at, handles, keys, props) overriding system value
               values (%s, 'import', %s, %s, %s, %s, '{}', '{}', %s)""",
            (event, str(event), type, at, at, Jsonb(props)),
        )
        return event

    def outside(self, person, now):
        return [(entry.reason, entry.words["en"]) for entry in why(self.conn, person, now).outside]


@pytest.fixture
def walk(conn) -> Told:
    return Told(conn)


def test_every_refused_cause_is_told_with_the_re_entry_rule(walk):
    for name, rule in (("once", "never"), ("always", "always"), ("later", "{after_days: 30}"), ("each", "each_time")):
        walk.start(f"trigger: {{event: ordered}}\nreentry: {rule}\n{STEPS}", name)
    person = walk.known()
    for days in (0, 1, 10):
        walk.advance(NOON + days * DAY - HOUR)
        walk.happened(person, "ordered", NOON + days * DAY)
        walk.advance(NOON + days * DAY)
    told = {}
    for entry in why(walk.conn, person, NOON + 11 * DAY).outside:
        assert entry.reason == Reason.REENTRY
        told.setdefault(entry.journey, []).append((entry.at - NOON).days)
    assert {name: sorted(days) for name, days in told.items()} == {"once": [1, 10], "always": [1], "later": [1, 10]}


def test_a_schedule_tells_what_it_refused_and_what_it_missed(walk):
    head = "trigger: {schedule: {at: '10:00'}}\naudience: {tag: vip}\nmax_age_days: 1\n"
    walk.start(f"{head}reentry: never\n{STEPS}")
    inside, outside = walk.known(), walk.known()
    walk.tag(inside, "vip")
    assert walk.outside(inside, NOON) == [(None, "its time has not come yet")]
    walk.advance(NOON)
    walk.advance(TEN)
    walk.advance(TEN + 3 * DAY)
    missed = ("missed", Reason.MISSED.en)
    refused = (Reason.REENTRY, f"{Reason.REENTRY.en}: each person enters once")
    assert walk.outside(inside, TEN + 3 * DAY) == [missed, refused, refused]
    assert walk.outside(outside, TEN + 3 * DAY) == [
        (None, "not in the journey's audience"), missed, *[(None, "not in the journey's audience")] * 2,
    ]  # fmt: skip
    assert why(walk.conn, inside, TEN).enrolments[0].words["en"] == "its time came: 2026-03-03T02:00 UTC"


def test_a_birthday_tells_whether_it_is_known(walk):
    walk.start(f"trigger: {{anniversary: {{of: birthday}}}}\n{STEPS}")
    unknown, known = walk.known(), walk.known(birthday="1990-03-04")
    walk.advance(NOON)
    assert walk.outside(unknown, NOON) == [(None, "the date of 'birthday' is not known")]
    assert walk.outside(known, NOON) == [(None, "its time has not come yet")]
    for n in range(3):
        walk.advance(TEN + n * DAY)
    assert walk.outside(known, TEN + 3 * DAY) == []
    assert len(why(walk.conn, known, TEN).enrolments) == 1


def test_a_place_tells_how_far_it_was(walk):
    walk.define("store", "bund", {"title": {"zh": "外滩", "en": "The Bund"}, "lat": 31.24, "lon": 121.49})
    walk.start(f"trigger: {{near: {{store: any, within_m: 800}}}}\n{STEPS}")
    nowhere, far, near = (walk.known() for _ in range(3))
    walk.happened(far, "located", lat=31.25, lon=121.49)
    for hours in range(2):
        walk.happened(near, "located", NOON + hours * HOUR, lat=31.241, lon=121.49)
    walk.advance(NOON + HOUR)
    assert walk.outside(nowhere, NOON) == [(None, "never within 800 metres of a store: no place is known")]
    assert walk.outside(far, NOON) == [(None, "never within 800 metres of a store: 1112 metres at the nearest")]
    assert [reason for reason, _ in walk.outside(near, NOON + HOUR)] == [Reason.REENTRY]


def test_leaving_and_being_called(walk):
    sleepers = walk.segment()
    walk.start(f"trigger: {{left: sleepers}}\n{STEPS}", "left")
    walk.start(f"trigger: {{called: true}}\n{STEPS}", "called")
    person = walk.known()
    walk.comes_in(person, sleepers)
    walk.advance()
    assert walk.outside(person, NOON) == [
        (None, "only a step of another journey begins it"), (None, "never left the trigger's segment 'Test'"),
    ]  # fmt: skip
    walk.goes_out(person, NOON + DAY)
    walk.advance(NOON + DAY)
    chain = why(walk.conn, person, NOON + DAY)
    assert [e.words["en"] for e in chain.enrolments] == ["left the segment 'Test'"]


def test_an_edited_run_tells_the_lines_of_their_own_versions(walk):
    old = walk.start(f"trigger: {{event: ordered}}\n{STEPS.replace('message: hello', 'wait: {days: 9}')}")
    person = walk.known()
    walk.happened(person, "ordered")
    walk.advance()
    walk.advance(NOON + 3 * DAY)
    text = "trigger: {event: ordered}\nsteps: [{message: hello}, {tag: x}, {id: 'wait:9d', wait: {days: 4}}]"
    groups = edit.preview(walk.conn, old, body(text), {})
    new = walk.start(text)
    edit.apply(walk.conn, NOON + 4 * DAY, new.definition_id, new.version, groups)
    walk.advance(NOON + 8 * DAY)
    (run,) = why(walk.conn, person, NOON + 8 * DAY).enrolments
    assert [(step.line["en"], step.words["en"]) for step in run.steps] == [
        ("wait 3 days", "the wait is over"),
        ("wait 9 days", "the journey was edited; moved to the new version"),
        ("wait 4 days", "the wait is over"),
    ]
