"""Tasks for staff: who gets them, what time and events make of them, and how a member of staff ends one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from ponds import NOON, Pond
from touches import attempt, decided, people
from yutang import definitions
from yutang.brand.message import message
from yutang.channels import STAFF_TASKS, configured
from yutang.channels.staff.send import Staff
from yutang.deliver import receive, send
from yutang.deliver.terms import terms
from yutang.model import Reason, YutangError
from yutang.source import SourceError
from yutang.vault import Vault

HOUR = timedelta(hours=1)
OPEN_ALL_NIGHT = {"from": "00:00", "to": "00:00", "holidays": []}
CHANNELS = {"staff": Staff()}


@pytest.fixture
def pond(conn: psycopg.Connection, home: Any) -> Pond:  # noqa: ARG001
    return Pond(conn, quiet=OPEN_ALL_NIGHT)


def ask(conn: psycopg.Connection, persons: list[int], now: datetime = NOON, **task: Any) -> list[int]:
    """A task for each person, as far as deliver takes it."""
    terms = {"to": "owner", "within_hours": 4, "escalate_to": None, "escalate_after_hours": None} | task
    touches = decided(conn, persons, channel="staff", message="call_back", now=now, task=terms)
    turn(conn, now)
    return touches


def turn(conn: psycopg.Connection, now: datetime) -> None:
    send(conn, now, channels=CHANNELS)
    receive(conn, now, channels=CHANNELS)


def task(conn: psycopg.Connection, touch: int) -> Any:
    return conn.execute("select * from staff_task where touch_id = %s", (touch,)).fetchone()


def told(conn: psycopg.Connection, touch: int) -> list[tuple[str, str | None]]:
    """What the door has heard of a touch: types in order, with the reason or the member of staff."""
    rows = conn.execute(
        """select e.type, coalesce(e.props ->> 'reason', e.props ->> 'staff') as word from event e
           where (e.props ->> 'touch_id')::bigint = %s order by e.event_id""",
        (touch,),
    )
    return [(row.type, row.word) for row in rows]


def test_a_task_goes_to_the_owner_and_done_is_sent(conn: psycopg.Connection, pond: Pond) -> None:
    fish = pond.person()
    pond.happened(fish, "contact_added", NOON - 9 * HOUR, staff="guide01")
    pond.happened(fish, "contact_added", NOON - 8 * HOUR, staff="guide02")
    pond.happened(fish, "contact_lost", NOON - 7 * HOUR, staff="guide02", by="staff")
    pond.happened(fish, "contact_moved", NOON - 6 * HOUR, staff="guide03", before="guide01")
    [touch] = ask(conn, [fish])
    assert (attempt(conn, touch).state, task(conn, touch).staff) == ("assigned", "guide03")
    assert task(conn, touch).due_at == NOON + 4 * HOUR
    assert told(conn, touch) == [("message_assigned", "guide03")]

    assert STAFF_TASKS.done(conn, NOON + HOUR, touch, "guide03")
    assert not STAFF_TASKS.done(conn, NOON + HOUR, touch, "guide03"), "said twice, counted once"
    turn(conn, NOON + HOUR)
    assert attempt(conn, touch).state == "sent"
    assert told(conn, touch)[1:] == [("message_sent", None), ("task_done", "guide03")]
    run = conn.execute("select props ->> 'cause' as cause from event where type = 'task_done'").fetchone()
    assert run.cause == conn.execute("select cause from touch where touch_id = %s", (touch,)).fetchone().cause
    turn(conn, NOON + 99 * HOUR)
    assert len(told(conn, touch)) == 3, "what is done stays done"


def test_without_a_platform_the_trait_names_the_owner_and_nobody_has_a_reason(
    conn: psycopg.Connection, pond: Pond
) -> None:
    named, nobody = pond.person(owner="li"), pond.person()
    first, second = ask(conn, [named, nobody])
    assert task(conn, first).staff == "li"
    assert (attempt(conn, second).state, attempt(conn, second).reason) == ("failed", Reason.NO_STAFF)
    assert sorted(told(conn, second)) == [("message_failed", "no_staff"), ("task_dropped", "no_staff")]
    [third] = ask(conn, [nobody], NOON + HOUR, to="front_desk")
    [fourth] = ask(conn, [nobody], NOON + 2 * HOUR, escalate_to="boss")
    assert (task(conn, third).staff, task(conn, fourth).staff) == ("front_desk", "boss")
    assert task(conn, fourth).escalate_at is None, "there is nobody above"


def test_sla_escalation_and_the_end(conn: psycopg.Connection, pond: Pond) -> None:
    [touch] = ask(conn, [pond.person(owner="li")], escalate_to="boss", escalate_after_hours=8)
    turn(conn, NOON + 7 * HOUR)
    assert task(conn, touch).state == "open"
    [row] = STAFF_TASKS.tasks(conn, NOON + 7 * HOUR, staff="li")
    assert row.overdue
    turn(conn, NOON + 8 * HOUR)
    assert (task(conn, touch).state, task(conn, touch).staff) == ("escalated", "boss")
    assert task(conn, touch).due_at == NOON + 12 * HOUR, "the next one has as long as the first"
    turn(conn, NOON + 12 * HOUR - timedelta(seconds=1))
    assert attempt(conn, touch).state == "assigned"
    turn(conn, NOON + 12 * HOUR)
    assert (attempt(conn, touch).state, attempt(conn, touch).reason) == ("failed", Reason.NOT_SENT)
    assert told(conn, touch) == [
        ("message_assigned", "li"),
        ("task_escalated", "boss"),
        ("message_failed", "not_sent"),
        ("task_late", "boss"),
    ]
    with pytest.raises(YutangError, match="late"):
        STAFF_TASKS.done(conn, NOON + 13 * HOUR, touch)


def test_a_run_that_ends_at_its_last_step_leaves_the_task_and_says_what_its_author_likes(
    conn: psycopg.Connection, pond: Pond
) -> None:
    """The journey did not wait as long as the member of staff may take; a run that is left drops its task."""
    open_, left = ask(conn, [pond.person(owner="li"), pond.person(owner="li")])
    for touch, state, reason in ((open_, "done", "looked after by hand"), (left, "exited", "exit_event")):
        conn.execute(
            """insert into enrolment (bucket, person_id, journey_id, cause, version, arm, state, step, entered_at, stepped_at, ended_at, reason)
               select bucket, person_id, journey_id, cause, version, arm, %s, 0, at, at, at, %s from touch where touch_id = %s""",
            (state, reason, touch),
        )
    turn(conn, NOON + HOUR)
    assert [(task(conn, one).state, task(conn, one).reason) for one in (open_, left)] == [
        ("open", None),
        ("dropped", "exit_event"),
    ]


def test_whoever_slept_through_both_terms_finds_the_task_late(conn: psycopg.Connection, pond: Pond) -> None:
    [touch] = ask(conn, [pond.person(owner="li")], escalate_to="boss")
    turn(conn, NOON + 100 * HOUR)
    assert [type for type, _ in told(conn, touch)] == ["message_assigned", "message_failed", "task_late"]


def test_the_same_letter_twice_is_one_task(conn: psycopg.Connection, pond: Pond) -> None:
    """A worker that died between send and record."""
    touch, late = ask(conn, [pond.person(owner="li"), pond.person(owner="li")])
    STAFF_TASKS.done(conn, NOON, touch)
    conn.execute("update attempt set state = 'claimed', retry_at = %s", (NOON,))
    conn.execute("update staff_task set state = 'late', look_at = null where touch_id = %s", (late,))
    turn(conn, NOON + timedelta(minutes=9))
    assert (attempt(conn, touch).state, attempt(conn, late).state) == ("sent", "failed")
    assert conn.execute("select count(*) as n from staff_task").fetchone().n == 2
    assert [type for type, _ in told(conn, touch)].count("message_assigned") == 1


def _merged(conn: psycopg.Connection, pond: Pond, fish: int, touch: int) -> None:  # noqa: ARG001
    conn.execute("update person set merged_into = %s where person_id = %s", (pond.person(), fish))


def _goal_met(conn: psycopg.Connection, pond: Pond, fish: int, touch: int) -> None:  # noqa: ARG001
    conn.execute(
        """insert into enrolment (bucket, person_id, journey_id, cause, version, arm, state, step, entered_at, stepped_at, ended_at, reason)
           select t.bucket, t.person_id, t.journey_id, t.cause, 1, 'treated', 'exited', 0, %(at)s, %(at)s, %(at)s, 'goal_met'
           from touch t where t.touch_id = %(touch)s""",
        {"at": NOON, "touch": touch},
    )


def _blocked(conn: psycopg.Connection, pond: Pond, fish: int, touch: int) -> None:  # noqa: ARG001
    pond.happened(fish, "contact_lost", NOON + timedelta(seconds=1), staff="li", by="customer")


def _wants_nothing(conn: psycopg.Connection, pond: Pond, fish: int, touch: int) -> None:  # noqa: ARG001
    pond.consent(fish, False, "*")


def _wants_no_marketing(conn: psycopg.Connection, pond: Pond, fish: int, touch: int) -> None:  # noqa: ARG001
    pond.consent(fish, False, "class:marketing")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (_merged, Reason.MERGED),
        (_goal_met, Reason.GOAL_MET),
        (_blocked, Reason.BLOCKED),
        (_wants_nothing, Reason.NO_CONSENT),
        (_wants_no_marketing, Reason.NO_CONSENT),
    ],
)
def test_what_is_of_no_more_use_is_dropped_with_its_reason(
    conn: psycopg.Connection, pond: Pond, event: Any, reason: Reason
) -> None:
    fish, other = pond.person(owner="li"), pond.person(owner="li")
    touch, beside = ask(conn, [fish, other])
    event(conn, pond, fish, touch)
    turn(conn, NOON + 2 * STAFF_TASKS.LOOK_AGAIN)
    assert (task(conn, touch).state, task(conn, touch).reason) == ("dropped", reason)
    assert (attempt(conn, touch).state, attempt(conn, touch).reason) == ("failed", reason)
    assert told(conn, touch)[1:] == [("message_failed", reason), ("task_dropped", reason)]
    assert task(conn, beside).state == "open"


def test_a_channel_that_is_wanted_again_outweighs_the_word_on_all(conn: psycopg.Connection, pond: Pond) -> None:
    fish = pond.person(owner="li")
    [touch] = ask(conn, [fish])
    pond.consent(fish, False, "*")
    pond.consent(fish, True, "staff", NOON + timedelta(seconds=1))
    turn(conn, NOON + 2 * STAFF_TASKS.LOOK_AGAIN)
    assert task(conn, touch).state == "open"


def test_whoever_withdraws_is_not_called_a_moment_later(conn: psycopg.Connection, pond: Pond) -> None:
    fish = pond.person(owner="li")
    [touch] = ask(conn, [fish])
    pond.consent(fish, False, "class:marketing")
    pond.happened(fish, "consent_withdrawn", NOON, **{"class": "marketing"})
    turn(conn, NOON + timedelta(seconds=1))
    assert (task(conn, touch).state, task(conn, touch).reason) == ("dropped", Reason.NO_CONSENT)


def test_called_off_by_hand(conn: psycopg.Connection, pond: Pond) -> None:
    [touch] = ask(conn, [pond.person(owner="li")])
    STAFF_TASKS.drop(conn, NOON, touch, "boss")
    turn(conn, NOON)
    assert told(conn, touch)[1:] == [("message_failed", Reason.CALLED_OFF), ("task_dropped", Reason.CALLED_OFF)]
    with pytest.raises(YutangError, match="dropped"):
        STAFF_TASKS.done(conn, NOON, touch)
    with pytest.raises(YutangError, match="no task"):
        STAFF_TASKS.drop(conn, NOON, 999)


def test_a_member_of_staff_ends_only_his_own(conn: psycopg.Connection, pond: Pond) -> None:
    [touch] = ask(conn, [pond.person(owner="li")])
    with pytest.raises(YutangError):
        STAFF_TASKS.done(conn, NOON, touch, "wang", own=True)
    assert task(conn, touch).state == "open"
    assert STAFF_TASKS.done(conn, NOON, touch, "Li", own=True), "platforms take userids in any case"


def test_the_list_stands_in_the_order_of_work(conn: psycopg.Connection, pond: Pond) -> None:
    fish = pond.person(owner="li")
    [gone] = ask(conn, [fish], within_hours=1)
    [later] = ask(conn, [fish], NOON + timedelta(minutes=1), within_hours=9)
    [sooner] = ask(conn, [fish], NOON + timedelta(minutes=2), within_hours=3)
    ask(conn, [pond.person(owner="wang")], NOON + timedelta(minutes=3))
    STAFF_TASKS.done(conn, NOON, gone)
    listed = [row.task_id for row in STAFF_TASKS.tasks(conn, NOON, staff="li")]
    assert listed == [sooner, later, gone]
    assert [row.task_id for row in STAFF_TASKS.tasks(conn, NOON, persons=[fish], states=["open"])] == [sooner, later]
    with pytest.raises(YutangError, match="escalated"):
        STAFF_TASKS.tasks(conn, NOON, states=["finished"])


def test_an_idle_channel_has_nothing_due(conn: psycopg.Connection, pond: Pond) -> None:
    channel = configured(Vault(b"s" * 32))["staff"]
    assert not channel.due(conn, NOON)
    ask(conn, [pond.person(owner="li")])
    assert not channel.due(conn, NOON + timedelta(seconds=1))
    assert channel.due(conn, NOON + STAFF_TASKS.LOOK_AGAIN)
    assert channel.tend(conn, NOON + STAFF_TASKS.LOOK_AGAIN) == 0
    assert not channel.due(conn, NOON + STAFF_TASKS.LOOK_AGAIN), "looked at, and not to be looked at again at once"


def test_many_tasks_end_in_bounded_looks(conn: psycopg.Connection, pond: Pond) -> None:  # noqa: ARG001
    persons = people(conn, STAFF_TASKS.LIMIT + 10)
    conn.execute(
        "insert into trait (bucket, person_id, name, value, at, event_id) select bucket, person_id, 'owner', '\"li\"', %s, 0 from person",
        (NOON,),
    )
    ask(conn, persons)
    for _ in range(3):
        turn(conn, NOON)
    late = NOON + 9 * HOUR
    assert (STAFF_TASKS.look(conn, late), STAFF_TASKS.look(conn, late), STAFF_TASKS.look(conn, late)) == (
        STAFF_TASKS.LIMIT,
        10,
        0,
    )
    turn(conn, late)
    ended = conn.execute("select count(*) filter (where reason = 'not_sent') as n from attempt").fetchone()
    assert ended.n == len(persons)


def test_no_term_ends_in_the_night() -> None:
    zone, quiet = "Asia/Shanghai", {"from": "22:00", "to": "08:00", "holidays": []}
    asked = datetime(2026, 3, 2, 20, 0, tzinfo=ZoneInfo(zone))
    said = {"to": "owner", "within_hours": 4, "escalate_to": "boss", "escalate_after_hours": 8}
    found = terms(asked, said, zone, quiet)
    morning = datetime(2026, 3, 3, 8, 0, tzinfo=ZoneInfo(zone))
    assert (found["due_at"], found["escalate_at"], found["late_at"]) == (morning, morning, morning + 4 * HOUR)
    alone = terms(asked, None, zone, quiet)
    assert alone["due_at"] == alone["late_at"] == asked + 24 * HOUR


HEAD = "---\ntitle: {{zh: 回访, en: Call back}}\nsubject: 回访\nchannel: {channel}\ntask: {task}\n---\n打电话\n"


def test_the_head_of_a_task() -> None:
    body, _ = message(HEAD.format(channel="staff", task="{within_hours: 4, escalate_to: boss}"), "messages/call.md")
    assert body["task"] == {"to": "owner", "within_hours": 4, "escalate_to": "boss", "escalate_after_hours": None}
    for channel, task, fix in (
        ("sandbox", "{within_hours: 4}", "channel: staff"),
        ("staff", "{within_hours: 0}", "hours lie between"),
        ("staff", "{within: 4}", "within_hours"),
        ("staff", "{escalate_after_hours: 8}", "escalate_to"),
    ):
        with pytest.raises(SourceError, match=fix) as error:
            message(HEAD.format(channel=channel, task=task), "messages/call.md")
        assert str(error.value).startswith("messages/call.md:5:")


@pytest.mark.parametrize("kind", ["journey", "message"])
def test_what_is_out_of_service_is_asked_of_nobody(conn: psycopg.Connection, pond: Pond, kind: str) -> None:
    """Also where the run has ended well long before."""
    fish, other = pond.person(owner="li"), pond.person(owner="li")
    [touch] = ask(conn, [fish])
    journey = pond.define("journey", "calls", {"title": {"zh": "回访", "en": "Calls"}}).definition_id
    conn.execute("update touch set journey_id = %s", (journey,))
    definitions.retire(conn, NOON, kind, [])
    turn(conn, NOON + timedelta(seconds=1))
    assert (task(conn, touch).state, task(conn, touch).reason) == ("dropped", Reason.RETIRED)
    assert (attempt(conn, touch).state, attempt(conn, touch).reason) == ("failed", Reason.RETIRED)
    if kind == "message":
        [back] = ask(conn, [other], NOON + HOUR)
        turn(conn, NOON + HOUR + 2 * STAFF_TASKS.LOOK_AGAIN)
        assert task(conn, back).state == "open", "it is in service again"
