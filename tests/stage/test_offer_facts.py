"""What events make of offers: orders that name their coupons, refunds of a part and of all, ladders that come later, waiters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import psycopg
import pytest

from offers import ANN, BOB, T0, day, happen, merge, one, people, publish, run, split, stands
from yutang import definitions
from yutang.model import Only, Reason
from yutang.offer import Redeem, Wanted, confirm, issue, redeem
from yutang.offer.definition import read
from yutang.offer.till import OFFLINE
from yutang.why import why

CUPS = """
cup:
  sort: coupon
  title: {zh: 杯券, en: Cup}
  discount: {percent: 50}
  value_fen: 300
  stackable: true
  per_person: 9
cake:
  sort: coupon
  title: {zh: 糕券, en: Cake}
  discount: {off_fen: 400}
  stackable: true
  per_person: 9
"""
LADDER = """
steps:
  sort: ladder
  title: {zh: 阶梯券, en: Ladder}
  silence_days: 30
  wait_days: 7
  down: [85, 43]
  up: [58]
  basket_fen: 2000
"""


def give(conn: psycopg.Connection, offer: int, *persons: int) -> list[str]:
    row = one(conn, "select coalesce(max(touch_id), 0) as n from coupon")
    granted = issue(conn, T0, [Wanted(p, offer, 0, row.n + n) for n, p in enumerate(persons, 1)])
    return [g.code or "" for g in sorted(granted, key=lambda g: g.touch_id)]


def ledger(conn: psycopg.Connection) -> list[tuple]:
    rows = conn.execute(
        "select order_id, discount_fen, state, reason from redemption order by order_id, discount_fen, at"
    )
    return [tuple(row) for row in rows]


def spent(conn: psycopg.Connection) -> tuple[int, int]:
    row = one(conn, "select sum(redeemed)::int as n, sum(spent_fen)::int as fen from stock")
    return row.n, row.fen


def test_an_order_books_the_coupons_it_names(conn: psycopg.Connection) -> None:
    ids = publish(conn, CUPS)
    (cup,), (cake,) = give(conn, ids["cup"], ANN), give(conn, ids["cake"], ANN)
    happen(
        conn,
        ANN,
        "ordered",
        day(1),
        order_id="o",
        amount_fen=1600,
        discount_fen=2400,
        coupon_codes=[cake, cup, "nobody's"],
    )
    assert run(conn, day(1))["coupon_redeemed"] == 2
    # 4000 before: 400 off, then half of 3600 — or half of 4000, then 400; codes come in the order of the alphabet.
    by_order = [("o", 400, "done", None), ("o", 1800 if cake < cup else 2000, "done", None)]
    assert ledger(conn) == [("o", 0, "refused", "unknown_code"), *by_order]
    assert spent(conn) == (2, sum(row[1] for row in by_order))
    conn.execute("update stage_cursor set xid = '0'")
    run(conn, day(2))
    assert len(ledger(conn)) == 3, "the same window once more changes nothing"


def test_an_orders_own_sum_is_the_most_that_came_off(conn: psycopg.Connection) -> None:
    cake = publish(conn, CUPS)["cake"]
    a, b = give(conn, cake, ANN, BOB)
    happen(conn, ANN, "ordered", day(1), order_id="o", amount_fen=900, discount_fen=100, coupon_codes=[a])
    happen(conn, BOB, "ordered", day(1), order_id="p", amount_fen=900, coupon_codes=[b])
    run(conn, day(1))
    assert ledger(conn) == [("o", 100, "done", None), ("p", 400, "done", None)]


def _by_event(conn: psycopg.Connection, code: str) -> None:
    happen(conn, ANN, "ordered", day(1), order_id="o", amount_fen=600, discount_fen=400, coupon_codes=[code])
    run(conn, day(1))


def _by_fact(conn: psycopg.Connection, code: str) -> None:
    happen(conn, ANN, "coupon_redeemed", day(1), code=code, order_id="o", amount_fen=400)
    run(conn, day(1))


def _by_bare_fact(conn: psycopg.Connection, code: str) -> None:
    happen(conn, ANN, "coupon_redeemed", day(1), code=code, amount_fen=400)
    run(conn, day(1))


def _by_till(conn: psycopg.Connection, code: str) -> None:
    assert redeem(conn, day(1), [Redeem("till", code, "o", 1000)])[0].ok


def _by_late_till(conn: psycopg.Connection, code: str) -> None:
    assert redeem(conn, day(2), [Redeem("late", code, "o", 1000, at=day(1), how=OFFLINE)])[0].ok


@pytest.mark.parametrize("ways", list(permutations((_by_event, _by_fact, _by_late_till))))
def test_one_use_told_in_several_ways_is_booked_once(conn: psycopg.Connection, ways: tuple[Callable, ...]) -> None:
    (code,) = give(conn, publish(conn, CUPS)["cake"], ANN)
    for way in ways:
        way(conn, code)
    assert ledger(conn) == [("o", 400, "done", None)]
    assert spent(conn) == (1, 400)


@pytest.mark.parametrize(
    "ways",
    [
        (_by_till, _by_event),
        (_by_event, _by_till),
        (_by_till, _by_fact),
        (_by_bare_fact, _by_event),
        (_by_event, _by_bare_fact),
    ],
)
def test_a_till_that_asked_and_the_order_that_follows_are_one_use(
    conn: psycopg.Connection, ways: tuple[Callable, ...]
) -> None:
    (code,) = give(conn, publish(conn, CUPS)["cake"], ANN)
    for way in ways:
        way(conn, code)
    assert [row[1:] for row in ledger(conn)] == [(400, "done", None)]


@pytest.mark.parametrize("ways", [(_by_event, _by_fact), (_by_fact, _by_event)])
@pytest.mark.parametrize("at_once", [True, False])
def test_one_refusal_told_in_two_ways_is_one(
    conn: psycopg.Connection, ways: tuple[Callable, ...], at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = give(conn, publish(conn, CUPS)["cake"], ANN)
    conn.execute("update coupon set expires_at = %s", [day(0)])
    if at_once:
        monkeypatch.setitem(globals(), "run", lambda *_: None)
    for way in ways:
        way(conn, code)
    monkeypatch.undo()
    run(conn, day(1))
    assert ledger(conn) == [("o", 0, "refused", "expired")]


def test_a_till_that_asks_twice_for_one_order_does_not_take_off_twice(conn: psycopg.Connection) -> None:
    (code,) = give(conn, publish(conn, CUPS)["cake"], ANN)
    answers = redeem(conn, day(1), [Redeem("a", code, "o", 1000), Redeem("b", code, "o", 1000)])
    assert [(a.reason, a.against) for a in answers] == [(None, None), (Reason.ALREADY_REDEEMED, "a")]


def test_an_order_confirms_what_was_held_for_it(conn: psycopg.Connection) -> None:
    (code,) = give(conn, publish(conn, CUPS)["cake"], ANN)
    redeem(conn, day(0), [Redeem("h", code, "o", 1000, hold_until=day(2))])
    _by_event(conn, code)
    assert ledger(conn) == [("o", 400, "done", None)]
    assert one(conn, "select state from coupon").state == "redeemed"
    assert confirm(conn, day(1), ["h"])[0].ok, "whoever confirms it now hears that all is well"
    run(conn, day(3))
    assert ledger(conn) == [("o", 400, "done", None)], "and nothing lapses"


@pytest.mark.parametrize("order_known", [True, False])
def test_only_the_whole_order_given_back_restores_the_coupon(conn: psycopg.Connection, order_known: bool) -> None:
    (code,) = give(conn, publish(conn, CUPS)["cake"], ANN)
    redeem(conn, day(1), [Redeem("r", code, "o", 1000)])
    if order_known:
        happen(conn, ANN, "ordered", day(1), order_id="o", amount_fen=600)
    happen(conn, ANN, "refunded", day(2), order_id="o", amount_fen=200)
    happen(conn, ANN, "refunded", day(2), order_id="other", amount_fen=9000)
    assert run(conn, day(2))["redemption_restored"] == 0
    assert ledger(conn)[0][2] == "done"
    happen(conn, ANN, "refunded", day(3), order_id="o", amount_fen=400)
    assert run(conn, day(3))["redemption_restored"] == 1, "the parts are the whole now"
    assert spent(conn) == (0, 0)


def test_a_second_use_is_restored_by_its_own_refund(conn: psycopg.Connection) -> None:
    cake = publish(conn, CUPS)["cake"]
    (code,) = give(conn, cake, ANN)
    for n in (1, 4, 7):
        assert redeem(conn, day(n), [Redeem(f"r{n}", code, "same", 1000)])[0].ok
        assert run(conn, day(n))["redemption_restored"] == 0, "an older refund is not meant"
        happen(conn, ANN, "refunded", day(n + 1), order_id="same", amount_fen=600)
        assert run(conn, day(n + 1))["redemption_restored"] == 1
        assert run(conn, day(n + 2)).get("redemption_restored", 0) == 0
        assert tuple(
            one(conn, "select redeemed, reserved_fen, spent_fen from stock where definition_id = %s", cake)
        ) == (0, 400, 0)
        assert tuple(one(conn, "select state, uses from coupon")) == ("issued", 1)


def test_all_coupons_of_an_order_come_back_with_it(conn: psycopg.Connection) -> None:
    ids = publish(conn, CUPS)
    (cup,), (cake,) = give(conn, ids["cup"], ANN), give(conn, ids["cake"], ANN)
    redeem(conn, day(1), [Redeem("a", cup, "o", 4000), Redeem("b", cake, "o", 4000)])
    happen(conn, ANN, "refunded", day(2), order_id="o", amount_fen=1599)
    run(conn, day(2))
    assert {row[2] for row in ledger(conn)} == {"done"}, "4000 less 2000 less 400 were paid"
    happen(conn, ANN, "refunded", day(2), order_id="o", amount_fen=1)
    assert run(conn, day(2))["redemption_restored"] == 2


def test_a_hold_moves_home_with_its_person_and_lapses_there(conn: psycopg.Connection) -> None:
    cake = publish(conn, CUPS)["cake"]
    people(conn, ANN, BOB)
    (code,) = give(conn, cake, BOB)
    redeem(conn, day(0), [Redeem("h", code, "o", 1000, hold_until=day(2))])
    merge(conn, ANN, BOB)
    run(conn, day(1))
    assert tuple(one(conn, "select person_id, origin_id, state, due_at from redemption")) == (ANN, BOB, "held", day(2))
    run(conn, day(2))
    assert tuple(one(conn, "select person_id, state, version from coupon")) == (ANN, "issued", 1)
    split(conn, BOB, [])
    run(conn, day(20))
    assert tuple(one(conn, "select person_id, state from coupon")) == (BOB, "expired"), "and it ends where it went"


def ladder(conn: psycopg.Connection, now: Any, **fields: Any) -> int:
    text = LADDER + "".join(f"  {name}: {value}\n" for name, value in fields.items())
    return definitions.publish(conn, now, "offer", "steps", read(text)["steps"], "test").definition_id


def places(conn: psycopg.Connection) -> dict[int, tuple]:
    rows = conn.execute("select person_id, side, rung, anchor_at, due_at from ladder order by person_id")
    return {row.person_id: tuple(row[1:]) for row in rows}


def before_a_ladder(conn: psycopg.Connection) -> None:
    """1 registered lately; 2 long ago, ordered lately; 3 long ago, silent; 4 never registered; 5 registers after it."""
    people(conn, 1, 2, 3, 4, 5)
    happen(conn, 1, "registered", day(80))
    happen(conn, 2, "registered", day(0))
    for n in (20, 90, 60):
        happen(conn, 2, "ordered", day(n), order_id=f"o{n}", amount_fen=10)
    happen(conn, 3, "registered", day(0))
    happen(conn, 3, "ordered", day(10), order_id="x", amount_fen=10)
    happen(conn, 4, "ordered", day(95), order_id="y", amount_fen=10)
    run(conn, day(99))


@pytest.mark.parametrize("existing", ["recent", "all", "none"])
def test_a_ladder_takes_in_who_was_there_before(conn: psycopg.Connection, existing: str) -> None:
    before_a_ladder(conn)
    ladder(conn, day(100), existing=existing)
    happen(conn, 5, "registered", day(100))
    run(conn, day(100))
    found = places(conn)
    assert found.pop(5) == ("down", 0, day(100), day(130))
    waiting = {1: ("down", 0, day(80), day(110)), 2: ("down", 0, day(90), day(120))}
    if existing == "all":
        side, rung, anchor, due = found.pop(3)
        assert (side, rung, anchor) == ("down", 0, day(10))
        assert day(100) < due <= day(130), "the long silent are spread over one silence"
    assert found == ({} if existing == "none" else waiting)
    assert +run(conn, day(100)) == {}
    happen(conn, 2, "ordered", day(105), order_id="new", amount_fen=10)
    run(conn, day(105))
    if existing != "none":
        assert places(conn)[2][:2] == ("up", 3), "an order after it was published is answered"


def test_a_registration_told_late_obeys_the_same_rule(conn: psycopg.Connection) -> None:
    ladder(conn, day(100))
    run(conn, day(100))
    for person, at in ((1, day(60)), (2, day(75)), (3, day(100))):
        people(conn, person)
        happen(conn, person, "registered", at)
    run(conn, day(101))
    assert places(conn) == {2: ("down", 0, day(75), day(105)), 3: ("down", 0, day(100), day(130))}


def test_a_ladder_that_comes_back_looks_at_who_registered_meanwhile(conn: psycopg.Connection) -> None:
    people(conn, 1, 2, 3)
    happen(conn, 1, "registered", day(0))
    ladder(conn, day(0))
    run(conn, day(0))
    definitions.retire(conn, day(1), "offer", [])
    for person, at in ((2, day(20)), (3, day(80))):
        happen(conn, person, "registered", at)
    run(conn, day(80))
    ladder(conn, day(100))
    run(conn, day(100))
    before = ("down", 0, day(0), None)
    assert places(conn) == {1: before, 3: ("down", 0, day(80), day(110))}
    ladder(conn, day(101), again_days=40)
    run(conn, day(101))
    assert places(conn)[1] == before, "another version is not another return"


def test_everybody_is_taken_in_however_the_people_are_cut(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yutang.offer.ladders.CHUNK", 7)
    ladder(conn, day(0))
    run(conn, day(0))
    other = definitions.publish(conn, day(10), "offer", "more", read(LADDER.replace("steps", "more"))["more"], "test")
    people(conn, *range(1, 40))
    for person in range(1, 40):
        happen(conn, person, "registered", day(1))
    for lo, hi in ((0, 511), (512, 1023), (0, 511)):
        while run(conn, day(10), Only(lo, hi)).busy():
            pass
    counted = one(
        conn,
        "select count(*) as n, count(distinct person_id) as p from ladder where definition_id = %s",
        other.definition_id,
    )
    assert tuple(counted) == (39, 39)


def test_who_has_learned_to_wait_gets_no_deeper_rung_and_why_says_so(conn: psycopg.Connection) -> None:
    people(conn, ANN, BOB)
    ladder(conn, day(0), patience=2, again_days=40)
    for person in (ANN, BOB):
        happen(conn, person, "registered", day(0))
    now, history = 0, []
    for n in range(3):
        silence = 60 if n == 2 else 30
        run(conn, day(now + silence - 1))
        history.append(stands(conn)[:2])
        run(conn, day(now + silence))
        history.append(stands(conn)[:2])
        run(conn, day(now + silence + 7))
        history.append(stands(conn)[:2])
        now += silence + 8
        happen(conn, ANN, "ordered", day(now), order_id=f"o{n}", amount_fen=10)
        run(conn, day(now))
    deepened = [("up", 3), ("down", 1), ("down", 2)]
    assert history == [("down", 0), *deepened[1:], *deepened, ("up", 3), ("down", 1), ("down", 1)]
    assert one(conn, "select waited from ladder where person_id = %s", ANN).waited == 3
    refused = [(r.offer, r.reason) for r in why(conn, ANN, day(now)).refused]
    assert refused == [("steps", Reason.WAITER)]
    assert "加深" in why(conn, ANN, day(now)).refused[0].words["zh"]
    assert why(conn, BOB, day(now)).refused == [], "whoever only is silent waits for nothing"


def test_why_tells_of_refused_coupons_with_what_stood_against_them(conn: psycopg.Connection) -> None:
    ids = publish(conn, CUPS.replace("stackable: true", "stackable: false"))
    people(conn, ANN, BOB)
    (cup,), (cake,) = give(conn, ids["cup"], ANN), give(conn, ids["cake"], ANN)
    (bobs,) = give(conn, ids["cake"], BOB)
    redeem(conn, day(1), [Redeem("1", cup, "o", 4000), Redeem("2", cake, "o", 4000), Redeem("3", bobs, "o", 4000, ANN)])
    told = why(conn, ANN, day(1))
    (use,) = next(c for c in told.coupons if c.code == cake).uses
    assert use.reason == "stacking"
    assert cup in use.words["zh"]
    assert [(r.code, r.reason) for r in told.refused] == [(bobs, "not_yours")]
    assert timedelta(0) == told.refused[0].at - day(1)
