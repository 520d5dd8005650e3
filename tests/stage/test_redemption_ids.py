"""An id names one request for ever: a repeat gets its answer, another coupon or order under it gets nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import psycopg

from offers import T0, happen, publish, run
from yutang.model import Reason
from yutang.offer import Redeem, Redeemed, Wanted, check, confirm, issue, redeem, release
from yutang.offer.till import OFFLINE

HOUR = timedelta(hours=1)
FIVE = "five:\n  sort: coupon\n  title: {zh: 券, en: Coupon}\n  discount: {off_fen: 500}\n"


def coupons(conn: psycopg.Connection, *persons: int) -> list[str]:
    """A coupon of five yuan for each; their codes."""
    offer = publish(conn, FIVE)["five"]
    return [granted.code or "" for granted in issue(conn, T0, [Wanted(p, offer, 0, p) for p in persons])]


def booked(conn: psycopg.Connection) -> list[tuple[str, str]]:
    """Request and code of what was redeemed or is held."""
    rows = conn.execute("select request_id, code from redemption where state in ('done', 'held') order by 1, 2")
    return [tuple(row) for row in rows]


def reused(answer: Redeemed) -> bool:
    return (answer.ok, answer.reason, answer.discount_fen, answer.state) == (False, Reason.ID_REUSED, 0, "refused")


def test_an_id_with_another_coupon_promises_nothing(conn: psycopg.Connection) -> None:
    a, b = coupons(conn, 1, 2)
    first = Redeem("1", a, "o1", 2_000)
    (given,) = redeem(conn, T0, [first])
    assert given.discount_fen == 500
    other = Redeem("1", b, "o2", 2_000)
    assert reused(redeem(conn, T0, [other])[0])
    assert reused(check(conn, T0, [other])[0])
    assert redeem(conn, T0, [first]) == [given], "a repeat is one still"
    assert booked(conn) == [("1", a)]
    assert redeem(conn, T0, [replace(other, request_id="2")])[0].ok, "the coupon is as good as it was"


def test_in_one_batch_the_first_has_the_id(conn: psycopg.Connection) -> None:
    a, b = coupons(conn, 1, 2)
    first, other, repeat = redeem(conn, T0, [Redeem("1", a, "o1"), Redeem("1", b, "o2"), Redeem("1", a, "o1")])
    assert (first.ok, reused(other), repeat) == (True, True, first)
    assert booked(conn) == [("1", a)]


def test_an_order_counts_where_both_name_one(conn: psycopg.Connection) -> None:
    (a,) = coupons(conn, 1)
    (given,) = redeem(conn, T0, [Redeem("1", a, "o1", 2_000)])
    again, other = redeem(conn, T0, [Redeem("1", a), Redeem("1", a, "o2", 2_000)])
    assert (again, reused(other)) == (given, True)


def test_a_refusal_is_the_first_ones_too(conn: psycopg.Connection) -> None:
    (a,) = coupons(conn, 1)
    wrong = Redeem("1", "no such code")
    (refused,) = redeem(conn, T0, [wrong])
    assert refused.reason is Reason.UNKNOWN_CODE
    assert redeem(conn, T0, [wrong]) == [refused]
    assert reused(redeem(conn, T0, [Redeem("1", a)])[0])
    assert booked(conn) == []


def test_a_hold_keeps_its_id_until_and_after_its_end(conn: psycopg.Connection) -> None:
    a, b = coupons(conn, 1, 2)
    hold = Redeem("1", a, "o1", 2_000, hold_until=T0 + HOUR)
    (held,) = redeem(conn, T0, [hold])
    other = replace(hold, code=b, order_id="o2")
    assert reused(redeem(conn, T0, [other])[0])
    assert redeem(conn, T0, [hold]) == [held]
    assert confirm(conn, T0, ["1"])[0].ok
    assert reused(redeem(conn, T0, [other])[0])
    assert redeem(conn, T0, [replace(hold, request_id="2", code=b, order_id="o3")])[0].ok
    assert release(conn, T0, ["2"])[0].ok
    assert redeem(conn, T0, [replace(hold, request_id="2", code=b, order_id="o3")])[0].reason is Reason.LAPSED
    assert reused(redeem(conn, T0, [replace(hold, request_id="2", code=b, order_id="o4")])[0])


def test_what_a_till_did_offline_is_held_against_its_id_too(conn: psycopg.Connection) -> None:
    a, b = coupons(conn, 1, 2)
    (given,) = redeem(conn, T0, [Redeem("1", a, "o1", 2_000)])
    late = Redeem("1", a, "o1", 2_000, discount_fen=500, at=T0, how=OFFLINE)
    assert redeem(conn, T0 + HOUR, [late]) == [given], "asked first, and told once more as the answer was lost"
    assert reused(redeem(conn, T0 + HOUR, [replace(late, code=b, order_id="o2")])[0])
    assert redeem(conn, T0 + HOUR, [replace(late, request_id="2", code=b, order_id="o2")])[0].ok


def test_our_own_event_of_a_redemption_changes_nothing(conn: psycopg.Connection) -> None:
    (a,) = coupons(conn, 1)
    redeem(conn, T0, [Redeem("1", a, "o1", 2_000)])
    happen(conn, 1, "coupon_redeemed", T0, code=a, order_id="o1", request_id="1", amount_fen=500)
    run(conn, T0 + HOUR)
    assert booked(conn) == [("1", a)]
