"""The offer stage against the real database: coupons of other systems, refunds, merges, ladders as people meet them."""

from __future__ import annotations

import psycopg

from offers import ANN, BOB, T0, day, happen, merge, one, people, run, split, stands
from offers import publish as publish_text
from yutang import definitions
from yutang.model import Only, bucket_of
from yutang.offer import Redeem, Wanted, issue, redeem, totals

OFFERS = """
tea:
  sort: coupon
  title: {zh: 茶券, en: Tea}
  discount: {off_fen: 500}
  minimum_fen: 1000
  budget_fen: 5000
  valid_days: 10
luckin:
  sort: ladder
  title: {zh: 阶梯券, en: Ladder}
  down: [85, 43, 28]
  up: [43, 58, 95]
  basket_fen: 2000
"""


def publish(conn: psycopg.Connection) -> dict[str, int]:
    """The offers in force; ids by name."""
    return publish_text(conn, OFFERS)


def test_the_luckin_rule_as_one_customer_lives_it(conn: psycopg.Connection) -> None:
    publish(conn)
    happen(conn, ANN, "registered", day(0))
    run(conn, day(0))
    assert stands(conn) == ("down", 0, 0)
    run(conn, day(29.9))
    assert stands(conn) == ("down", 0, 0)
    run(conn, day(30))
    assert stands(conn) == ("down", 1, 1)
    run(conn, day(36.9))
    assert stands(conn) == ("down", 1, 1)
    run(conn, day(37))
    run(conn, day(44))
    assert stands(conn) == ("down", 3, 3)
    run(conn, day(300))
    assert stands(conn) == ("down", 3, 3), "after the last rung the ladder keeps still"
    for n, rung in enumerate((4, 5, 6, 6)):
        happen(conn, ANN, "ordered", day(301 + n), order_id=f"o{n}", amount_fen=100, items=[])
        run(conn, day(301 + n))
        assert stands(conn) == ("up", rung, 4 + n)
    run(conn, day(333.9))
    assert stands(conn) == ("up", 6, 7)
    run(conn, day(334))
    assert stands(conn) == ("down", 1, 8), "silent again: the first rung down"


def test_a_fast_path_for_one_person_and_the_regular_pass_after_it_move_once(conn: psycopg.Connection) -> None:
    publish(conn)
    happen(conn, ANN, "registered", day(0))
    happen(conn, ANN, "ordered", day(1), order_id="a", amount_fen=1, items=[])
    happen(conn, BOB, "registered", day(0))
    happen(conn, ANN, "coupon_issued", day(1), code="K", offer="elsewhere", uses=1)
    happen(conn, ANN, "coupon_redeemed", day(1), code="K")
    assert +run(conn, day(1), Only(persons=(ANN,))) == {
        "ladder_started": 1,
        "ladder_climbed": 1,
        "coupon_taken_in": 1,
        "coupon_redeemed": 1,
    }
    assert one(conn, "select count(*) from ladder where person_id = %s", BOB)[0] == 0
    assert +run(conn, day(1)) == {"window": 1, "ladder_started": 1}
    assert stands(conn) == ("up", 4, 1)


def test_an_offer_out_of_service_moves_nobody_and_costs_no_more_looks(conn: psycopg.Connection) -> None:
    publish(conn)
    happen(conn, ANN, "registered", day(0))
    run(conn, day(0))
    definitions.retire(conn, day(1), "offer", ["tea"])
    run(conn, day(40))
    assert stands(conn) == ("down", 0, 0)
    assert one(conn, "select due_at from ladder")[0] is None


def test_coupons_of_other_systems(conn: psycopg.Connection) -> None:
    tea = publish(conn)["tea"]
    happen(
        conn, ANN, "coupon_issued", day(0), code="A", offer="elsewhere", value_fen=700, expires_at=day(5).isoformat()
    )
    happen(conn, ANN, "coupon_issued", day(0), code="B", offer="tea")
    happen(conn, BOB, "coupon_issued", day(1), code="A", offer="elsewhere")
    assert +run(conn, day(1)) == {"window": 1, "coupon_taken_in": 2}
    a, b = conn.execute(
        "select definition_id, uses, value_fen, off_fen, expires_at from coupon order by code"
    ).fetchall()
    assert tuple(a) == (0, None, 700, None, day(5))
    assert tuple(b) == (tea, None, 500, 500, day(10))
    assert tuple(one(conn, "select person_id, reason from offer_refusal")) == (BOB, "not_yours")
    for n in range(3):
        happen(conn, ANN, "coupon_redeemed", day(2 + n), code="A", order_id=f"o{n}", amount_fen=50)
    happen(conn, BOB, "coupon_redeemed", day(2), code="A")
    happen(conn, BOB, "coupon_redeemed", day(2), code="nothing")
    assert +run(conn, day(4)) == {"window": 1, "coupon_redeemed": 3, "redemption_refused": 2}
    assert totals(conn) == {"issued": 2, "redeemed": 3, "outstanding": 2, "liability_fen": 1200}
    rows = conn.execute("select person_id, reason from redemption where state = 'refused' order by reason").fetchall()
    assert [tuple(row) for row in rows] == [(BOB, "not_yours"), (BOB, "unknown_code")]
    assert +run(conn, day(5)) == {"coupon_expired": 1}
    assert totals(conn)["liability_fen"] == 500
    happen(conn, ANN, "coupon_redeemed", day(4.5), code="A")
    happen(conn, ANN, "coupon_redeemed", day(5), code="A")
    happen(conn, ANN, "coupon_redeemed", day(-1), code="A")
    run(conn, day(6))
    rows = conn.execute(
        "select at, reason from redemption where at >= %s or at < %s order by at", (day(4.5), T0)
    ).fetchall()
    assert [tuple(row) for row in rows] == [(day(-1), "not_yet_valid"), (day(4.5), None), (day(5), "expired")]


def test_a_refund_gives_the_coupon_back_whichever_event_comes_first(conn: psycopg.Connection) -> None:
    tea = publish(conn)["tea"]
    early, late = (
        issue(conn, day(0), [Wanted(ANN, tea, 0, 1)])[0].code,
        issue(conn, day(0), [Wanted(BOB, tea, 0, 2)])[0].code,
    )
    happen(conn, ANN, "coupon_redeemed", day(1), code=early, order_id="o1", amount_fen=400)
    run(conn, day(1))
    assert tuple(one(conn, "select redeemed, spent_fen, reserved_fen from stock")) == (1, 400, 500)
    happen(conn, ANN, "refunded", day(2), order_id="o1", amount_fen=2000)
    happen(conn, BOB, "refunded", day(3), order_id="o2", amount_fen=2000)
    assert run(conn, day(3))["redemption_restored"] == 1
    happen(conn, BOB, "coupon_redeemed", day(2), code=late, order_id="o2", amount_fen=400)
    assert run(conn, day(3))["redemption_restored"] == 1
    assert tuple(one(conn, "select redeemed, spent_fen, reserved_fen from stock")) == (0, 0, 1000)
    assert {tuple(r) for r in conn.execute("select state, uses from coupon")} == {("issued", 1)}
    assert {r.state for r in conn.execute("select state from redemption")} == {"restored"}
    assert redeem(conn, day(4), [Redeem("again", early, "o3", 2000, ANN)])[0].ok
    happen(conn, ANN, "viewed", day(4))
    run(conn, day(4), Only(persons=(ANN,)))
    assert one(conn, "select state from redemption where request_id = 'again'")[0] == "done", (
        "an older refund is not meant"
    )


def test_a_refund_after_the_last_day_gives_back_the_budget_and_not_the_coupon(conn: psycopg.Connection) -> None:
    tea = publish(conn)["tea"]
    code = issue(conn, day(0), [Wanted(ANN, tea, 0, 1)])[0].code
    assert redeem(conn, day(1), [Redeem("r", code or "", "o1", 2000, ANN)])[0].discount_fen == 500
    happen(conn, ANN, "refunded", day(11), order_id="o1", amount_fen=2000)
    run(conn, day(11))
    assert one(conn, "select state from coupon")[0] == "expired"
    assert tuple(one(conn, "select redeemed, spent_fen, reserved_fen from stock")) == (0, 0, 0)


def test_merge_takes_everything_along_and_split_brings_it_back(conn: psycopg.Connection) -> None:
    tea = publish(conn)["tea"]
    people(conn, ANN, BOB)
    happen(conn, ANN, "registered", day(0))
    own = [
        happen(conn, BOB, "registered", day(0)),
        happen(conn, BOB, "ordered", day(2), order_id="x", amount_fen=9, items=[]),
    ]
    run(conn, day(2))
    (granted,) = issue(conn, day(2), [Wanted(BOB, tea, 0, 1)])
    issue(conn, day(2), [Wanted(BOB, tea, 0, 2)])
    redeem(conn, day(2), [Redeem("r", granted.code or "", "x", 2000, BOB)])
    before = snapshot(conn)
    merge(conn, ANN, BOB)
    run(conn, day(2))
    assert {row[:2] for rows in snapshot(conn).values() for row in rows} == {(bucket_of(ANN), ANN)}
    assert stands(conn) == ("up", 4, 1), "the place with the newest anchor stays"
    again = issue(conn, day(2), [Wanted(ANN, tea, 0, 1)])
    assert again[0].code == granted.code, "the touch keeps its coupon"
    split(conn, BOB, own)
    run(conn, day(2))
    assert snapshot(conn) == before
    assert +run(conn, day(2)) == {}


def test_a_chain_of_merges_read_in_one_go_ends_with_the_last_winner(conn: psycopg.Connection) -> None:
    publish(conn)
    people(conn, ANN, BOB, 7)
    happen(conn, 7, "coupon_issued", day(0), code="K", offer="elsewhere")
    run(conn, day(0))
    merge(conn, BOB, 7)
    merge(conn, ANN, BOB)
    run(conn, day(0))
    assert tuple(one(conn, "select person_id, origin_id from coupon")) == (ANN, 7)


def snapshot(conn: psycopg.Connection) -> dict[str, list[tuple]]:
    """Whose is what."""
    columns = {
        "coupon": "code, origin_id, state, uses",
        "redemption": "request_id, origin_id, state",
        "offer_refusal": "key, reason",
        "ladder": "side, rung, move, anchor_at, due_at, waited",
    }
    return {
        table: [tuple(r) for r in conn.execute(f"select bucket, person_id, {names} from {table} order by 2, 3")]
        for table, names in columns.items()
    }
