"""Two were taken for one, or an import was wrong, and somebody took that back: everybody has what is theirs, and nobody gets a thing twice."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import psycopg
import pytest

from joins import ANN, BOB, BOTH, ONE, Joined
from yutang import identity, offer
from yutang.db.connect import connect
from yutang.offer import Redeem, Wanted, issue, redeem

LADDER = {
    "steps": """
steps:
  sort: ladder
  title: {zh: 阶梯券, en: Ladder}
  silence_days: 30
  wait_days: 7
  down: [85, 43, 28]
  up: [43, 58, 95]
  basket_fen: 2000
"""
}
RUNGS = "trigger: {event: registered}\ndeadline_days: 5\nsteps: [{ladder: steps, message: hello}]"


def two(pond: Joined, apart: float = 0) -> tuple[int, int]:
    """Ann registers, and `apart` days later Bob."""
    pond.tell("registered", ANN)
    pond.wait(apart)
    pond.tell("registered", BOB)
    pond.tell("viewed", BOTH)
    return pond.who("ann"), pond.who("bob")


def stands(pond: Joined) -> dict[int, tuple]:
    rows = pond.conn.execute("select person_id, side, rung from ladder")
    return {row.person_id: (row.side, row.rung) for row in rows}


def told(pond: Joined, person: int) -> list[tuple]:
    """What was decided for somebody: (verdict, number of the move that it answers, with a coupon?)."""
    rows = pond.conn.execute(
        "select verdict, move, coupon is not null as given from touch where person_id = %s order by touch_id", (person,)
    )
    return [tuple(row) for row in rows]


def every(conn: psycopg.Connection, query: str) -> list[tuple]:
    return [tuple(row) for row in conn.execute(query)]


def coupon(pond: Joined, code: str) -> tuple:
    return tuple(pond.conn.execute("select state, uses from coupon where code = %s", (code,)).fetchone())


@pytest.mark.parametrize("buyer", [ANN, BOB])
def test_an_order_of_while_they_were_one_stays_with_who_bought(conn: psycopg.Connection, buyer: dict[str, str]) -> None:
    pond = Joined(conn, LADDER)
    ann, bob = two(pond)
    pond.tell("viewed", ONE)
    pond.wait(11)
    pond.buys(buyer)
    pond.split()
    other = {ann: bob, bob: ann}[who := pond.who(buyer["shop:luckin"])]
    assert stands(pond) == {who: ("up", 4), other: ("down", 0)}
    pond.wait(31)
    assert stands(pond) == {who: ("down", 1), other: ("down", 1)}, "each goes on by themselves"


def test_who_was_given_rungs_goes_on_below_them_and_hears_of_the_next(conn: psycopg.Connection) -> None:
    pond = Joined(conn, LADDER)
    pond.start(RUNGS)
    ann, bob = two(pond, apart=20)
    for days in (10, 7, 7):
        pond.wait(days)
    assert stands(pond) == {ann: ("down", 3), bob: ("down", 0)}
    pond.tell("viewed", ONE)
    assert stands(pond) == {ann: ("down", 0)}, "of two places the one with the newest beginning stays"
    pond.split()
    assert stands(pond) == {ann: ("down", 3), bob: ("down", 0)}
    pond.wait(7)
    assert len(told(pond, ann)) == 3, "no rung is given a second time"
    pond.buys(ANN)
    assert told(pond, ann)[3:] == [("send", 4, True)], "and the next is told"


def test_the_rungs_of_who_stood_for_both_are_not_given_again(conn: psycopg.Connection) -> None:
    pond = Joined(conn, LADDER)
    pond.start(RUNGS)
    ann, _bob = two(pond)
    pond.tell("viewed", ONE)
    pond.wait(10)
    pond.buys(BOB)
    assert told(pond, ann) == [("send", 1, True)]
    pond.split()
    pond.wait(29)
    assert len(told(pond, ann)) == 1, "whoever was told yesterday is not told of a silence from before"
    pond.wait(2)
    assert told(pond, ann)[1:] == [("send", 2, True)], "the number of a move that was told is not given again"


def test_a_coupon_of_another_system_is_whose_the_word_was(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    ann, bob = two(pond)
    pond.tell("viewed", ONE)
    pond.tell("coupon_issued", BOB, code="K1", offer="elsewhere", value_fen=500)
    pond.buys(BOB, coupon_codes=["K1"], discount_fen=500)
    assert every(conn, "select person_id, state from coupon") == [(ann, "issued")]
    pond.split()
    assert every(conn, "select person_id from coupon union all select person_id from redemption") == [(bob,), (bob,)]


def test_a_phone_that_was_parted_has_not_had_the_others_coupon(conn: psycopg.Connection) -> None:
    once = "tea: {sort: coupon, title: {zh: 茶, en: Tea}, discount: {off_fen: 500}, limits: {phone: 1}}"
    pond = Joined(conn, {"tea": once})
    (tea,) = conn.execute("select definition_id from definition where name = 'tea'").fetchone()
    ann, bob = two(pond)
    pond.tell("viewed", ONE)
    assert issue(conn, pond.now, [Wanted(ann, tea, 0, 1)])[0].code
    pond.split()
    assert issue(conn, pond.now, [Wanted(bob, tea, 0, 2)])[0].code
    identity.join(conn, pond.now, ann, bob, "test")
    pond.wait()
    assert issue(conn, pond.now, [Wanted(ann, tea, 0, 3)])[0].reason == "shared"


def test_a_till_that_asks_while_a_coupon_moves_home_is_answered(conn: psycopg.Connection, url: str) -> None:
    pond = Joined(conn, {"tea": "tea: {sort: coupon, title: {zh: 茶, en: Tea}, discount: {off_fen: 500}}"})
    (tea,) = conn.execute("select definition_id from definition where name = 'tea'").fetchone()
    _ann, bob = two(pond)
    code = issue(conn, pond.now, [Wanted(bob, tea, 0, 1)])[0].code
    assert code
    answers: list = []
    with connect(url) as stage, connect(url) as till:
        identity.join(conn, pond.now, pond.who("ann"), bob, "test")
        with stage.transaction():
            assert offer.advance(stage, pond.now)["moved_home"]
            asks = threading.Thread(
                target=lambda: answers.extend(redeem(till, pond.now, [Redeem("r", code, "o1", 2000)]))
            )
            asks.start()
            wait_until_it_waits(conn)
        asks.join()
    assert [answer.ok for answer in answers] == [True]


def wait_until_it_waits(conn: psycopg.Connection) -> None:
    end = time.monotonic() + 30
    while not conn.execute("select from pg_stat_activity where wait_event_type = 'Lock'").fetchall():
        assert time.monotonic() < end, "the till never came to the lock"
        time.sleep(0.01)


def test_an_undone_order_gives_back_the_coupon_and_the_place_that_it_took(conn: psycopg.Connection) -> None:
    pond = Joined(conn, LADDER)
    pond.start(RUNGS)
    pond.tell("registered", ANN)
    pond.tell("coupon_issued", ANN, code="K1", offer="elsewhere", value_fen=500, uses=1)
    pond.wait(5)
    wrong = pond.buys(ANN, coupon_codes=["K1"], discount_fen=500)
    assert coupon(pond, "K1") == ("redeemed", 0)
    pond.take_back(wrong)
    assert coupon(pond, "K1") == ("issued", 1)
    assert every(conn, "select side, rung, anchor_at from ladder") == [("down", 0, pond.now - timedelta(days=5))]
    pond.tell("coupon_redeemed", ANN, code="K1", order_id="right", amount_fen=500)
    assert coupon(pond, "K1") == ("redeemed", 0)


def test_orders_that_stay_are_not_told_again_when_a_later_one_is_undone(conn: psycopg.Connection) -> None:
    pond = Joined(conn, LADDER)
    pond.start(RUNGS)
    pond.tell("registered", ANN)
    pond.wait(1)
    pond.buys(ANN)
    pond.wait(1)
    wrong = pond.buys(ANN)
    before = told(pond, pond.who("ann"))
    pond.take_back(wrong)
    assert stands(pond) == {pond.who("ann"): ("up", 4)}
    assert told(pond, pond.who("ann")) == before
    pond.wait(1)
    pond.buys(ANN)
    assert stands(pond) == {pond.who("ann"): ("up", 5)}
    assert told(pond, pond.who("ann"))[len(before) :], "what comes after is told"


def test_an_undone_coupon_is_gone_unless_it_was_used(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    issues = [pond.tell("coupon_issued", ANN, code=code, offer="elsewhere", value_fen=500) for code in ("K1", "K2")]
    pond.tell("coupon_redeemed", ANN, code="K2", order_id="o1", amount_fen=500)
    pond.take_back(*issues)
    assert every(conn, "select code from coupon") == [("K2",)]
    pond.tell("coupon_issued", BOB, code="K1", offer="elsewhere", value_fen=500)
    assert every(conn, "select person_id from coupon where code = 'K1'") == [(pond.who("bob"),)]
