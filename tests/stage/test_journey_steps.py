"""Each kind of step, walked by people under a clock that the test holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ponds import NOON, TITLE, Pond
from yutang import definitions, ingest, journey, source
from yutang.model import bucket_of

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def pond(conn) -> Pond:
    pond = Pond(conn)
    ingest.add_source(conn, NOON, "yutang", "Yutang")
    for name in ("hello", "reminder", "gold", "call_back"):
        pond.message(name)
    return pond


def start(pond, steps, head="trigger: {event: registered}", name="welcome"):
    node = source.load(f"title: {{zh: 甲, en: A}}\n{head}\nsteps:\n{steps}", f"{name}.yml")
    return pond.define("journey", name, journey.journey(node))


def advance(pond, now=NOON):
    journey.advance(pond.conn, now)


def enter(pond, *people, at=NOON, **props):
    for person in people:
        pond.happened(person, "registered", at, **props)
    advance(pond, at)


def said(pond, person) -> list[str]:
    rows = pond.conn.execute(
        """select d.name from proposed t join definition d on d.definition_id = t.message_id and d.version = t.message_version
           where person_id = %s order by t.touch_id""",
        (person,),
    )
    return [row.name for row in rows]


def run(pond, person, journey="welcome"):
    return pond.conn.execute(
        """select e.* from enrolment e join definition d on d.definition_id = e.journey_id and d.name = %s
           where person_id = %s order by entered_at desc""",
        (journey, person),
    ).fetchone()


def passed(pond, person) -> list[str]:
    rows = pond.conn.execute("select outcome from step where person_id = %s order by at, journey_id, seq", (person,))
    return [row.outcome for row in rows]


def told(pond) -> list[tuple[str, dict, dict]]:
    """What went through the door."""
    return [tuple(row) for row in pond.conn.execute("select type, handles, props from event order by event_id")]


def profiled(pond, *people):
    for person in people:
        pond.conn.execute(
            """insert into profile (bucket, person_id, recency, frequency, monetary, life_stage, refreshed_at)
               values (%s, %s, 1, 1, 1, 'visitor', %s)""",
            (bucket_of(person), person, NOON),
        )


BRANCH = """
  - branch:
      - when: {attribute: level, is: gold}
        name: gold
        then: [{message: gold}]
      - when: {attribute: city, is: 上海}
        then: [{message: hello}]
      - else: [{message: reminder}]
"""


def test_a_branch_takes_the_first_way_that_fits(pond):
    start(pond, BRANCH)
    both, city, none = pond.person(level="gold", city="上海"), pond.person(city="上海"), pond.person()
    profiled(pond, both, city, none)
    enter(pond, both, city, none)
    assert [said(pond, person) for person in (both, city, none)] == [["gold"], ["hello"], ["reminder"]]
    assert [passed(pond, person)[0] for person in (both, city, none)] == ["gold", "2", "else"]


def test_a_branch_asks_what_began_the_run(pond):
    start(
        pond, "  - if: {begun: {code: package_card}}\n    then: [{message: hello}]\n    else: [{message: reminder}]\n"
    )
    card, other = pond.person(), pond.person()
    pond.happened(card, "registered", code="package_card", store="S1")
    enter(pond, other, code="poster")
    assert (said(pond, card), said(pond, other)) == (["hello"], ["reminder"])


def test_a_wait_ends_with_the_first_of_several_events_and_a_branch_asks_what_it_said(pond):
    start(
        pond,
        """
  - wait_for: [ordered, {event: viewed, where: {page: menu}}]
    days: 3
    then:
      - if: {answer: {store: S1}}
        then: [{message: hello}]
        else: [{message: gold}]
    else: [{message: reminder}]
""",
    )
    here, there, looker, _ = people = [pond.person() for _ in range(4)]
    enter(pond, *people)
    pond.happened(here, "ordered", NOON + 2 * HOUR, store="S2")
    pond.happened(here, "ordered", NOON + HOUR, store="S1")
    pond.happened(there, "ordered", NOON + HOUR, store="S2")
    pond.happened(looker, "viewed", NOON + HOUR, page="about")
    advance(pond, NOON + 2 * HOUR)
    assert said(pond, looker) == []
    pond.happened(looker, "viewed", NOON + 3 * HOUR, page="menu")
    advance(pond, NOON + 3 * HOUR)
    advance(pond, NOON + 3 * DAY)
    assert [said(pond, person) for person in people] == [["hello"], ["gold"], ["gold"], ["reminder"]]
    assert [passed(pond, person)[0] for person in people] == [
        "came:ordered",
        "came:ordered",
        "came:viewed",
        "timed_out",
    ]


SPLIT = (
    "  - split: {tea: 70, coffee: 30}\n    id: drink\n    then: {tea: [{message: hello}], coffee: [{message: gold}]}\n"
)


def test_a_split_keeps_its_weights_and_everybody_in_their_arm(pond):
    start(pond, SPLIT, "trigger: {event: registered}\nreentry: always")
    people = [pond.person() for _ in range(200)]
    enter(pond, *people)
    first = [passed(pond, person) for person in people]
    enter(pond, *people, at=NOON + DAY)
    assert 120 <= sum(arms == ["tea"] for arms in first) <= 160
    assert [passed(pond, person) for person in people] == [arms * 2 for arms in first]
    assert all(
        said(pond, p) == [{"tea": "hello", "coffee": "gold"}[arms[0]]] * 2
        for p, arms in zip(people, first, strict=True)
    )


def test_a_greater_weight_moves_only_those_who_must_move(pond):
    start(pond, SPLIT, "trigger: {event: registered}\nreentry: always")
    people = [pond.person() for _ in range(100)]
    enter(pond, *people)
    start(pond, SPLIT.replace("70", "90").replace("30", "10"), "trigger: {event: registered}\nreentry: always")
    enter(pond, *people, at=NOON + DAY)
    moved = {tuple(passed(pond, person)) for person in people}
    assert moved == {("tea", "tea"), ("coffee", "tea"), ("coffee", "coffee")}


UNTIL = "  - until: {until}\n  - message: hello\n"


@pytest.mark.parametrize(
    ("until", "zone", "when"),
    [
        ('{time: "18:00"}', None, "2026-03-02T10:00"),
        ('{time: "18:00", where: person}', None, "2026-03-02T10:00"),
        ('{time: "18:00", where: person}', "Europe/London", "2026-03-02T18:00"),
        ('{time: "03:00", where: person}', "Europe/London", "2026-03-03T03:00"),
        ('{weekday: fri, time: "18:00"}', "Europe/London", "2026-03-06T10:00"),
        ('{weekday: [mon, fri], time: "18:00", where: person}', "Europe/London", "2026-03-02T18:00"),
        ('{weekday: mon, time: "11:00"}', None, "2026-03-09T03:00"),
        ('{weekday: mon, time: "03:00", where: person}', "Europe/London", "2026-03-09T03:00"),
        ("2026-03-08", None, "2026-03-07T16:00"),
        ('{date: 2026-03-08, time: "09:00", where: person}', "America/New_York", "2026-03-08T13:00"),
        ("2026-03-01", None, "2026-03-02T04:00"),
        ('{date: 2026-03-01, time: "09:00", where: person}', "America/New_York", "2026-03-02T04:00"),
    ],
)
def test_until_a_moment_on_the_clock_it_names(pond, until, zone, when):
    """It is Monday noon in Shanghai, 04:00 in London and 23:00 on Sunday in New York, where clocks change on the 8th."""
    start(pond, UNTIL.format(until=until))
    person = pond.person(**({"time_zone": zone} if zone else {}))
    enter(pond, person)
    at = NOON.fromisoformat(f"{when}:00+00:00")
    if at > NOON:
        assert said(pond, person) == []
        advance(pond, at - timedelta(seconds=1))
        assert said(pond, person) == []
    advance(pond, at)
    assert said(pond, person) == ["hello"]
    assert passed(pond, person) == ["waited"]


def test_the_clock_of_the_brand_and_of_somebody_who_lives_there_agree(pond):
    """One is computed in Python and the other in the database; they must not part, summer time included."""
    pond.settings(holdout_percent=0, time_zone="America/New_York")
    start(pond, UNTIL.format(until='{weekday: [sun, wed], time: "02:30"}'), name="pond")
    start(pond, UNTIL.format(until='{weekday: [sun, wed], time: "02:30", where: person}'), name="person")
    for n in range(12):
        person, at = pond.person(time_zone="America/New_York"), NOON + n * 17 * HOUR
        enter(pond, person, at=at)
        assert run(pond, person, "pond").due_at == run(pond, person, "person").due_at


def test_a_message_may_name_the_channels_to_try(pond):
    start(pond, "  - message: hello\n    channel: [wecom, sms]\n  - message: gold\n")
    person = pond.person()
    enter(pond, person)
    rows = pond.conn.execute("select channels from proposed where person_id = %s order by touch_id", (person,))
    assert [row.channels for row in rows] == [["wecom", "sms"], ["sandbox"]]


def test_set_makes_a_trait_known_by_the_door_once(pond):
    start(pond, "  - set: {favourite: latte, city: null}\n  - message: hello\n")
    person = pond.person()
    enter(pond, person)
    advance(pond)
    assert told(pond) == [
        ("profile_updated", {"person": str(person)}, {"traits": {"favourite": "latte", "city": None}}),
    ]


def test_an_exit_may_say_why(pond):
    start(pond, "  - exit: true\n    because: nothing to say\n")
    person = pond.person()
    enter(pond, person)
    assert (run(pond, person).state, run(pond, person).reason) == ("done", "nothing to say")


TASK = "  - task: call_back\n    days: 5\n    then: [{message: hello}]\n    else: [{message: reminder}]\n"


def test_a_task_goes_on_when_it_is_done_and_otherwise_when_it_is_late(pond):
    start(pond, TASK)
    done, late, forgotten, others, nobodys = people = [pond.person() for _ in range(5)]
    enter(pond, *people)
    assert [said(pond, person) for person in people] == [["call_back"]] * 5
    pond.happened(done, "task_done", NOON + DAY, journey="welcome", task="call_back", staff="li")
    pond.happened(late, "task_late", NOON + DAY, journey="welcome", task="call_back", staff="li")
    pond.happened(others, "task_done", NOON + DAY, journey="another", task="call_back", staff="li")
    pond.happened(nobodys, "task_dropped", NOON + DAY, journey="welcome", task="call_back", reason="no_staff")
    advance(pond, NOON + DAY)
    assert [said(pond, person)[1:] for person in people] == [["hello"], ["reminder"], [], [], ["reminder"]]
    advance(pond, NOON + 5 * DAY)
    assert said(pond, forgotten)[1:] == said(pond, others)[1:] == ["reminder"]
    outcomes = [passed(pond, person)[0] for person in people]
    assert outcomes == ["task_done", "task_late", "timed_out", "timed_out", "task_dropped:no_staff"]


def test_the_end_of_a_task_is_that_of_the_run_which_asked_for_it(pond):
    """Two complaints, a run for each; the first call was made, the second was late."""
    start(pond, TASK, "trigger: {event: complained}\nreentry: each_time")
    person = pond.person()
    for _ in range(2):
        pond.happened(person, "complained", NOON)
    advance(pond)
    first, second = [
        row.cause
        for row in pond.conn.execute("select cause from enrolment where person_id = %s order by cause", (person,))
    ]
    ends = {"journey": "welcome", "task": "call_back", "staff": "li"}
    pond.happened(person, "task_done", NOON + HOUR, **ends, cause=first)
    advance(pond, NOON + HOUR)
    assert said(pond, person)[2:] == ["hello"]
    pond.happened(person, "task_late", NOON + 2 * HOUR, **ends, cause=second)
    advance(pond, NOON + 2 * HOUR)
    assert said(pond, person)[2:] == ["hello", "reminder"]


def below(pond, **head):
    lines = "\n".join(f"{key}: {value}" for key, value in ({"trigger": "{called: true}"} | head).items())
    start(pond, "  - wait: {days: 2}\n  - message: hello\n", lines, name="inner")


def test_a_journey_within_a_journey_ends_before_the_outer_one_goes_on(pond):
    below(pond)
    start(pond, "  - journey: inner\n    wait: true\n  - message: gold\n")
    person = pond.person()
    enter(pond, person, code="poster")
    inner = run(pond, person, "inner")
    assert inner.cause.startswith(f"journey:{run(pond, person).journey_id}:journey:inner:event:")
    assert inner.about == {"code": "poster"}
    advance(pond, NOON + DAY)
    assert said(pond, person) == []
    advance(pond, NOON + 2 * DAY)
    advance(pond, NOON + 2 * DAY)
    assert said(pond, person) == ["hello", "gold"]
    assert passed(pond, person) == ["begun", "waited", "ended"]


def test_without_wait_both_go_on_side_by_side(pond):
    below(pond)
    start(pond, "  - journey: inner\n  - message: gold\n")
    person = pond.person()
    enter(pond, person)
    assert said(pond, person) == ["gold"]
    advance(pond, NOON + 2 * DAY)
    assert said(pond, person) == ["gold", "hello"]


def test_who_may_not_enter_the_inner_journey_goes_on_without(pond):
    below(pond, audience="{attribute: city, is: 上海}")
    start(pond, "  - journey: inner\n    wait: true\n  - message: gold\n")
    person = pond.person()
    profiled(pond, person)
    enter(pond, person)
    assert (said(pond, person), passed(pond, person)) == (["gold"], ["not_entered"])


def test_a_run_that_is_held_out_is_held_out_below(pond):
    below(pond)
    start(pond, "  - journey: inner\n", "trigger: {event: registered}\nholdout_percent: 100")
    person = pond.person()
    enter(pond, person)
    assert (run(pond, person).arm, run(pond, person, "inner").arm) == ("holdout", "holdout")


def test_the_inner_journey_is_left_when_it_is_retired_and_the_outer_one_goes_on(pond):
    below(pond)
    start(pond, "  - journey: inner\n    wait: true\n  - message: gold\n")
    person = pond.person()
    enter(pond, person)
    definitions.retire(pond.conn, NOON, "journey", ["welcome"])
    for _ in range(2):
        advance(pond, NOON + HOUR)
    assert said(pond, person) == ["gold"]


def test_every_step_is_walked_once_however_often_the_stage_runs(pond):
    """The state after many runs at the same instant is the state after one."""
    below(pond)
    start(
        pond,
        SPLIT
        + BRANCH
        + "  - set: {seen: yes}\n  - tag: seen\n  - journey: inner\n  - call: {url: 'https://erp.example.com/'}\n"
        + UNTIL.format(until='{time: "18:00", where: person}'),
    )
    people = [pond.person() for _ in range(20)]
    profiled(pond, *people)
    enter(pond, *people)
    everything = "select bucket, person_id, journey_id, cause, state, step, steps, due_at, ended_at from enrolment order by 2, 3, 4"
    before = pond.conn.execute(everything).fetchall(), len(told(pond)), [said(pond, person) for person in people]
    calls = "select count(*) from call"
    assert pond.conn.execute(calls).fetchone()[0] == 20
    pond.conn.execute("update stage_cursor set xid = '0'")
    for _ in range(3):
        advance(pond)
    assert (
        pond.conn.execute(everything).fetchall(),
        len(told(pond)),
        [said(pond, person) for person in people],
    ) == before
    assert pond.conn.execute(calls).fetchone()[0] == 20


def test_everybody_on_a_line_is_one_statement(pond, monkeypatch):
    """Ten times as many people cost as many statements."""
    start(pond, SPLIT + BRANCH + "  - tag: seen\n", "trigger: {event: registered}\nreentry: each_time")
    asked = []
    plain = type(pond.conn).execute
    monkeypatch.setattr(type(pond.conn), "execute", lambda conn, *a, **k: asked.append(1) or plain(conn, *a, **k))
    counts = []
    for n, size in enumerate((3, 3, 30)):
        people = [pond.person() for _ in range(size)]
        for person in people:
            pond.happened(person, "registered", NOON + n * HOUR)
        asked.clear()
        advance(pond, NOON + n * HOUR)
        counts.append(len(asked))
    assert counts[2] <= counts[1] + 3
    assert pond.conn.execute("select count(*) from enrolment where state = 'done'").fetchone()[0] == 36


def test_what_a_made_up_offer_sort_is_does_not_matter_to_a_step(pond):
    pond.define("offer", "gift", {"sort": "gift", "title": TITLE})
    start(pond, "  - offer: gift\n  - message: hello\n")
    person = pond.person()
    enter(pond, person)
    assert pond.conn.execute("select offer_id is not null from proposed").fetchone()[0]
