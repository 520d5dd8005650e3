"""People walk through journeys under a clock that the test holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ponds import NOON, TITLE, Pond
from yutang import definitions, ingest, journey, source
from yutang.model import Only, bucket_of

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def pond(conn) -> Pond:
    pond = Pond(conn)
    ingest.add_source(conn, NOON, "yutang", "Yutang")
    for name in ("hello", "reminder", "rung"):
        pond.message(name)
    return pond


def start(pond, text, name="welcome"):
    node = source.load(f"title: {{zh: 甲, en: A}}\n{text}", f"{name}.yml")
    return pond.define("journey", name, journey.journey(node))


def advance(pond, now=NOON, only=None):
    return journey.advance(pond.conn, now, *([only] if only else []))


def said(pond, person) -> list[str]:
    rows = pond.conn.execute(
        """select d.name from proposed t join definition d on d.definition_id = t.message_id and d.version = t.message_version
           where person_id = %s order by t.touch_id""",
        (person,),
    )
    return [row.name for row in rows]


def run(pond, person):
    return pond.conn.execute(
        "select state, reason, arm, step from enrolment where person_id = %s order by entered_at desc", (person,)
    ).fetchone()


def passed(pond, person) -> list[str]:
    return [
        row.outcome
        for row in pond.conn.execute("select outcome from step where person_id = %s order by seq", (person,))
    ]


def enter_segment(pond, person, segment, since=NOON):
    pond.conn.execute(
        "insert into membership (bucket, person_id, segment_id, version, since) values (%s, %s, %s, 1, %s)",
        (bucket_of(person), person, segment.definition_id, since),
    )


def leave_segment(pond, person, at):
    pond.conn.execute(
        "update membership set until = %s, xid = pg_current_xact_id() where person_id = %s and until is null",
        (at, person),
    )


def test_waits_messages_and_the_end(pond):
    start(pond, "trigger: {event: registered}\nsteps: [{message: hello}, {wait: {days: 2}}, {message: reminder}]")
    person = pond.person()
    pond.happened(person, "registered")
    advance(pond)
    assert said(pond, person) == ["hello"]
    advance(pond, NOON + 2 * DAY - HOUR)
    assert said(pond, person) == ["hello"]
    advance(pond, NOON + 2 * DAY)
    assert said(pond, person) == ["hello", "reminder"]
    assert run(pond, person).state == "done"
    assert passed(pond, person) == ["waited"]


def test_old_history_greets_nobody(pond):
    start(pond, "trigger: {event: registered}\nsteps: [{message: hello}]")
    person = pond.person()
    pond.happened(person, "registered", NOON - 4 * DAY)
    advance(pond)
    assert run(pond, person) is None


def test_a_trigger_may_ask_for_properties(pond):
    start(pond, "trigger: {event: ordered, where: {store: S1}}\nsteps: [{message: hello}]")
    here, there = pond.person(), pond.person()
    pond.happened(here, "ordered", store="S1")
    pond.happened(there, "ordered", store="S2")
    advance(pond)
    assert (said(pond, here), said(pond, there)) == (["hello"], [])


def test_an_event_that_comes_in_time_goes_the_one_way_and_silence_the_other(pond):
    start(
        pond,
        """trigger: {event: registered}
steps:
  - wait_for: ordered
    days: 3
    then: [{tag: bought}]
    else: [{message: reminder}]
""",
    )
    quick, silent = pond.person(), pond.person()
    for person in (quick, silent):
        pond.happened(person, "registered")
    advance(pond)
    pond.happened(quick, "ordered", NOON + DAY, order_id="1", amount_fen=100)
    advance(pond, NOON + DAY)
    advance(pond, NOON + 3 * DAY)
    assert (said(pond, quick), said(pond, silent)) == ([], ["reminder"])
    assert (passed(pond, quick)[0], passed(pond, silent)[0]) == ("came", "timed_out")
    tagged = pond.conn.execute("select source, type, handles, props from event").fetchall()
    assert [(e.source, e.type, e.handles, e.props) for e in tagged] == [
        ("yutang", "tagged", {"person": str(quick)}, {"tag": "bought"})
    ]


def test_a_branch_asks_a_rule_about_each(pond):
    start(
        pond,
        """trigger: {event: registered}
steps:
  - if: {attribute: city, is: 上海}
    then: [{message: hello}]
    else: [{message: reminder}]
""",
    )
    here, there = pond.person(city="上海"), pond.person(city="北京")
    for person in (here, there):
        pond.happened(person, "registered")
        profiled(pond, person)
    advance(pond)
    assert (said(pond, here), said(pond, there)) == (["hello"], ["reminder"])


@pytest.mark.parametrize(
    ("hours", "here"), [('{from: "09:00", to: "21:00"}', True), ('{from: "21:00", to: "09:00"}', False)]
)
def test_hours_are_asked_where_each_lives(pond, hours, here):
    """Noon in Shanghai is 05:00 in London; a span may run over midnight."""
    start(
        pond,
        f"""trigger: {{event: registered}}
steps:
  - hours: {hours}
    then: [{{message: hello}}]
    else: [{{message: reminder}}]
""",
    )
    at_home, abroad = pond.person(), pond.person(time_zone="Europe/London")
    for person in (at_home, abroad):
        pond.happened(person, "registered")
    advance(pond)
    assert (said(pond, at_home) == ["hello"], said(pond, abroad) == ["hello"]) == (here, not here)


def profiled(pond, person):
    pond.conn.execute(
        "insert into profile (bucket, person_id, recency, frequency, monetary, life_stage, refreshed_at) values (%s, %s, 1, 1, 1, 'visitor', %s)",
        (bucket_of(person), person, NOON),
    )


def test_the_audience_lets_in_only_those_it_means(pond):
    start(pond, "trigger: {event: registered}\naudience: {attribute: city, is: 上海}\nsteps: [{message: hello}]")
    here, there = pond.person(city="上海"), pond.person(city="北京")
    for person in (here, there):
        pond.happened(person, "registered")
        profiled(pond, person)
    advance(pond)
    assert run(pond, here) is not None
    assert run(pond, there) is None


def test_reaching_the_goal_ends_the_run(pond):
    start(pond, "trigger: {event: registered}\ngoal: {event: ordered}\nsteps: [{wait: {days: 5}}, {message: reminder}]")
    person = pond.person()
    pond.happened(person, "registered")
    advance(pond)
    pond.happened(person, "ordered", NOON + DAY, order_id="1", amount_fen=100)
    advance(pond, NOON + DAY)
    advance(pond, NOON + 6 * DAY)
    assert (run(pond, person).state, run(pond, person).reason) == ("done", "goal_met")
    assert said(pond, person) == []


@pytest.mark.parametrize(
    ("rule", "after"), [("never", [1, 1, 1]), ("always", [1, 2, 3]), ("{after_days: 20}", [1, 1, 2])]
)
def test_re_entry_means_what_it_says(pond, rule, after):
    start(pond, f"trigger: {{event: ordered}}\nreentry: {rule}\nsteps: [{{message: hello}}]")
    person = pond.person()
    seen = []
    for n in range(3):
        now = NOON + n * 10 * DAY
        pond.happened(person, "ordered", now, order_id=str(n), amount_fen=100)
        advance(pond, now)
        seen.append(len(said(pond, person)))
    assert seen == after


def test_one_run_at_a_time(pond):
    start(pond, "trigger: {event: ordered}\nreentry: always\nsteps: [{wait: {days: 3}}, {message: hello}]")
    person = pond.person()
    for n in range(3):
        pond.happened(person, "ordered", NOON + n * HOUR, order_id=str(n), amount_fen=100)
    advance(pond, NOON + 3 * HOUR)
    assert pond.conn.execute("select count(*) from enrolment").fetchone()[0] == 1


def test_a_segment_takes_in_those_who_are_there_and_those_who_come(pond):
    sleepers = pond.define("segment", "sleepers", {"title": TITLE, "rule": {"tag": "sleeper"}})
    there = pond.person()
    enter_segment(pond, there, sleepers)
    start(pond, "trigger: {segment: sleepers}\nexit_on_leave: true\nsteps: [{wait: {days: 2}}, {message: hello}]")
    advance(pond)
    later = pond.person()
    enter_segment(pond, later, sleepers, NOON + DAY)
    advance(pond, NOON + DAY)
    assert {run(pond, there).state, run(pond, later).state} == {"active"}
    leave_segment(pond, later, NOON + DAY + HOUR)
    advance(pond, NOON + DAY + HOUR)
    assert (run(pond, later).state, run(pond, later).reason) == ("exited", "left_segment")
    advance(pond, NOON + 4 * DAY)
    assert (said(pond, there), said(pond, later)) == (["hello"], [])


def test_nobody_is_held_out_of_a_service_and_its_touches_say_so(pond):
    pond.settings(holdout_percent=100)
    start(pond, "trigger: {event: ordered}\nclass: service\nsteps: [{message: hello}]", "parcel")
    start(pond, "trigger: {event: ordered}\nsteps: [{message: hello}]", "offers")
    pond.happened(pond.person(), "ordered")
    advance(pond)
    rows = pond.conn.execute("select class = 'service' as service, arm from proposed order by 1").fetchall()
    assert rows == [(False, "global"), (True, "treated")]


def test_the_holdout_is_sticky_and_walks_along(pond):
    start(pond, "trigger: {event: ordered}\nreentry: always\nholdout_percent: 50\nsteps: [{message: hello}]")
    people = [pond.person() for _ in range(60)]
    arms = []
    for n in range(2):
        for person in people:
            pond.happened(person, "ordered", NOON + n * DAY, order_id=str(n), amount_fen=1)
        advance(pond, NOON + n * DAY)
        arms.append([run(pond, person).arm for person in people])
    assert arms[0] == arms[1]
    assert 15 <= arms[0].count("holdout") <= 45
    assert all(said(pond, person) == ["hello", "hello"] for person in people)


def test_every_move_of_the_ladder_is_said_once_and_names_its_rung(pond):
    offer = pond.define("offer", "luckin", {"sort": "ladder", "title": TITLE, "down": [85, 43], "up": [58]})
    start(pond, "trigger: {event: registered}\nsteps: [{ladder: luckin, message: rung}]")
    person = pond.person()
    pond.happened(person, "registered")
    advance(pond)
    assert said(pond, person) == []
    for move, rung in enumerate((1, 2, 3), start=1):
        now = NOON + move * 7 * DAY
        pond.conn.execute("delete from ladder")
        pond.conn.execute(
            """with l as (insert into ladder (bucket, person_id, definition_id, version, origin_id, side, rung, move, anchor_at, moved_at, due_at)
               values (%s, %s, %s, 1, %s, 'down', %s, %s, %s, %s, %s) returning *)
               insert into ladder_news (bucket, definition_id, persons) select bucket, definition_id, array[person_id] from l""",
            (bucket_of(person), person, offer.definition_id, person, rung, move, NOON, now, now + DAY),
        )
        advance(pond, now)
        advance(pond, now)
    touches = pond.conn.execute(
        "select offer_id, rung, deadline - at as lasts from proposed order by touch_id"
    ).fetchall()
    assert [(t.offer_id, t.rung, t.lasts) for t in touches] == [(offer.definition_id, rung, DAY) for rung in (1, 2, 3)]


def test_a_journey_that_is_taken_out_of_service_lets_everybody_go(pond):
    start(pond, "trigger: {event: registered}\nsteps: [{wait: {days: 1}}, {message: hello}]")
    person = pond.person()
    pond.happened(person, "registered")
    advance(pond)
    definitions.retire(pond.conn, NOON, "journey", [])
    advance(pond, NOON + HOUR)
    assert (run(pond, person).state, run(pond, person).reason) == ("exited", "retired")


def test_a_run_stays_on_the_version_on_which_it_began(pond):
    start(pond, "trigger: {event: registered}\nsteps: [{wait: {days: 1}}, {message: hello}]")
    early, late = pond.person(), pond.person()
    pond.happened(early, "registered")
    advance(pond)
    start(pond, "trigger: {event: registered}\nsteps: [{message: reminder}]")
    pond.happened(late, "registered", NOON + HOUR)
    advance(pond, NOON + HOUR)
    advance(pond, NOON + DAY)
    assert (said(pond, early), said(pond, late)) == (["hello"], ["reminder"])


def test_a_merged_person_has_one_run_the_other_ends(pond):
    start(pond, "trigger: {event: registered}\nsteps: [{wait: {days: 1}}, {message: hello}]")
    winner, loser = pond.person(), pond.person()
    for person in (winner, loser):
        pond.happened(person, "registered")
    advance(pond)
    pond.conn.execute("update person set merged_into = %s where person_id = %s", (winner, loser))
    pond.conn.execute(
        "insert into merge_log (winner_id, loser_id, event_id, at) values (%s, %s, 1, %s)", (winner, loser, NOON)
    )
    advance(pond, NOON + HOUR)
    assert (run(pond, winner).state, run(pond, loser).reason) == ("active", "merged")


def test_the_fast_path_walks_only_the_people_it_is_told(pond):
    start(pond, "trigger: {event: registered}\nsteps: [{message: hello}]")
    mine, other = pond.person(), pond.person()
    for person in (mine, other):
        pond.happened(person, "registered")
    advance(pond)  # the journey has begun; nothing new after this line but the two below
    third, fourth = pond.person(), pond.person()
    for person in (third, fourth):
        pond.happened(person, "registered", NOON + HOUR)
    advance(pond, NOON + HOUR, Only(persons=(third,)))
    assert (said(pond, third), said(pond, fourth)) == (["hello"], [])
    advance(pond, NOON + HOUR)
    assert (said(pond, third), said(pond, fourth)) == (["hello"], ["hello"])
