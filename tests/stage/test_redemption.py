"""Coupons in use: what goes together, floors, holds, late words from tills, gifts, red packets, limits. Each refusal by its name."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yutang import definitions
from yutang.db.connect import connect
from yutang.model import Reason
from yutang.offer import Redeem, Redeemed, Wanted, advance, check, confirm, conflicts, issue, redeem, release
from yutang.offer.definition import read
from yutang.offer.till import OFFLINE

T0 = datetime(2026, 1, 1, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
HEAD = {"sort": "coupon", "title": "{zh: 券, en: Coupon}"}
ANN = 1


def offer(conn: psycopg.Connection, name: str, **fields: Any) -> int:
    """Publish one offer; returns its id."""
    words = {"stackable": "true"} if "stack" in fields or "excludes" in fields else {}
    lines = "\n".join(f"  {key}: {value}" for key, value in (HEAD | words | fields).items())
    body = (
        read(f"{name}:\n{lines}".replace("True", "true")).popitem()[1]
        if "excludes" not in fields
        else _full(name, lines)
    )
    return definitions.publish(conn, T0, "offer", name, body, "test").definition_id


def _full(name: str, lines: str) -> dict[str, Any]:
    """`excludes` must name what is in the file."""
    others = "".join(
        f"{o}:\n  sort: coupon\n  title: {{zh: 券, en: C}}\n  discount: {{off_fen: 1}}\n" for o in ("plain", "shop")
    )
    return read(f"{others}{name}:\n{lines}")[name]


def give(conn: psycopg.Connection, definition_id: int, *persons: int, now: datetime = T0, rung: int = 0) -> list[str]:
    """A coupon for each; its codes. Fails where one is refused."""
    row = conn.execute("select coalesce(max(touch_id), 0) as n from coupon").fetchone()
    assert row is not None
    granted = issue(conn, now, [Wanted(p, definition_id, rung, row.n + n) for n, p in enumerate(persons, 1)])
    assert all(g.code for g in granted), granted
    return [g.code or "" for g in sorted(granted, key=lambda g: g.touch_id)]


def money(conn: psycopg.Connection, definition_id: int) -> tuple[int, int, int, int]:
    """issued, redeemed, reserved, spent."""
    row = conn.execute(
        "select issued, redeemed, reserved_fen, spent_fen from stock where definition_id = %s", (definition_id,)
    ).fetchone()
    assert row is not None
    return tuple(row)


def reasons(answers: list[Redeemed]) -> list[Reason | None]:
    return [answer.reason for answer in answers]


def on(order: str, *codes: str, amount: int | None = 10_000, **fields: Any) -> list[Redeem]:
    """These coupons on one order, in this order."""
    return [Redeem(f"{order}/{code}", code, order, amount, **fields) for code in codes]


def test_what_does_not_go_together_is_refused_and_says_with_what(conn: psycopg.Connection) -> None:
    plain = offer(conn, "plain", discount="{off_fen: 500}")
    tea = offer(conn, "tea", discount="{off_fen: 500}", stack="shop")
    cake = offer(conn, "cake", discount="{off_fen: 300}", stack="shop")
    free = offer(conn, "free", discount="{off_fen: 100}", stackable="true")
    shy = offer(conn, "shy", discount="{off_fen: 100}", excludes="[shop]")
    (p,), (t,), (c,), (f,), (s,) = (give(conn, d, ANN) for d in (plain, tea, cake, free, shy))
    assert reasons(redeem(conn, T0, on("o1", t, f))) == [None, None]
    late = redeem(conn, T0, on("o1", c))
    assert (late[0].reason, late[0].against) == (Reason.STACKING, t), "two of one group, however long between"
    alone = redeem(conn, T0, on("o1", p, s))
    assert reasons(alone) == [Reason.STACKING, Reason.STACKING]
    assert (alone[0].against in (t, f), alone[1].against) == (True, t)
    assert redeem(conn, T0, on("o1", c)) == late, "the same answer for ever"
    assert reasons(redeem(conn, T0, on("o2", p, c))) == [None, Reason.STACKING], "in one batch, in its order"
    assert reasons(redeem(conn, T0, [Redeem("fresh", c, "o3", 900)])) == [None]
    kept = conn.execute("select against from redemption where reason = 'stacking' order by request_id").fetchall()
    assert {row.against for row in kept} >= {t, p}


def test_somebody_elses_coupon_counts_on_an_order_too(conn: psycopg.Connection) -> None:
    mine, theirs, third = give(conn, offer(conn, "plain", discount="{off_fen: 500}"), 1, 2, 3)
    redeem(conn, T0, on("o1", mine))
    again = redeem(conn, T0, on("o1", theirs))[0]
    assert (again.reason, again.against) == (Reason.STACKING, mine), "the same name and amount: the same order"
    assert redeem(conn, T0, on("o1", third, amount=9_999))[0].ok, "another store's order of the same name"


def test_each_acts_on_what_the_others_left(conn: psycopg.Connection) -> None:
    off = offer(conn, "off", discount="{off_fen: 3000}", stackable="true")
    part = offer(conn, "part", discount="{percent: 50}", value_fen=100, stackable="true", minimum_fen=7000)
    (a, b), (c, d) = give(conn, off, 1, 2), give(conn, part, 1, 2)
    assert [r.discount_fen for r in redeem(conn, T0, on("o", a, c))] == [3000, 3500]
    both = redeem(conn, T0, on("p", b, d, amount=9_999))
    assert reasons(both) == [None, Reason.BELOW_MINIMUM], "the minimum is asked of what is left"
    (e, f), (g, h) = (
        give(conn, offer(conn, "off2", discount="{off_fen: 3000}", stackable="true"), 3, 4),
        give(conn, part, 3, 4),
    )
    assert [r.discount_fen for r in check(conn, T0, on("q", g, e))] == [5000, 3000], "the order is the till's choice"
    assert [r.discount_fen for r in check(conn, T0, on("q", e, g))] == [3000, 3500]
    assert len({f, h}) == 2


def test_the_floor_holds_after_all_coupons_on_the_order(conn: psycopg.Connection) -> None:
    guarded = offer(conn, "guarded", discount="{percent: 20}", value_fen=100, stackable="true", margin_floor_percent=60)
    other = offer(conn, "other", discount="{off_fen: 2500}", stackable="true")
    (g1, g2), (o1, o2) = give(conn, guarded, 1, 2), give(conn, other, 1, 2)
    assert reasons(redeem(conn, T0, on("a", g1, o1))) == [None, Reason.BELOW_MARGIN], (
        "the first one's floor binds the second"
    )
    assert reasons(redeem(conn, T0, on("b", o2, g2, amount=12_500))) == [None, None], "exactly on the floor is above it"
    whole = offer(conn, "whole", discount="{off_fen: 500}", margin_left_percent=10)
    (w1, w2, w3) = give(conn, whole, 1, 2, 3)
    asked = [
        Redeem("m1", w1, "m1", 10_000, margin_fen=1_499),
        Redeem("m2", w2, "m2", 10_000, margin_fen=1_500),
        Redeem("m3", w3, "m3", 10_000),
    ]
    assert reasons(redeem(conn, T0, asked)) == [Reason.BELOW_MARGIN, None, None], (
        "asked only where the order tells its margin"
    )


def test_a_coupon_below_its_own_floor_is_not_given_out(conn: psycopg.Connection) -> None:
    deep = offer(conn, "deep", discount="{percent: 50}", value_fen=100, margin_floor_percent=60)
    steep = offer(conn, "steep", discount="{off_fen: 500}", minimum_fen=1000, margin_floor_percent=60)
    fine = offer(conn, "fine", discount="{off_fen: 500}", minimum_fen=1250, margin_floor_percent=60)
    said = {
        g.touch_id: g.reason
        for g in issue(conn, T0, [Wanted(1, deep, 0, 1), Wanted(1, steep, 0, 2), Wanted(1, fine, 0, 3)])
    }
    assert said == {1: Reason.BELOW_MARGIN, 2: Reason.BELOW_MARGIN, 3: None}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    amount=st.integers(500, 20_000),
    floor=st.integers(0, 100),
    offs=st.lists(st.tuples(st.booleans(), st.integers(1, 90)), min_size=1, max_size=5),
    cut=st.integers(0, 5),
)
def test_no_way_to_ask_passes_a_floor_or_a_group(
    conn: psycopg.Connection, amount: int, floor: int, offs: list, cut: int
) -> None:
    """Any coupons, asked in one batch or two: what is booked on the order keeps floor and groups, and the sums agree."""
    conn.execute("truncate definition, stock, coupon, coupon_news, redemption, event, offer_refusal")
    definitions._seen.clear()
    found = []
    for n, (grouped, percent) in enumerate(offs):
        words = {"stack": "one"} if grouped else {"stackable": "true"}
        one = offer(conn, f"o{n}", discount=f"{{percent: {percent}}}", value_fen=9, **words)
        found += give(conn, one, ANN)
    definitions._seen.clear()
    guard = offer(conn, "guard", discount="{off_fen: 1}", stackable="true", margin_floor_percent=floor)
    (first,) = give(conn, guard, ANN)
    answers = redeem(conn, T0, on("x", first, amount=amount))
    for part in (found[:cut], found[cut:]):
        answers += redeem(conn, T0, on("x", *part, amount=amount))
    off = sum(a.discount_fen for a in answers)
    assert off == 0 or (amount - off) * 100 >= floor * amount or not answers[0].ok
    assert sum(a.ok for a, (grouped, _) in zip(answers[1:], offs, strict=True) if grouped) <= 1
    row = conn.execute("select sum(spent_fen)::bigint as fen from stock").fetchone()
    assert row is not None
    assert row.fen == off


def test_check_books_nothing(conn: psycopg.Connection) -> None:
    one = offer(conn, "one", discount="{off_fen: 500}", budget_fen=500)
    (code,) = give(conn, one, ANN)
    assert check(conn, T0, [Redeem("r", code, "o", 2000), Redeem("s", "nothing")]) == [
        Redeemed("r", None, 500),
        Redeemed("s", Reason.UNKNOWN_CODE, 0, None, "refused"),
    ]
    assert conn.execute("select from redemption").fetchall() == []
    assert money(conn, one) == (1, 0, 500, 0)
    assert redeem(conn, T0, [Redeem("r", code, "o", 2000)])[0].ok


def test_a_hold_keeps_the_coupon_for_its_order_until_it_is_over(conn: psycopg.Connection) -> None:
    one = offer(conn, "one", discount="{off_fen: 500}", valid_days=1)
    a, b, c = give(conn, one, 1, 2, 3)
    until = T0 + 10 * MINUTE
    held = redeem(conn, T0, [Redeem(f"h{code}", code, f"o{code}", 2000, hold_until=until) for code in (a, b, c)])
    assert {(h.state, h.discount_fen) for h in held} == {("held", 500)}
    assert money(conn, one) == (3, 3, 0, 1500), "the money is taken while it is held"
    other = redeem(conn, T0, [Redeem("x", a, "other", 2000)])[0]
    assert (other.reason, other.against) == (Reason.RESERVED, f"h{a}")
    assert redeem(conn, T0, [Redeem(f"h{a}", a, f"o{a}", 2000, hold_until=until)]) == held[:1], (
        "asking again changes nothing"
    )
    assert confirm(conn, T0 + MINUTE, [f"h{a}"]) == confirm(conn, T0 + MINUTE, [f"h{a}"])
    assert release(conn, T0 + MINUTE, [f"h{b}", "never"]) == [
        Redeemed(f"h{b}", None, 500, None, "released"),
        Redeemed("never", Reason.UNKNOWN_REQUEST, 0, None, "refused"),
    ]
    assert reasons(release(conn, T0 + MINUTE, [f"h{a}"])) == [Reason.ALREADY_REDEEMED]
    assert reasons(confirm(conn, T0 + 10 * MINUTE, [f"h{c}"])) == [Reason.LAPSED], "also before anybody has looked"
    assert advance(conn, T0 + 10 * MINUTE)["redemption_lapsed"] == 1
    assert reasons(confirm(conn, T0 + MINUTE, [f"h{b}", f"h{c}"])) == [Reason.LAPSED, Reason.LAPSED]
    assert money(conn, one) == (3, 1, 1000, 500)
    states = dict(conn.execute("select code, state from coupon").fetchall())
    assert states == {a: "redeemed", b: "issued", c: "issued"}
    told = conn.execute("select props ->> 'request_id' as id from event where type = 'coupon_redeemed'").fetchall()
    assert [row.id for row in told] == [f"h{a}"], "only what came about is told, once"
    assert redeem(conn, T0 + HOUR, [Redeem("again", b, "o2", 2000)])[0].ok
    assert redeem(conn, T0 + HOUR, [Redeem(f"h{c}", c, f"o{c}", 2000, hold_until=until)])[0].reason is Reason.LAPSED


def test_a_hold_that_outlives_its_coupon_gives_back_the_money_alone(conn: psycopg.Connection) -> None:
    one = offer(conn, "one", discount="{off_fen: 500}", valid_days=1)
    (code,) = give(conn, one, ANN)
    redeem(conn, T0, [Redeem("h", code, "o", 2000, hold_until=T0 + 2 * DAY)])
    advance(conn, T0 + 1.5 * DAY)
    assert conn.execute("select state from coupon").fetchall() == [("reserved",)], "whoever holds it has it"
    while advance(conn, T0 + 2 * DAY).busy():
        pass
    assert conn.execute("select state from coupon").fetchall() == [("expired",)]
    assert money(conn, one) == (1, 0, 0, 0)


def test_what_a_till_did_offline_is_booked_late_or_listed_as_a_conflict(conn: psycopg.Connection) -> None:
    one = offer(conn, "one", discount="{off_fen: 500}", valid_days=3)
    a, b, c, d = give(conn, one, 1, 2, 3, 4)
    while advance(conn, T0 + 4 * DAY).busy():
        pass
    now = T0 + 5 * DAY
    redeem(conn, now, [Redeem("online", b, "web", 2000, at=T0 + DAY)])

    def late(request: str, code: str, at: datetime, order: str | None = None) -> Redeem:
        return Redeem(request, code, order or request, 2000, None, 450, at, how=OFFLINE)

    asked = [
        late("1", a, T0 + 2 * DAY),
        late("2", b, T0 + DAY),
        late("3", c, T0 + 3 * DAY),
        late("4", d, now + 2 * HOUR),
        late("5", "nothing", T0),
        late("6", a, T0 + 2 * DAY, "1"),
    ]
    answers = redeem(conn, now, asked)
    assert [(r.reason, r.state, r.against) for r in answers] == [
        (None, "done", None),
        (Reason.ALREADY_REDEEMED, "conflict", "online"),
        (Reason.EXPIRED, "conflict", None),
        (Reason.IN_FUTURE, "conflict", None),
        (Reason.UNKNOWN_CODE, "conflict", None),
        (None, "done", "1"),
    ]
    assert redeem(conn, now + DAY, asked) == answers, "sent again after a broken line"
    assert reasons(redeem(conn, T0 + 11 * DAY, [late("7", d, T0 + DAY)])) == [Reason.TOO_OLD]
    assert money(conn, one) == (4, 2, 0, 950), "what was given in vain is no use of the coupon"
    listed = {row["request_id"]: (row["discount_fen"], row["against"]) for row in conflicts(conn)}
    assert listed == {"2": (450, "online"), "3": (450, None), "4": (450, None), "5": (450, None), "7": (450, None)}


def test_an_offline_use_of_a_held_coupon_waits_for_the_order(conn: psycopg.Connection) -> None:
    (a, b) = give(conn, offer(conn, "one", discount="{off_fen: 500}"), 1, 2)
    redeem(conn, T0, [Redeem(f"h{code}", code, f"web{code}", 2000, hold_until=T0 + HOUR) for code in (a, b)])
    late = [Redeem(f"late{code}", code, "till", 2000, at=T0, how=OFFLINE) for code in (a, b)]
    assert [(r.reason, r.state, r.against) for r in redeem(conn, T0, late)] == [
        (Reason.RESERVED, "wait", f"h{a}"),
        (Reason.RESERVED, "wait", f"h{b}"),
    ]
    assert conflicts(conn) == [], "nothing is kept of it"
    release(conn, T0, [f"h{a}"])
    confirm(conn, T0, [f"h{b}"])
    assert [(r.reason, r.state) for r in redeem(conn, T0, late)] == [
        (None, "done"),
        (Reason.ALREADY_REDEEMED, "conflict"),
    ]


def test_a_red_packet_is_claimed_once_and_all_of_them_share_the_budget_to_the_fen(conn: psycopg.Connection) -> None:
    words = {"sort": "red_packet", "amount_fen": "{from: 100, to: 900}", "budget_fen": 20_000, "stock": 50}
    one = offer(conn, "packet", **words)
    granted = issue(conn, T0, [Wanted(p, one, 0, p) for p in range(1, 31)])
    granted += issue(conn, T0, [Wanted(p, one, 0, 100 + p) for p in range(20, 61)])
    said = Counter(g.reason for g in granted)
    assert said == {None: 50, Reason.HAS_ENOUGH: 11, Reason.SOLD_OUT: 10}
    fen = [row.value_fen for row in conn.execute("select value_fen from coupon")]
    assert sum(fen) == 20_000
    assert all(100 <= x <= 900 for x in fen)
    assert len(set(fen)) > 5, "by chance"
    assert money(conn, one) == (50, 0, 20_000, 0)
    codes = [g.code or "" for g in granted if g.code]
    first = redeem(conn, T0, [Redeem(code, code, person_id=None) for code in codes])
    again = redeem(conn, T0, [Redeem(f"again{code}", code) for code in codes])
    assert sum(r.discount_fen for r in first) == 20_000
    assert reasons(again) == [Reason.ALREADY_REDEEMED] * 50
    assert money(conn, one) == (50, 50, 0, 20_000)
    told = conn.execute(
        "select count(*), sum((props ->> 'amount_fen')::int) from event where type = 'red_packet_claimed'"
    ).fetchone()
    assert tuple(told or ()) == (50, 20_000)


def test_red_packets_without_a_number_end_with_the_money(conn: psycopg.Connection) -> None:
    one = offer(conn, "packet", sort="red_packet", amount_fen=300, budget_fen=1_000, valid_days=2)
    assert Counter(g.reason for g in issue(conn, T0, [Wanted(p, one, 0, p) for p in range(5)])) == {
        None: 3,
        Reason.OVER_BUDGET: 2,
    }
    while advance(conn, T0 + 2 * DAY).busy():
        pass
    assert money(conn, one) == (3, 0, 0, 0), "what nobody claimed can be shared again"
    assert Counter(g.reason for g in issue(conn, T0 + 2 * DAY, [Wanted(p, one, 0, p) for p in range(5, 9)])) == {
        None: 3,
        Reason.OVER_BUDGET: 1,
    }


def test_a_gift_is_handed_over_and_takes_nothing_off(conn: psycopg.Connection) -> None:
    words = {
        "sort": "gift",
        "sku": "MUG-1",
        "value_fen": 1500,
        "budget_fen": 3000,
        "hand_over": "with_order",
        "stackable": "true",
    }
    one = offer(conn, "mug", minimum_fen=5000, **words)
    off = offer(conn, "off", discount="{off_fen: 3000}", stackable="true")
    (a, b), (o,) = give(conn, one, 1, 2), give(conn, off, 1)
    assert reasons(issue(conn, T0, [Wanted(3, one, 0, 77)])) == [Reason.OVER_BUDGET]
    assert reasons(redeem(conn, T0, [Redeem("x", a)])) == [Reason.NO_ORDER]
    asked = redeem(conn, T0, [*on("w", o, amount=7_999), Redeem("g1", a, "w", 7_999), Redeem("g2", b, "v", 5_000)])
    assert [(r.reason, r.discount_fen, r.gift) for r in asked] == [
        (None, 3000, None),
        (Reason.BELOW_MINIMUM, 0, None),
        (None, 0, "MUG-1"),
    ]
    assert money(conn, one) == (2, 1, 1500, 1500), "what it costs is booked"
    assert redeem(conn, T0, [Redeem("g2", b, "v", 5_000)]) == asked[2:]


def test_limits_on_uses_by_day_and_by_speed(conn: psycopg.Connection) -> None:
    daily = offer(conn, "daily", discount="{off_fen: 5}", per_person=9, stackable="true", limits="{uses_per_day: 2}")
    fast = offer(
        conn,
        "fast",
        discount="{off_fen: 5}",
        per_person=9,
        stackable="true",
        limits="{velocity: {uses: 2, minutes: 10}}",
    )
    now = datetime(2026, 1, 5, 17, tzinfo=UTC)  # one o'clock at night in Shanghai
    day = give(conn, daily, 1, 1, 1, 1, now=T0)
    asked = [Redeem(f"d{n}", code, f"d{n}", 900, at=now + n * MINUTE) for n, code in enumerate(day[:3])]
    assert reasons(redeem(conn, now, asked)) == [None, None, Reason.DAILY_LIMIT]
    assert reasons(redeem(conn, now + DAY, [Redeem("d9", day[3], "d9", 900)])) == [None]
    quick = give(conn, fast, 2, 2, 2, 2, now=T0)
    assert reasons(redeem(conn, now, [Redeem(f"f{n}", c, f"f{n}", 900) for n, c in enumerate(quick[:3])])) == [
        None,
        None,
        Reason.TOO_FAST,
    ]
    assert reasons(redeem(conn, now + 10 * MINUTE, [Redeem("f9", quick[3], "f9", 900)])) == [None]


def test_a_limit_on_issues_by_day(conn: psycopg.Connection) -> None:
    one = offer(conn, "one", discount="{off_fen: 5}", per_person=9, limits="{per_day: 1}")
    evening = datetime(2026, 1, 5, 15, 59, tzinfo=UTC)
    say = [[g.reason for g in issue(conn, evening + n * MINUTE, [Wanted(1, one, 0, n)])] for n in range(3)]
    assert say == [[None], [None], [Reason.DAILY_LIMIT]], "midnight in Shanghai lies between the first two"


def test_one_phone_or_device_has_its_share_whoever_registers_with_it(conn: psycopg.Connection) -> None:
    phone = "04000000-0000-0000-0000-000000000001"
    device = ["08000000-0000-0000-0000-00000000000" + n for n in "12"]
    conn.execute("insert into handle (key, person_id, origin_id, event_id) values (%s, 1, 1, 1)", (phone,))
    for event, person, its in ((1, 1, device[0]), (2, 2, device[0]), (3, 3, device[0]), (4, 4, device[1])):
        conn.execute(
            """insert into event (event_id, source, source_id, type, at, received_at, handles, keys, props) overriding system value
               values (%s, 'yutang', %s, 'registered', %s, %s, '{}', %s::uuid[], '{}')""",
            (event, str(event), T0, T0, [its]),
        )
        conn.execute(
            "insert into person_event (bucket, person_id, type, at, event_id, day, amount, props) values (%s, %s, 'registered', %s, %s, %s, 0, '{}')",
            (person, person, T0, event, T0.date()),
        )
    one = offer(conn, "one", discount="{off_fen: 5}", per_person=2, limits="{device: 2, phone: 1}")
    first = issue(conn, T0, [Wanted(1, one, 0, 1), Wanted(2, one, 0, 2), Wanted(3, one, 0, 3), Wanted(4, one, 0, 4)])
    assert {g.touch_id: g.reason for g in first} == {1: None, 2: None, 3: Reason.SHARED, 4: None}
    second = issue(conn, T0, [Wanted(1, one, 0, 5), Wanted(3, one, 0, 6), Wanted(4, one, 0, 7), Wanted(2, one, 0, 2)])
    assert {g.touch_id: g.reason for g in second} == {5: Reason.SHARED, 6: Reason.SHARED, 7: None, 2: None}
    kept = conn.execute("select person_id, reason from offer_refusal order by key").fetchall()
    assert Counter(tuple(row) for row in kept) == {(3, "shared"): 2, (1, "shared"): 1}


def _spend(work: tuple[str, int, list[str], int]) -> list[tuple[str, str | None, int]]:
    """A process of its own: redeems, holds, confirms and releases what it is given, and issues more."""
    url, worker, codes, definition_id = work
    said = []
    with connect(url) as mine:
        for n in range(0, len(codes), 7):
            part = codes[n : n + 7]
            held = T0 + HOUR if (n // 7 + worker) % 3 == 0 else None
            asked = [Redeem(f"{worker}/{c}", c, f"{worker}/{c}", 2000, hold_until=held) for c in part]
            said += [(r.request_id, r.reason and r.reason.value, r.discount_fen) for r in redeem(mine, T0, asked)]
            if held:
                ids = [request.request_id for request in asked]
                confirm(mine, T0, ids[:3])
                release(mine, T0, ids[3:])
            issue(
                mine,
                T0,
                [
                    Wanted(9_000 + worker * 1_000 + n + i, definition_id, 0, 10_000 * (worker + 1) + n + i)
                    for i in range(7)
                ],
            )
    return said


def test_a_raised_budget_is_there_at_the_till_at_once(conn: psycopg.Connection) -> None:
    terms = {"discount": "{off_fen: 200}", "value_fen": 100}
    first, second = give(conn, offer(conn, "one", budget_fen=200, **terms), 1, 2)
    assert reasons(redeem(conn, T0, [*on("a", first), *on("b", second)])) == [None, Reason.OVER_BUDGET]
    offer(conn, "one", budget_fen=1_000, **terms)
    assert reasons(redeem(conn, T0, on("c", second))) == [None]


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_eight_workers_never_spend_more_than_the_budget(conn: psycopg.Connection, url: str, pool: Any) -> None:
    """Everybody redeems every coupon in another order while more are given out; the money is short for both."""
    one = offer(conn, "one", discount="{off_fen: 700}", stock=250, budget_fen=200 * 700)
    codes = give(conn, one, *range(1, 121))
    offer(conn, "one", discount="{off_fen: 700}", stock=250, budget_fen=100 * 700 + 350)
    work = [(url, n, codes[n * 13 :] + codes[: n * 13], one) for n in range(8)]
    with pool(8) as workers:
        said = [answer for part in workers.map(_spend, work) for answer in part]
    row = conn.execute("select issued, total, redeemed, budget_fen, reserved_fen, spent_fen from stock").fetchone()
    assert row is not None
    done = conn.execute(
        "select count(*) as n, sum(discount_fen)::bigint as fen from redemption where state = 'done'"
    ).fetchone()
    assert done is not None
    assert (row.redeemed, row.spent_fen) == (done.n, done.fen)
    assert row.spent_fen <= row.budget_fen
    kept = conn.execute(
        "select count(*) as n, count(distinct touch_id) as t, coalesce(sum(value_fen) filter (where state = 'issued'), 0)::bigint as open from coupon"
    ).fetchone()
    assert kept is not None
    assert (kept.n, kept.t, kept.open) == (row.issued, row.issued, row.reserved_fen)
    assert row.issued <= row.total
    used = conn.execute("select code from redemption where state = 'done'").fetchall()
    assert len(used) == len({row.code for row in used}), "nothing twice"
    assert conn.execute("select from redemption where state = 'held'").fetchall() == []
    assert {reason for _, reason, _ in said} >= {None, "already_redeemed"}
