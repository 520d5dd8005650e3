"""The ladder's rules, said as examples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yutang.offer.ladder import Order, Rules, State, Tick, start, step

T0 = datetime(2026, 1, 1, tzinfo=UTC)
LUCKIN = Rules(silence_days=30, wait_days=7, again_days=None, down=3, up=3, patience=0)


def day(n: float) -> datetime:
    return T0 + timedelta(days=n)


def live(rules: Rules, *events: Order | Tick) -> State:
    state = start(rules, T0)
    for event in events:
        state = step(rules, state, event)
    return state


def test_down_while_silent_and_up_after_orders() -> None:
    silent = [Tick(day(n)) for n in (29, 30, 31, 37, 44, 100)]
    assert (live(LUCKIN, *silent).side, live(LUCKIN, *silent).rung, live(LUCKIN, *silent).move) == ("down", 3, 3)
    orders = [Order(day(101 + n)) for n in range(4)]
    assert [live(LUCKIN, *silent, *orders[: n + 1]).rung for n in range(4)] == [4, 5, 6, 6]
    again = live(LUCKIN, *silent, *orders, Tick(day(134)))
    assert (again.side, again.rung) == ("down", 1)


def test_a_late_look_gives_one_rung_and_waits_from_then() -> None:
    state = live(LUCKIN, Tick(day(200)))
    assert (state.rung, state.due_at) == (1, day(207))


def test_an_order_older_than_the_newest_changes_nothing() -> None:
    state = live(LUCKIN, Order(day(10)))
    assert step(LUCKIN, state, Order(day(9))) is state
    assert step(LUCKIN, state, Order(day(10))) is state


def test_an_order_that_arrives_after_a_rung_still_ends_the_silence() -> None:
    state = live(LUCKIN, Tick(day(30)), Order(day(29)))
    assert (state.side, state.rung, state.move, state.moved_at, state.due_at) == ("up", 4, 2, day(30), day(59))


def test_after_the_last_rung_the_ladder_may_begin_again() -> None:
    rules = Rules(30, 7, 60, 2, 1, 0)
    state = live(rules, Tick(day(30)), Tick(day(37)), Tick(day(97)))
    assert (state.rung, state.move) == (1, 3)


def test_who_only_buys_after_a_rung_must_be_silent_twice_as_long() -> None:
    rules = Rules(10, 5, None, 2, 2, patience=2)
    once = live(rules, Tick(day(10)), Order(day(11)))
    assert (once.waited, once.due_at) == (1, day(21))
    twice = step(rules, step(rules, once, Tick(day(21))), Order(day(22)))
    assert (twice.waited, twice.due_at) == (2, day(42))
    cured = step(rules, twice, Order(day(30)))
    assert (cured.waited, cured.due_at) == (0, day(40))


def test_a_rung_given_after_the_order_makes_no_waiter() -> None:
    rules = Rules(10, 5, None, 2, 2, patience=1)
    assert live(rules, Tick(day(10)), Order(day(9))).waited == 0
    assert live(rules, Tick(day(10)), Tick(day(15)), Order(day(12))).waited == 1


@given(
    events=st.lists(st.tuples(st.booleans(), st.integers(0, 3000)), max_size=40),
    again=st.none() | st.integers(1, 40),
    patience=st.integers(0, 3),
)
def test_what_holds_in_every_life(events: list[tuple[bool, int]], again: int | None, patience: int) -> None:
    rules = Rules(30, 7, again, 3, 3, patience)
    state = start(rules, T0)
    for is_order, hours in sorted(events, key=lambda e: e[1]):
        at = T0 + timedelta(hours=hours)
        after = step(rules, state, Order(at) if is_order else Tick(at))
        assert after.move - state.move in (0, 1)
        assert (after == state) == (after.move == state.move)
        assert (1 <= after.rung <= 3) if after.side == "down" and after.move else (after.rung in (0, 4, 5, 6))
        assert after.due_at is None or after.due_at > after.anchor_at
        assert after.anchor_at >= state.anchor_at
        if after != state and not is_order:
            assert state.due_at is not None
            assert state.due_at <= at
        state = after


@pytest.mark.parametrize("waited", [0, 1, 2, 3])
def test_without_patience_nobody_is_a_waiter(waited: int) -> None:
    assert LUCKIN.silence(waited) == timedelta(days=30)
