"""The set-based ladder is the pure state machine, whatever the history, its order of arrival and the cutting into batches."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import count

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from yutang import definitions
from yutang.model import Only, bucket_of
from yutang.offer import advance
from yutang.offer.ladder import Order, Rules, State, Tick, start, step

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PERSONS = (1, 1025, 2)
"""Two of one bucket, whom the calendar names in one row, and one of another."""
TURN = timedelta(minutes=25)
_ids = count(1)

rules = st.builds(
    Rules,
    silence_days=st.integers(1, 4),
    wait_days=st.integers(1, 3),
    again_days=st.none() | st.integers(1, 5),
    down=st.integers(1, 3),
    up=st.integers(1, 3),
    patience=st.integers(0, 2),
)
# A run of the stage: turns since the last one, then who ordered how many turns before that run (so some come late).
runs = st.lists(
    st.tuples(
        st.integers(0, 3) | st.integers(0, 170),
        st.lists(st.tuples(st.sampled_from(PERSONS), st.integers(-1, 290)), max_size=6),
    ),
    max_size=8,
)


def body(r: Rules) -> dict:
    days = {
        "silence_days": r.silence_days,
        "wait_days": r.wait_days,
        "again_days": r.again_days,
        "patience": r.patience,
    }
    money = {"stock": None, "budget_fen": None, "minimum_fen": 0, "valid_days": 7, "basket_fen": 100}
    guards = {"cool_down_days": 0, "margin_floor_percent": 0}
    return {"sort": "ladder", "down": [50] * r.down, "up": [60] * r.up} | days | money | guards


def happen(conn: psycopg.Connection, person: int, type: str, at: datetime) -> None:
    conn.execute(
        "insert into person_event (bucket, person_id, type, at, event_id, day, amount, props) values (%s,%s,%s,%s,%s,%s,0,%s)",
        (bucket_of(person), person, type, at, next(_ids), at.date(), Jsonb({})),
    )


def expected(r: Rules, history: list[tuple[datetime, list[tuple[int, datetime]]]], person: int) -> State:
    state = start(r, T0)
    for now, orders in history:
        for at in sorted(at for who, at in orders if who == person):
            state = step(r, state, Order(at))
        state = step(r, state, Tick(now))
    return state


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(r=rules, plan=runs, twice=st.booleans(), fast=st.booleans())
def test_sql_is_the_state_machine(conn: psycopg.Connection, r: Rules, plan: list, twice: bool, fast: bool) -> None:
    conn.execute("truncate person_event, ladder, ladder_due, definition, stage_cursor")
    definitions._seen.clear()
    definitions.publish(conn, T0, "offer", "ladder", body(r), "test")
    for person in PERSONS:
        happen(conn, person, "registered", T0)
    history, now = [], T0
    for turns, orders in plan:
        now += turns * TURN
        said = [(person, now - ago * TURN) for person, ago in orders]
        for person, at in said:
            happen(conn, person, "ordered", at)
        history.append((now, said))
        if fast:
            advance(conn, now, Only(persons=(2,)))
        if twice:
            conn.execute("update stage_cursor set xid = '0'")
        advance(conn, now)
    advance(conn, now)
    history.append((now, []))
    found = {
        row.person_id: State(*row[1:])
        for row in conn.execute("select person_id, side, rung, move, anchor_at, moved_at, due_at, waited from ladder")
    }
    for person in PERSONS:
        assert asdict(found[person]) == asdict(expected(r, history, person)), person


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    r=rules, hours=st.lists(st.integers(1, 400), min_size=1, max_size=10, unique=True), cuts=st.sets(st.integers(0, 10))
)
def test_orders_in_one_batch_or_in_many_lead_to_the_same_place(
    conn: psycopg.Connection, r: Rules, hours: list[int], cuts: set[int]
) -> None:
    """No clock runs between: the fold over a batch is the same as step after step, registration first or last."""
    conn.execute("truncate person_event, ladder, ladder_due, definition, stage_cursor")
    definitions._seen.clear()
    definitions.publish(conn, T0, "offer", "ladder", body(r), "test")
    if 0 in cuts:
        happen(conn, 1, "registered", T0)
    for n, hour in enumerate(sorted(hours)):
        happen(conn, 1, "ordered", T0 + timedelta(hours=hour))
        if n in cuts:
            advance(conn, T0)
    if 0 not in cuts:
        happen(conn, 1, "registered", T0)
    advance(conn, T0)
    state = start(r, T0)
    for hour in sorted(hours):
        state = step(r, state, Order(T0 + timedelta(hours=hour)))
    row = conn.execute("select side, rung, move, anchor_at, moved_at, due_at, waited from ladder").fetchone()
    assert row is not None
    assert State(*row) == state


def test_a_worker_of_some_buckets_moves_and_ends_only_what_is_theirs(conn: psycopg.Connection) -> None:
    """Two people of different halves: neither a rung nor the end of a coupon is anybody's but their own worker's."""
    conn.execute("truncate person_event, ladder, ladder_due, definition, stage_cursor, coupon, coupon_news")
    definitions._seen.clear()
    definitions.publish(conn, T0, "offer", "ladder", body(Rules(1, 1, None, 1, 1, 0)), "test")
    for person in (1, 513):
        happen(conn, person, "registered", T0)
        conn.execute(
            """with c as (insert into coupon (code, bucket, person_id, origin_id, definition_id, touch_id, state, uses, value_fen, issued_at,
                                              valid_from, expires_at)
                          values (%s, %s, %s, %s, 1, %s, 'issued', 1, 100, %s, %s, %s) returning bucket, person_id, expires_at)
               insert into coupon_news (bucket, persons, expires_at) select bucket, array[person_id], expires_at from c""",
            (f"code{person}", bucket_of(person), person, person, person, T0, T0, T0 + timedelta(hours=1)),
        )
    halves = Only(0, 511), Only(512, 1023)
    for half in halves:
        advance(conn, T0, half)
    for n, half in enumerate(halves):
        advance(conn, T0 + timedelta(days=2), half)
        moved = conn.execute("select person_id from ladder where rung = 1 order by 1").fetchall()
        ended = conn.execute("select person_id from coupon where state = 'expired' order by 1").fetchall()
        assert [row.person_id for row in moved] == [row.person_id for row in ended] == [1, 513][: n + 1]


def test_who_shares_a_row_of_the_calendar_moves_at_their_own_minute(conn: psycopg.Connection) -> None:
    """Registered in one hour and one batch; each is moved when their own silence is over, and the last is not forgotten."""
    conn.execute("truncate person_event, ladder, ladder_due, definition, stage_cursor")
    definitions._seen.clear()
    definitions.publish(conn, T0, "offer", "ladder", body(Rules(1, 1, None, 1, 1, 0)), "test")
    people = [1, 1025, 2049]
    for n, person in enumerate(people):
        happen(conn, person, "registered", T0 + n * timedelta(minutes=20))
    advance(conn, T0 + timedelta(hours=1))
    assert conn.execute("select count(*) as n from ladder_due").fetchone().n == 1
    for n in range(len(people)):
        advance(conn, T0 + timedelta(days=1) + n * timedelta(minutes=20))
        moved = conn.execute("select person_id from ladder where rung = 1 order by 1").fetchall()
        assert [row.person_id for row in moved] == people[: n + 1]
