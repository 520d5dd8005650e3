"""Coupons: never oversold, each promise kept once, every refusal by its name."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from yutang import definitions, identity
from yutang.db.connect import connect
from yutang.model import Reason
from yutang.offer import Redeem, RedeemCounter, Redeemed, Wanted, advance, issue, redeem, totals
from yutang.offer.definition import read

T0 = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
COUPON = {"sort": "coupon", "title": {"zh": "券", "en": "Coupon"}, "discount": {"off_fen": 500}}
LADDER = {"sort": "ladder", "title": {"zh": "梯", "en": "Ladder"}, "down": [85, 28], "up": [50], "basket_fen": 2000}


def offer(conn: psycopg.Connection, _form: dict[str, Any] = COUPON, name: str = "offer", **fields: Any) -> int:
    """Publish one offer; returns its id."""
    text = "\n".join(f"  {key}: {str(value).replace('None', 'null')}" for key, value in (_form | fields).items())
    body = read(f"{name}:\n{text}")[name]
    return definitions.publish(conn, T0, "offer", name, body, "test").definition_id


def codes(conn: psycopg.Connection, definition_id: int, persons: range, now: datetime = T0, rung: int = 0) -> list[str]:
    granted = issue(conn, now, [Wanted(p, definition_id, rung, p) for p in persons])
    return [g.code or "" for g in sorted(granted, key=lambda g: g.touch_id)]


def reasons(granted: list[Any]) -> Counter:
    return Counter(g.reason for g in granted)


def stock(conn: psycopg.Connection) -> tuple[int, int, int, int]:
    row = conn.execute("select issued, redeemed, reserved_fen, spent_fen from stock").fetchone()
    assert row is not None
    return tuple(row)


def test_stock_is_never_oversold_and_every_touch_gets_its_own_coupon_once(conn: psycopg.Connection, url: str) -> None:
    """Eight workers; every customer is asked by two of them, with the same touch."""
    definition_id = offer(conn, stock=500)

    def work(worker: int) -> list[Any]:
        found = []
        with connect(url) as mine:
            for batch in range(5):
                lo = (worker // 2) * 250 + batch * 50
                with mine.transaction():
                    found += issue(mine, T0, [Wanted(p, definition_id, 0, p) for p in range(lo, lo + 50)])
        return found

    with ThreadPoolExecutor(8) as pool:
        found = [g for part in pool.map(work, range(8)) for g in part]
    kept = conn.execute("select code, touch_id, person_id from coupon").fetchall()
    assert len(kept) == 500 == len({row.code for row in kept}) == len({row.person_id for row in kept})
    assert stock(conn)[0] == 500
    assert {(g.touch_id, g.code) for g in found if g.code} == {(row.touch_id, row.code) for row in kept}
    assert reasons(found)[Reason.SOLD_OUT] == 1000
    assert {row.reason for row in conn.execute("select reason from offer_refusal")} == {"sold_out"}


def test_one_per_person_also_when_two_workers_ask_for_different_touches(conn: psycopg.Connection, url: str) -> None:
    definition_id = offer(conn, per_person=2)

    def work(worker: int) -> None:
        with connect(url) as mine:
            for n in range(10):
                issue(mine, T0, [Wanted(p, definition_id, 0, worker * 10_000 + n * 100 + p) for p in range(20)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    held = Counter(row.person_id for row in conn.execute("select person_id from coupon"))
    assert held == dict.fromkeys(range(20), 2)
    both = issue(conn, T0, [Wanted(99, definition_id, 0, 1_000_000 + n) for n in range(3)])
    assert [g.reason for g in sorted(both, key=lambda g: g.touch_id)] == [None, None, Reason.HAS_ENOUGH]


def test_a_repeat_returns_the_same_code_and_takes_nothing(conn: psycopg.Connection) -> None:
    definition_id = offer(conn, stock=2)
    first = codes(conn, definition_id, range(1, 3))
    assert codes(conn, definition_id, range(1, 3)) == first
    assert stock(conn) == (2, 0, 1000, 0)


def test_codes_name_their_bucket_and_are_random_beyond(conn: psycopg.Connection) -> None:
    found = codes(conn, offer(conn), range(1, 2001))
    assert all(len(code) == 16 and int(code[:3], 16) == p & 1023 for p, code in enumerate(found, 1))
    assert all(len(set(column)) == 16 for column in list(zip(*found, strict=True))[3:])


def test_what_an_issue_refuses(conn: psycopg.Connection) -> None:
    budget = offer(conn, budget_fen=1200)
    assert reasons(issue(conn, T0, [Wanted(p, budget, 0, p) for p in range(3)])) == {None: 2, Reason.OVER_BUDGET: 1}
    floor = offer(conn, LADDER, "ladder", margin_floor_percent=30)
    granted = issue(conn, T0, [Wanted(1, floor, rung, 10 + rung) for rung in (1, 2, 3, 4)])
    assert [g.reason for g in sorted(granted, key=lambda g: g.touch_id)] == [
        None,
        Reason.BELOW_MARGIN,
        None,
        Reason.RETIRED,
    ]
    terms = conn.execute(
        "select rung, pay_percent, value_fen from coupon where definition_id = %s order by rung", (floor,)
    )
    assert [tuple(row) for row in terms] == [(1, 85, 300), (3, 50, 1000)]
    kept = conn.execute("select key, reason from offer_refusal where definition_id = %s order by key", (floor,))
    assert [tuple(row) for row in kept] == [("touch:12", "below_margin"), ("touch:14", "retired")]
    assert issue(conn, T0, [Wanted(1, 77, 0, 20)])[0].reason == Reason.RETIRED


def test_between_two_rungs_a_person_cools_down(conn: psycopg.Connection) -> None:
    definition_id = offer(conn, LADDER, cool_down_days=5)
    assert issue(conn, T0, [Wanted(1, definition_id, 1, 1)])[0].code
    assert issue(conn, T0 + 4 * DAY, [Wanted(1, definition_id, 3, 2)])[0].reason == Reason.COOL_DOWN
    assert issue(conn, T0 + 5 * DAY, [Wanted(1, definition_id, 3, 3)])[0].code


def test_a_smaller_stock_stops_at_what_is_out_and_an_endless_one_goes_on(conn: psycopg.Connection) -> None:
    definition_id = offer(conn, stock=10)
    codes(conn, definition_id, range(1, 6))
    offer(conn, stock=3)
    assert reasons(issue(conn, T0, [Wanted(8, definition_id, 0, 8)])) == {Reason.SOLD_OUT: 1}
    offer(conn, stock=None)
    assert reasons(issue(conn, T0, [Wanted(8, definition_id, 0, 8)])) == {None: 1}


def test_what_a_redemption_refuses(conn: psycopg.Connection) -> None:
    definition_id = offer(conn, minimum_fen=1000, valid_days=10)
    a, b, c = codes(conn, definition_id, range(1, 4))
    asked = [
        Redeem("1", "nothing", "o", 2000, 1),
        Redeem("2", a, "o", 2000, 2),
        Redeem("3", a, "o", 999, 1),
        Redeem("4", a, "o", 2000, 1, at=T0 - DAY),
        Redeem("5", a, "o", 2000, 1, at=T0 + 10 * DAY),
        Redeem("6", a, "o", 2000, 1),
        Redeem("7", a, "o", 2000, 1),
        Redeem("9", b, "o", 2000, 2),
        Redeem("6", b, "o", 2000, 2),
        Redeem("8", c, "o", None, None),
    ]
    answers = redeem(conn, T0 + DAY, asked)
    assert [answer.reason for answer in answers] == [
        Reason.UNKNOWN_CODE,
        Reason.NOT_YOURS,
        Reason.BELOW_MINIMUM,
        Reason.NOT_YET_VALID,
        Reason.EXPIRED,
        None,
        Reason.ALREADY_REDEEMED,
        Reason.STACKING,
        Reason.ID_REUSED,
        None,
    ]
    assert stock(conn) == (3, 2, 500, 1000)
    assert redeem(conn, T0 + 30 * DAY, asked) == answers, "who asks again hears the same"
    assert stock(conn) == (3, 2, 500, 1000)
    kept = {row.request_id: row.reason for row in conn.execute("select request_id, reason from redemption")}
    assert kept == {a.request_id: a.reason for a in answers if a.reason is not Reason.ID_REUSED}
    assert totals(conn) == {"issued": 3, "redeemed": 2, "outstanding": 1, "liability_fen": 500}


def test_a_discount_follows_the_terms_of_the_day_of_issue(conn: psycopg.Connection) -> None:
    definition_id = offer(conn, discount={"percent": 15}, value_fen=300, budget_fen=1000)
    (code, other, third) = codes(conn, definition_id, range(1, 4))
    offer(conn, discount={"pay_percent": 10}, value_fen=300, budget_fen=1000)
    assert redeem(conn, T0, [Redeem("a", code, "o", 2001, 1)]) == [Redeemed("a", None, 301)]
    over = [Redeem("b", other, "o", 5000, 2), Redeem("c", third, "o", 4000, 3)]
    assert [r.reason for r in redeem(conn, T0, over)] == [Reason.OVER_BUDGET, None], "a refused one uses up no budget"
    assert stock(conn) == (3, 2, 300, 901)


def test_time_closes_coupons_and_frees_what_they_reserved(conn: psycopg.Connection) -> None:
    code, _ = codes(conn, offer(conn, valid_days=10), range(1, 3))
    assert advance(conn, T0 + 9.9 * DAY)["coupon_expired"] == 0
    assert advance(conn, T0 + 10 * DAY)["coupon_expired"] == 2
    assert stock(conn) == (2, 0, 0, 0)
    late = redeem(conn, T0 + 11 * DAY, [Redeem("r", code, "o", 900, 1, at=T0 + 9 * DAY)])
    assert late[0].ok, "used in time, told too late"
    assert stock(conn) == (2, 1, 0, 500)


def test_the_counter_serves_64_clients_and_gives_nothing_twice(conn: psycopg.Connection, url: str) -> None:
    """300 coupons of 500 fen against a budget of 100,000 fen; every coupon is shown three times."""
    found = codes(conn, offer(conn, budget_fen=150_000), range(1, 301))
    offer(conn, budget_fen=100_000)
    work = iter([(n, code) for n in range(3) for code in found])
    lock, answers = threading.Lock(), []

    def client() -> None:
        while True:
            with lock:
                todo = next(work, None)
            if todo is None:
                return
            answers.append(counter.redeem(Redeem(f"{todo[0]}{todo[1]}", todo[1], f"o{todo[1]}", 2000)))

    with RedeemCounter(url, lambda: T0) as counter:
        threads = [threading.Thread(target=client) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 900
    assert Counter(a.ok for a in answers)[True] == 200
    assert stock(conn) == (300, 200, 50_000, 100_000)


def test_the_counter_tells_its_clients_when_the_database_refuses(conn: psycopg.Connection, url: str) -> None:
    code = codes(conn, offer(conn), range(1, 2))[0]
    with RedeemCounter(url, lambda: T0) as counter:
        with pytest.raises(psycopg.Error):
            counter.redeem(Redeem("a\0b", code))
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()"
        )
        assert counter.redeem(Redeem("r", code)).ok


def test_clients_of_several_counters_and_a_refund_never_wait_in_a_ring(conn: psycopg.Connection, url: str) -> None:
    found = codes(conn, offer(conn), range(1, 201))

    def work(worker: int) -> list[Redeemed]:
        with connect(url) as mine:
            mix = found[worker:] + found[:worker]
            return [
                a
                for n in range(0, 200, 40)
                for a in redeem(mine, T0, [Redeem(f"{worker}{c}", c) for c in mix[n : n + 40]])
            ]

    with ThreadPoolExecutor(8) as pool:
        answers = [a for part in pool.map(work, range(8)) for a in part]
    assert Counter(a.reason for a in answers) == {None: 200, Reason.ALREADY_REDEEMED: 1400}
    assert stock(conn) == (200, 200, 0, 100_000)


def test_a_redemption_here_becomes_an_event_and_is_not_booked_twice(conn: psycopg.Connection) -> None:
    definition_id = offer(conn, stock=1)
    conn.execute("insert into person (bucket, person_id, created_at) values (1, 1, %s)", (T0,))
    (code,) = codes(conn, definition_id, range(1, 2))
    assert redeem(conn, T0, [Redeem("till-1", code, "o1", 10_000)])[0].ok
    while identity.resolve(conn, T0).busy() or advance(conn, T0).busy():
        pass
    told = conn.execute("select person_id, type, amount, props ->> 'order_id' as order_id from person_event").fetchall()
    assert [(e.person_id, e.type, e.order_id) for e in told] == [(1, "coupon_redeemed", "o1")]
    assert told[0].amount > 0
    assert conn.execute("select state, reason from redemption").fetchall() == [("done", None)]
