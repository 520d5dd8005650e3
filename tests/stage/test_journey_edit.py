"""A journey is edited while people walk on it: everybody can see where they go, and nobody is lost, doubled or told twice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from walks import DAY, HOUR, NOON, Walk, body
from yutang import journey
from yutang.db.connect import connect
from yutang.definitions import Definition
from yutang.journey import edit
from yutang.model import Reason

HEAD = "trigger: {event: registered}\nreentry: each_time\n"
OLD = (
    HEAD
    + """steps:
  - {id: first, wait: {days: 10}}
  - {id: a, message: hello}
  - {id: second, wait: {days: 10}}
  - {id: b, message: reminder}
"""
)


@pytest.fixture
def walk(conn) -> Walk:
    return Walk(conn)


def standing(walk: Walk, *days: int) -> list[int]:
    """People who came so many days before NOON, walked as far as they are by then."""
    people = []
    for ago in sorted(days, reverse=True):
        people.append(walk.person())
        walk.happened(people[-1], "registered", NOON - ago * DAY)
        walk.advance(NOON - ago * DAY)
    for hours in range(-24 * max(days), 1, 24):
        walk.advance(NOON + hours * HOUR)
    return people


def change(walk: Walk, old: Definition, text: str, **choices: str) -> list[edit.Group]:
    groups = edit.preview(walk.conn, old, body(text), choices)
    new = walk.start(text)
    edit.apply(walk.conn, NOON, new.definition_id, new.version, groups)
    return groups


def line(walk: Walk, person: int, d: Definition) -> str:
    (run,) = walk.runs(person)
    assert run.version == d.version
    return d.body["program"][run.step]["id"]


def test_the_preview_says_where_each_group_goes_and_changes_nothing(walk):
    old = walk.start(OLD)
    standing(walk, 12, 13, 2)
    groups = edit.preview(
        walk.conn, old, body(HEAD + "steps: [{id: first, wait: {days: 3}}, {id: b, message: reminder}]"), {}
    )
    assert [(g.step, g.people, g.to, g.because) for g in groups] == [
        ("first", 1, "first", "same"),
        ("a", 0, "b", "next"),
        ("second", 2, "b", "next"),
        ("b", 0, "b", "same"),
        ("end", 0, "end", "same"),
    ]
    assert [group.line["id"] for group in groups] == [group.step for group in groups]
    assert {row.version for row in walk.conn.execute("select version from enrolment")} == {old.version}


def test_a_step_under_another_name_is_found_by_its_content(walk):
    old = walk.start(OLD)
    (person,) = standing(walk, 2)
    renamed = OLD.replace("id: first", "id: patience")
    assert change(walk, old, renamed)[0].to == "patience"
    assert walk.runs(person)[0].due_at == NOON + 8 * DAY


@pytest.mark.parametrize(("days", "due"), [(15, 13), (4, 2), (1, -1), (10, 8)])
def test_a_wait_counts_from_when_they_came_to_it(walk, days, due):
    old = walk.start(OLD)
    (person,) = standing(walk, 2)
    change(walk, old, OLD.replace("{id: first, wait: {days: 10}}", f"{{id: first, wait: {{days: {days}}}}}"))
    assert walk.runs(person)[0].due_at == NOON + due * DAY
    walk.advance(NOON + max(due, 0) * DAY)
    assert walk.said(person) == ["hello"]


def test_who_comes_to_another_step_begins_it_now(walk):
    old = walk.start(OLD)
    (person,) = standing(walk, 2)
    new = HEAD + "steps: [{id: pause, wait: {days: 5}}, {id: a, message: hello}]"
    change(walk, old, new, first="pause")
    (run,) = walk.runs(person)
    assert (run.stepped_at, run.due_at) == (NOON, NOON + 5 * DAY)


def test_people_can_finish_on_the_old_version_or_leave(walk):
    old = walk.start(OLD)
    late, early = standing(walk, 12, 2)
    change(walk, old, HEAD + "steps: [{id: other, message: reminder}]", first="finish_old", second="exit")
    assert [(run.version, run.state, run.reason) for run in (*walk.runs(early), *walk.runs(late))] == [
        (old.version, "active", None),
        (old.version, "exited", Reason.EDITED),
    ]
    walk.advance(NOON + 8 * DAY)
    assert walk.said(early) == ["hello"]
    steps = walk.conn.execute("select outcome, version from step where person_id = %s order by seq", (late,)).fetchall()
    assert [tuple(row) for row in steps] == [("waited", 1), ("moved", 1)]


def test_what_was_passed_before_the_move_stays_what_it_was(walk):
    old = walk.start(OLD)
    (person,) = standing(walk, 12)
    change(walk, old, HEAD + "steps: [{id: intro, message: reminder}, {id: second, wait: {days: 3}}]")
    walk.advance(NOON + 3 * DAY)
    steps = walk.conn.execute(
        "select step, version, outcome from step where person_id = %s order by seq", (person,)
    ).fetchall()
    assert [tuple(row) for row in steps] == [(0, 1, "waited"), (2, 1, "moved"), (1, None, "waited")]


def test_who_waits_for_an_event_hears_it_on_the_new_version(walk):
    waits = (
        HEAD + "steps: [{id: w, wait_for: ordered, days: 10, then: [{message: hello}], else: [{message: reminder}]}]"
    )
    old = walk.start(waits)
    bought, silent = standing(walk, 3, 2)
    change(walk, old, waits.replace("days: 10", "days: 5").replace("steps: [", "steps: [{id: z, wait: {days: 1}}, "))
    walk.happened(bought, "ordered", NOON + HOUR)
    walk.advance(NOON + HOUR)
    assert (walk.said(bought), walk.said(silent)) == (["hello"], [])
    walk.advance(NOON + 3 * DAY)
    assert walk.said(silent) == ["reminder"]


def test_a_worker_that_walks_meanwhile_loses_nobody(walk, url):
    """Everybody walks from line to line while the edit comes in between."""
    tags = ", ".join(f"{{id: t{n}, tag: x{n}}}" for n in range(12))
    old = walk.start(
        f"{HEAD}steps: [{{id: first, wait: {{days: 1}}}}, {tags}, {{id: last, wait: {{days: 9}}}}, {{id: b, message: reminder}}]"
    )
    people = [walk.person() for _ in range(300)]
    for person in people:
        walk.happened(person, "registered")
    walk.advance()
    text = f"{HEAD}steps: [{{id: new, message: hello}}, {tags}, {{id: first, wait: {{days: 1}}}}, {{id: last, wait: {{days: 2}}}}, {{id: b, message: reminder}}]"
    groups = edit.preview(walk.conn, old, body(text), {})

    def work() -> None:
        with connect(url) as conn:
            journey.advance(conn, NOON + DAY)

    worker = Thread(target=work)
    worker.start()
    with walk.conn.transaction():
        new = walk.start(text)
        counts = edit.apply(walk.conn, NOON + DAY, new.definition_id, new.version, groups)
    worker.join()
    assert counts["moved"] == len(people)
    runs = walk.conn.execute("select distinct version from enrolment").fetchall()
    assert [row.version for row in runs] == [new.version]
    for days in range(1, 6):
        walk.advance(NOON + days * DAY)
    assert {run.state for person in people for run in walk.runs(person)} == {"done"}
    assert all(walk.said(person)[-1:] == ["reminder"] for person in people)


STEPS = {
    "a": "{id: a, message: hello}",
    "b": "{id: b, message: reminder}",
    "w": "{id: w, wait: {days: %d}}",
    "v": "{id: v, wait: {days: %d}}",
    "x": "{wait: {days: %d}}",
    "f": "{id: f, wait_for: ordered, days: %d, then: [{id: c, message: third}], else: [{id: d, message: fourth}]}",
}
WORDS = {"a": "hello", "b": "reminder", "c": "third", "d": "fourth"}


@st.composite
def journeys(draw) -> str:
    kinds = draw(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=6, unique=True))
    steps = [STEPS[kind] % draw(st.integers(1, 6)) if "%" in STEPS[kind] else STEPS[kind] for kind in kinds]
    return f"{HEAD}steps: [{', '.join(steps)}]"


@st.composite
def edits(draw) -> tuple[str, list[tuple[int, str, dict[str, str]]]]:
    """A journey, and its edits: after how many days, into what, with which choices by step."""
    changes = draw(st.lists(st.tuples(st.integers(0, 8), journeys()), min_size=1, max_size=3))
    picks = st.dictionaries(st.sampled_from([*STEPS, "c", "d"]), st.integers(0, 9), max_size=3)
    return draw(journeys()), [(days, text, draw(picks)) for days, text in changes]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits())
def test_whatever_is_edited_nobody_is_lost_doubled_or_told_twice(walk, plan):
    """Everybody of the old version stands somewhere afterwards; each run goes to an end; each step speaks once."""
    first, changes = plan
    name = f"journey{walk.conn.execute('select count(*) from definition').fetchone()[0]}"
    walk.message("third"), walk.message("fourth")
    walk.settings(holdout_percent=0)
    d = walk.start(first, name)
    now = NOON + timedelta(days=1000) * walk.conn.execute("select count(*) from person").fetchone()[0]
    people = [walk.person() for _ in range(4)]
    for n, person in enumerate(people):
        walk.happened(person, "registered", now + n * DAY)
        walk.advance(now + n * DAY)
    now += 4 * DAY
    walk.happened(people[0], "ordered", now)
    for days, text, picks in changes:
        for _ in range(days):
            now += DAY
            walk.advance(now)
        d = _edit(walk, d, text, picks, name, now)
    for _ in range(50):
        now += DAY
        walk.advance(now)
    runs = [run for person in people for run in walk.runs(person) if run.journey_id == d.definition_id]
    assert len(runs) == len(people)
    assert {run.state for run in runs} <= {"done", "exited"}
    # A touch is judged once for a person, a cause and a step, so each message may stand under one step only.
    told = walk.conn.execute(
        """select distinct p.person_id, p.cause, p.step, p.move, m.name from proposed p
           join definition m on m.definition_id = p.message_id and m.version = p.message_version where p.journey_id = %s""",
        (d.definition_id,),
    ).fetchall()
    assert all(n == 1 for n in Counter((row.person_id, row.name) for row in told).values())
    _retire(walk, name)


def _edit(walk: Walk, d: Definition, text: str, picks: dict[str, int], name: str, now) -> Definition:
    new = body(text, name)
    targets = [*(line["id"] for line in new["program"]), edit.EXIT, edit.FINISH_OLD]
    choices = {step: targets[pick % len(targets)] for step, pick in picks.items()}
    before = active(walk, d)
    groups = edit.preview(walk.conn, d, new, choices)
    on_old = [run for run in before if run.version == d.version]
    assert sum(group.people for group in groups) == len(on_old)
    published = walk.define("journey", name, new)
    counts = edit.apply(walk.conn, now, published.definition_id, published.version, groups)
    after = active(walk, d)
    staying = sum(group.people for group in groups if group.to == edit.FINISH_OLD)
    assert counts["moved"] + counts["exited"] + staying == len(on_old)
    assert len(after) == len(before) - counts["exited"]
    if published.version != d.version:
        assert sum(run.version == published.version for run in after) == counts["moved"]
    assert all(0 <= run.step < len(program(walk, run)) for run in after)
    return published


def active(walk: Walk, d: Definition) -> list:
    return walk.conn.execute(
        "select * from enrolment where journey_id = %s and state = 'active'", (d.definition_id,)
    ).fetchall()


def program(walk: Walk, run) -> list:
    row = walk.conn.execute(
        "select body from definition where definition_id = %s and version = %s", (run.journey_id, run.version)
    ).fetchone()
    return row.body["program"]


def _retire(walk: Walk, name: str) -> None:
    walk.conn.execute("update definition set retired_at = %s where name = %s", (NOON, name))
