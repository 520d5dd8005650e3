"""Who leaves a journey before its end: by an event, by a rule that has come true, by news or by time."""

from __future__ import annotations

import pytest

from walks import DAY, HOUR, NOON, Walk
from yutang.model import Reason, bucket_of

WAITS = "steps: [{wait: {days: 5}}, {message: hello}, {wait: {days: 5}}, {message: reminder}]"


@pytest.fixture
def walk(conn) -> Walk:
    return Walk(conn)


def end(walk: Walk, person: int) -> tuple[str, str | None]:
    (run,) = walk.runs(person)
    return run.state, run.reason


def test_an_event_ends_the_run_where_the_journey_says_so(walk):
    walk.start(
        f"trigger: {{event: registered}}\nexit_on: [{{event: refunded, where: {{store: S1}}}}, {{event: unfollowed}}]\n{WAITS}"
    )
    here, there, silent, early = (walk.person() for _ in range(4))
    walk.happened(early, "refunded", NOON - HOUR, store="S1")
    for person in (here, there, silent, early):
        walk.happened(person, "registered")
    walk.advance()
    walk.happened(here, "refunded", NOON + DAY, store="S1")
    walk.happened(there, "refunded", NOON + DAY, store="S2")
    walk.happened(silent, "unfollowed", NOON + DAY)
    walk.advance(NOON + DAY)
    walk.advance(NOON + DAY)
    ended = ("exited", Reason.EXIT_EVENT)
    assert [end(walk, p) for p in (here, there, silent, early)] == [ended, ("active", None), ended, ("active", None)]
    walk.advance(NOON + 6 * DAY)
    assert [walk.said(p) for p in (here, there)] == [[], ["hello"]]


def test_the_event_that_began_a_run_does_not_end_it_however_often_it_is_read(walk):
    walk.start(f"trigger: {{event: ordered}}\ngoal: {{event: ordered}}\nreentry: always\n{WAITS}")
    person = walk.person()
    walk.happened(person, "ordered")
    walk.advance()
    walk.conn.execute("update stage_cursor set xid = '0'")
    walk.advance()
    assert end(walk, person) == ("active", None)
    walk.happened(person, "ordered", NOON + DAY)
    walk.advance(NOON + DAY)
    assert [(run.state, run.reason) for run in walk.runs(person)] == [("done", "goal_met"), ("active", None)]


def test_news_of_a_person_asks_the_exit_rule_at_once(walk):
    walk.start(f"trigger: {{event: registered}}\nexit_when: {{tag: vip}}\n{WAITS}")
    told, untold, segmented = (walk.known() for _ in range(3))
    for person in (told, untold, segmented):
        walk.happened(person, "registered")
    walk.advance()
    for person in (told, untold, segmented):
        walk.tag(person, "vip")
    walk.happened(told, "tagged", NOON + HOUR, tag="vip")
    walk.comes_in(segmented, walk.segment(), NOON + HOUR)
    walk.advance(NOON + HOUR)
    ended = ("exited", Reason.EXIT_RULE)
    assert [end(walk, p) for p in (told, untold, segmented)] == [ended, ("active", None), ended]


def test_time_alone_asks_the_exit_rule_before_the_next_step(walk):
    """Nothing was heard of either; the one for whom the rule has come true is not spoken to any more."""
    walk.start(f"trigger: {{event: registered}}\nexit_when: {{tag: vip}}\n{WAITS}")
    out, stays = walk.known(), walk.known()
    for person in (out, stays):
        walk.happened(person, "registered")
    walk.advance()
    walk.tag(out, "vip")
    walk.advance(NOON + 5 * DAY)
    assert (end(walk, out), end(walk, stays)) == (("exited", Reason.EXIT_RULE), ("active", None))
    assert (walk.said(out), walk.said(stays)) == ([], ["hello"])


def test_the_exit_rule_is_that_of_the_version_that_they_are_on(walk):
    walk.start(f"trigger: {{event: registered}}\nexit_when: {{tag: vip}}\n{WAITS}")
    old, new = walk.known(), walk.known()
    walk.happened(old, "registered")
    walk.advance()
    walk.start(f"trigger: {{event: registered}}\n{WAITS}")
    walk.happened(new, "registered", NOON + HOUR)
    walk.advance(NOON + HOUR)
    for person in (old, new):
        walk.tag(person, "vip")
        walk.happened(person, "viewed", NOON + 2 * HOUR)
    walk.advance(NOON + 2 * HOUR)
    assert (end(walk, old)[0], end(walk, new)[0]) == ("exited", "active")


def test_only_those_who_are_due_or_in_the_news_are_asked(walk, monkeypatch):
    """Set by set, and never everybody: a pond at rest costs nothing."""
    from yutang.journey import leave

    asked = []
    matching = leave.segment.matching
    monkeypatch.setattr(
        leave.segment, "matching", lambda c, r, n, persons: asked.append(persons) or matching(c, r, n, persons)
    )
    walk.start(f"trigger: {{event: registered}}\nexit_when: {{tag: vip}}\n{WAITS}")
    people = [walk.known() for _ in range(20)]
    for person in people:
        walk.happened(person, "registered")
    walk.advance()
    asked.clear()
    walk.advance(NOON + DAY)
    assert asked == []
    walk.happened(people[3], "viewed", NOON + DAY)
    walk.advance(NOON + DAY)
    assert asked == [[people[3]]]
    asked.clear()
    walk.conn.execute(
        "update enrolment set due_at = %s where bucket = any(%s)", (NOON + DAY, [bucket_of(p) for p in people[:2]])
    )
    walk.advance(NOON + DAY)
    assert [sorted(batch) for batch in asked] == [people[:2]]
