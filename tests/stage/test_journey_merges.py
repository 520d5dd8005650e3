"""Two who turn out to be one go on with one life in each journey; two who were taken for one have their own again."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from joins import ANN, BOB, BOTH, ONE, Joined
from ponds import NOON
from yutang import identity
from yutang.demo.summary import summary
from yutang.insight.experiment import journeys

WELCOME = "trigger: {event: registered}\nsteps: [{message: hello}, {wait: {days: 7}}, {message: second}]"
BOUGHT = "trigger: {event: ordered}\nreentry: each_time\nsteps: [{wait: {days: 1}}, {message: hello}]"
BUYERS = {"count": "ordered", "at_least": 1}
GIFT = {"tea": "tea:\n  sort: coupon\n  title: {zh: 券, en: Coupon}\n  discount: {off_fen: 500}\n  per_person: 3\n"}
WEEK = timedelta(days=7)


def two(pond: Joined, *told: str) -> tuple[int, int]:
    """Ann, known from before, and Bob, of whom these events come in."""
    pond.tell("viewed", ANN)
    pond.tell("viewed", BOB)
    for type in told:
        pond.tell(type, BOB, tier="gold")
    return pond.who("ann"), pond.who("bob")


def test_whoever_is_joined_to_an_older_profile_stays_on_the_journey(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start(WELCOME)
    ann, bob = two(pond, "registered")
    pond.wait(5)
    pond.join()
    (mine,), (his,) = pond.runs(ann), pond.runs(bob)
    assert (his.state, his.reason, mine.state) == ("exited", "merged", "active")
    facts = ("version", "step", "steps", "about", "arm", "cause", "entered_at", "stepped_at")
    assert [getattr(mine, fact) for fact in facts] == [getattr(his, fact) for fact in facts]
    assert mine.about == {"tier": "gold"}
    assert summary(conn)["journeys"] == {"welcome": 1}, "one who came in, however often joined"
    assert mine.due_at == NOON + WEEK
    pond.wait(1)
    assert pond.said() == [(bob, "hello")]
    pond.wait(1)
    pond.wait(7)
    assert pond.said() == [(bob, "hello"), (ann, "second")]


def test_whoever_was_held_out_is_held_out_as_the_other(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start(WELCOME)
    ann, _bob = two(pond, "registered")
    conn.execute("update enrolment set arm = 'holdout'")
    pond.join()
    pond.wait(8)
    assert [(run.arm, run.state) for run in pond.runs(ann)] == [("holdout", "done")]
    assert "second" not in [message for _, message in pond.said()]


def test_of_two_runs_that_of_the_one_who_stays_goes_on(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start(WELCOME)
    ann, bob = two(pond, "registered")
    pond.wait(2)
    pond.tell("registered", ANN)
    pond.join()
    assert [(run.state, run.due_at) for run in pond.runs(ann)] == [("active", pond.now + WEEK)]
    assert [(run.state, run.reason) for run in pond.runs(bob)] == [("exited", "merged")]


@pytest.mark.parametrize("reentry", ["never", "{after_days: 30}"])
@pytest.mark.parametrize("trigger", ["{segment: buyers}", "{event: ordered}"])
def test_a_join_gives_nobody_the_same_coupon_twice(conn: psycopg.Connection, reentry: str, trigger: str) -> None:
    pond = Joined(conn, GIFT)
    pond.segment("buyers", BUYERS)
    pond.start(f"trigger: {trigger}\nreentry: {reentry}\nsteps: [{{offer: tea}}, {{message: hello}}]")
    _ann, bob = two(pond)
    pond.buys(BOB)
    pond.join()
    pond.wait(3)
    pond.buys(ANN)
    pond.wait(8)
    assert pond.said() == [(bob, "hello")]
    assert conn.execute("select from coupon").rowcount == 1


def test_a_run_that_the_rule_would_have_refused_does_not_go_on_beside_one_that_is_over(
    conn: psycopg.Connection,
) -> None:
    pond = Joined(conn)
    pond.start("trigger: {event: registered}\nsteps: [{message: hello}, {wait: {days: 1}}, {message: second}]")
    ann, bob = two(pond)
    pond.tell("registered", ANN)
    pond.wait(2)
    pond.tell("registered", BOB)
    pond.join()
    pond.wait(2)
    assert pond.said() == [(ann, "hello"), (ann, "second"), (bob, "hello")]


def test_being_joined_to_somebody_in_a_segment_is_not_to_enter_it(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.segment("buyers", BUYERS)
    pond.start("trigger: {segment: buyers}\nreentry: always\nsteps: [{message: hello}]")
    _ann, bob = two(pond)
    pond.buys(BOB)
    pond.wait(1)
    pond.join()
    pond.wait(1)
    assert pond.said() == [(bob, "hello")]


def test_a_run_below_another_goes_along_and_is_still_waited_for(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start("trigger: {called: true}\nsteps: [{wait: {days: 2}}, {message: second}]", "below")
    pond.start("trigger: {event: registered}\nsteps: [{journey: below, wait: true}, {message: third}]")
    ann, _bob = two(pond, "registered")
    pond.join()
    pond.wait(2)
    assert pond.said() == [(ann, "second"), (ann, "third")]


def test_whose_run_below_another_ends_for_a_join_is_not_waited_for_in_vain(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start("trigger: {called: true}\nsteps: [{wait: {days: 9}}, {message: second}]", "below")
    pond.start("trigger: {event: registered}\nsteps: [{journey: below, wait: true}, {message: third}]")
    pond.start("trigger: {event: ordered}\nsteps: [{journey: below}]", "other")
    ann, _bob = two(pond, "registered")
    pond.buys(ANN)
    pond.join()
    assert pond.said() == [(ann, "third")]


@pytest.mark.parametrize("parted", [False, True])
def test_what_waits_for_a_quieter_hour_is_told_to_whoever_the_run_is_by_then(
    conn: psycopg.Connection, parted: bool
) -> None:
    pond = Joined(conn, quiet={"from": "11:00", "to": "13:00", "holidays": []})
    pond.start(WELCOME)
    ann, bob = two(pond, "registered")
    pond.join()
    if parted:
        pond.split()
    pond.wait(0.5)
    assert pond.said() == [(bob if parted else ann, "hello")]
    told = conn.execute("select jsonb_path_query_array(trail, '$[*].verdict') as said from decision").fetchall()
    assert told == [(["hold", "send"],)]


def test_a_split_gives_back_what_the_join_has_moved(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start(WELCOME)
    ann, bob = two(pond, "registered")
    pond.wait(2)
    pond.join()
    pond.wait(2)
    pond.split()
    (mine,), (his,) = pond.runs(ann), pond.runs(bob)
    assert (mine.state, mine.reason) == ("exited", "parted")
    assert [standing.treated for standing in journeys(conn)] == [1], "Bob's run is counted once, and as his"
    assert (his.state, his.reason, his.due_at) == ("active", None, NOON + WEEK)
    pond.wait(3)
    assert pond.said() == [(bob, "hello"), (bob, "second")]


def test_a_split_gives_back_what_the_join_has_ended(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start(WELCOME)
    ann, bob = two(pond, "registered")
    pond.wait(1)
    pond.tell("registered", ANN)
    pond.wait(1)
    pond.join()
    pond.split()
    assert [(run.state, run.due_at) for run in pond.runs(bob)] == [("active", NOON + WEEK)]
    pond.wait(10)
    assert sorted(pond.said()) == [(ann, "hello"), (ann, "second"), (bob, "hello"), (bob, "second")]


def test_whoever_has_another_run_after_a_split_goes_on_with_that_one(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start("trigger: {event: ordered}\nreentry: always\nsteps: [{wait: {days: 7}}, {message: hello}]")
    ann, bob = two(pond)
    pond.buys(BOB)
    pond.wait(1)
    pond.buys(ANN)
    pond.join()
    conn.execute("update enrolment set state = 'done', due_at = null where person_id = %s", (ann,))
    pond.wait(1)
    late = pond.buys(BOB)
    pond.split()
    assert [(run.cause == f"event:{late}", run.state, run.reason) for run in pond.runs(bob)] == [
        (False, "exited", "reentry"),
        (True, "active", None),
    ]


def test_what_was_walked_to_its_end_while_they_were_one_is_over(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start(WELCOME)
    ann, bob = two(pond, "registered")
    pond.join()
    pond.wait(8)
    pond.split()
    pond.wait(8)
    assert pond.said() == [(bob, "hello"), (ann, "second")]


def test_joined_and_parted_again_and_again_nothing_is_lost_or_said_twice(conn: psycopg.Connection) -> None:
    """Carl is joined to Bob, Bob to Ann; only Bob and his are parted from her, and are joined to her by hand once more."""
    pond = Joined(conn)
    pond.start(WELCOME)
    carl = {"shop:luckin": "carl"}
    ann, bob = two(pond)
    pond.tell("registered", carl)
    him = pond.who("carl")
    pond.tell("viewed", carl | {"email": "b@x.cn"})
    pond.tell("viewed", BOB | {"email": "b@x.cn"})
    pond.join()
    holders = "select person_id, origin_id, due_at from enrolment where state = 'active'"
    assert conn.execute(holders).fetchall() == [(ann, him, NOON + WEEK)]
    pond.split()
    assert conn.execute(holders).fetchall() == [(bob, him, NOON + WEEK)]
    identity.join(conn, pond.now, ann, bob, "lina")
    pond.wait(8)
    assert pond.said() == [(him, "hello"), (ann, "second")]


def test_an_event_that_came_while_they_were_one_is_followed_as_its_own_persons(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start(BOUGHT)
    _ann, bob = two(pond)
    pond.join()
    pond.buys(BOB)
    pond.split()
    pond.wait(2)
    assert pond.said() == [(bob, "hello")]


def test_an_event_that_began_nothing_begins_nothing_when_its_person_is_derived_again(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start("trigger: {event: ordered}\nreentry: always\nsteps: [{message: hello}, {wait: {hours: 2}}]")
    two(pond)
    pond.buys(ANN)
    pond.buys(ANN)
    pond.wait(1)
    pond.take_back(pond.tell("viewed", ANN))
    pond.wait(1)
    pond.join()
    pond.split()
    assert [message for _, message in pond.said()] == ["hello"]


def test_an_event_that_was_moved_before_anybody_read_it_begins_what_it_has_to(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start(WELCOME)
    ann, bob = two(pond)
    pond.tell("viewed", BOTH)
    for type, who in (("registered", BOB), ("viewed", ONE)):
        pond.record(type, who)
        identity.resolve(conn, pond.now)
    pond.wait()
    assert pond.said() == [(ann, "hello")]
    assert pond.runs(bob) == []
