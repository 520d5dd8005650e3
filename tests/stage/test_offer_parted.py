"""Two were taken for one, or an import was wrong, and somebody took that back: everybody has what is theirs, and nobody gets a thing twice."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import psycopg
import pytest

from lives import Life
from yutang import identity, offer
from yutang.db.connect import connect
from yutang.offer import Redeem, Wanted, issue, redeem

LADDER = """
steps:
  sort: ladder
  title: {zh: 阶梯券, en: Ladder}
  silence_days: 30
  wait_days: 7
  down: [85, 43, 28]
  up: [43, 58, 95]
  basket_fen: 2000
"""
RUNG = {"rungs": "trigger: {event: registered}\ndeadline_days: 5\nsteps: [{ladder: steps, message: rung}]"}
ANN, BOB = {"shop:t": "ann"}, {"shop:t": "bob"}
BOB_PHONE, ANN_PHONE = BOB | {"phone": "13800000002"}, ANN | {"phone": "13800000002"}


def both(life: Life, apart: float = 0) -> tuple[int, int]:
    """Ann registers, and `apart` days later Bob."""
    life.tell("registered", ANN)
    life.pass_by(days=apart)
    life.tell("registered", BOB)
    life.tell("viewed", BOB_PHONE)
    return life.who("ann"), life.who("bob")


def joined(life: Life) -> None:
    """Ann writes with Bob's telephone."""
    life.tell("viewed", ANN_PHONE)
    assert life.who("bob") == life.who("ann")


def stands(life: Life) -> dict[int, tuple]:
    return {person: tuple(rest) for person, *rest in life.rows("select person_id, side, rung from ladder")}


@pytest.mark.parametrize("buyer", [ANN, BOB])
def test_an_order_of_while_they_were_one_stays_with_who_bought(conn: psycopg.Connection, buyer: dict[str, str]) -> None:
    life = Life(conn, LADDER)
    ann, bob = both(life)
    joined(life)
    life.pass_by(days=11)
    life.order(buyer, "o1")
    life.split(ann)
    other = {ann: bob, bob: ann}[who := life.who(buyer["shop:t"])]
    assert stands(life) == {who: ("up", 4), other: ("down", 0)}
    life.pass_by(days=31)
    assert stands(life) == {who: ("down", 1), other: ("down", 1)}, "each goes on by themselves"


def test_who_was_given_rungs_goes_on_below_them_and_hears_of_the_next(conn: psycopg.Connection) -> None:
    life = Life(conn, LADDER, RUNG)
    ann, bob = both(life, apart=20)
    for days in (10, 7, 7):
        life.pass_by(days=days)
    assert stands(life) == {ann: ("down", 3), bob: ("down", 0)}
    joined(life)
    assert stands(life) == {ann: ("down", 0)}, "of two places the one with the newest beginning stays"
    life.split(ann)
    assert stands(life) == {ann: ("down", 3), bob: ("down", 0)}
    life.pass_by(days=7)
    assert len(life.said(ann)) == 3, "no rung is given a second time"
    life.order(ANN, "o1")
    assert life.said(ann)[3:] == [("rung", "send", None, 4, True)], "and the next is told"


def test_the_rungs_of_who_stood_for_both_are_not_given_again(conn: psycopg.Connection) -> None:
    life = Life(conn, LADDER, RUNG)
    ann, _bob = both(life)
    joined(life)
    life.pass_by(days=10)
    life.order(BOB, "o1")
    assert life.said(ann) == [("rung", "send", None, 1, True)]
    life.split(ann)
    life.pass_by(days=29)
    assert len(life.said(ann)) == 1, "whoever was told yesterday is not told of a silence from before"
    life.pass_by(days=2)
    assert life.said(ann)[1:] == [("rung", "send", None, 2, True)], (
        "the number of a move that was told is not given again"
    )


def test_a_coupon_of_another_system_is_whose_the_word_was(conn: psycopg.Connection) -> None:
    life = Life(conn)
    ann, bob = both(life)
    joined(life)
    life.tell("coupon_issued", BOB, code="K1", offer="elsewhere", value_fen=500)
    life.order(BOB, "o1", coupon_codes=["K1"], discount_fen=500)
    assert life.rows("select person_id, state from coupon") == [(ann, "issued")]
    life.split(ann)
    assert life.rows("select person_id from coupon union all select person_id from redemption") == [(bob,), (bob,)]


def test_a_till_that_asks_while_a_coupon_moves_home_is_answered(conn: psycopg.Connection, url: str) -> None:
    life = Life(conn, "tea: {sort: coupon, title: {zh: 茶, en: Tea}, discount: {off_fen: 500}}")
    _ann, bob = both(life)
    code = issue(conn, life.now, [Wanted(bob, life.offers["tea"], 0, 1)])[0].code
    assert code
    answers: list = []
    with connect(url) as stage, connect(url) as till:
        identity.join(conn, life.now, life.who("ann"), bob, "test")
        with stage.transaction():
            assert offer.advance(stage, life.now)["moved_home"]
            asks = threading.Thread(
                target=lambda: answers.extend(redeem(till, life.now, [Redeem("r", code, "o1", 2000)]))
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
    life = Life(conn, LADDER, RUNG)
    life.tell("registered", ANN)
    life.tell("coupon_issued", ANN, code="K1", offer="elsewhere", value_fen=500, uses=1)
    life.pass_by(days=5)
    wrong = life.order(ANN, "o1", coupon_codes=["K1"], discount_fen=500)
    assert life.row("select state, uses from coupon where code = 'K1'") == ("redeemed", 0)
    life.undo(wrong)
    assert life.row("select state, uses from coupon where code = 'K1'") == ("issued", 1)
    assert life.row("select side, rung, anchor_at from ladder") == ("down", 0, life.now - timedelta(days=5))
    life.tell("coupon_redeemed", ANN, code="K1", order_id="right", amount_fen=500)
    assert life.row("select state, uses from coupon where code = 'K1'") == ("redeemed", 0)


def test_orders_that_stay_are_not_told_again_when_a_later_one_is_undone(conn: psycopg.Connection) -> None:
    life = Life(conn, LADDER, RUNG)
    life.tell("registered", ANN)
    life.pass_by(days=1)
    life.order(ANN, "o1")
    life.pass_by(days=1)
    wrong = life.order(ANN, "o2")
    before = life.said(life.who("ann"))
    life.undo(wrong)
    assert stands(life) == {life.who("ann"): ("up", 4)}
    assert life.said(life.who("ann")) == before
    life.pass_by(days=1)
    life.order(ANN, "o3")
    assert stands(life) == {life.who("ann"): ("up", 5)}
    assert life.said(life.who("ann"))[len(before) :], "what comes after is told"


def test_an_undone_coupon_is_gone_unless_it_was_used(conn: psycopg.Connection) -> None:
    life = Life(conn)
    issues = [life.tell("coupon_issued", ANN, code=code, offer="elsewhere", value_fen=500) for code in ("K1", "K2")]
    life.tell("coupon_redeemed", ANN, code="K2", order_id="o1", amount_fen=500)
    life.undo(*issues)
    assert life.rows("select code from coupon") == [("K2",)]
    life.tell("coupon_issued", BOB, code="K1", offer="elsewhere", value_fen=500)
    assert life.rows("select person_id from coupon where code = 'K1'") == [(life.who("bob"),)]
