"""The ladder as a pure state machine: what `advance` does to millions of rows at once, said for one person.

Rungs are numbered through: 0 none yet, 1…D down, D+1…D+U up.

- *down*: whoever is silent for `silence_days` since the anchor (registration or newest order) gets the first rung; each
  further `wait_days` of silence one more. Waiting counts from the move, so a ladder that was late never gives two at once.
- *up*: each order moves one rung up; one after a silence (a rung down, or the time for it passed) begins at the first.
- An order not newer than the anchor changes nothing: it came late, and a newer one has spoken. One that is newer than
  the anchor but older than the last rung down still ends the silence: the person had bought before we spoke.
- *waiters*: an order that came only after a rung down counts; one without puts the count back to 0. From `patience` such
  orders in a row on the person is a waiter: the next silence must last twice as long, and no rung is deeper than the first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Rules:
    """A ladder's figures: days, numbers of rungs; `again_days` None: after the last rung nothing more; `patience` 0: no waiters."""

    silence_days: int
    wait_days: int
    again_days: int | None
    down: int
    up: int
    patience: int

    def silence(self, waited: int) -> timedelta:
        """How long a silence must last before the first rung down."""
        return timedelta(days=self.silence_days * (2 if self.waits(waited) else 1))

    def depth(self, waited: int) -> int:
        """How many rungs the ladder goes down for somebody: a waiter must not learn that waiting pays."""
        return 1 if self.waits(waited) else self.down

    def waits(self, waited: int) -> bool:
        """Has somebody whose last `waited` orders came only after a rung down learned to wait?"""
        return self.patience > 0 and waited >= self.patience


@dataclass(frozen=True)
class State:
    """Where one person stands; the same columns as the table."""

    side: str
    rung: int
    move: int
    anchor_at: datetime
    moved_at: datetime
    due_at: datetime | None
    waited: int


@dataclass(frozen=True)
class Order:
    """The person ordered at this instant."""

    at: datetime


@dataclass(frozen=True)
class Tick:
    """The stage looks at the clock."""

    now: datetime


def start(rules: Rules, registered_at: datetime) -> State:
    """The state of somebody who has just registered."""
    return State("down", 0, 0, registered_at, registered_at, registered_at + rules.silence(0), 0)


def step(rules: Rules, state: State, event: Order | Tick) -> State:
    """The state after one event; the same state when the event changes nothing."""
    return _ordered(rules, state, event.at) if isinstance(event, Order) else _ticked(rules, state, event.now)


def _ordered(rules: Rules, state: State, at: datetime) -> State:
    if at <= state.anchor_at:
        return state
    waited = state.waited + 1 if _needed_a_rung(state, at) else 0
    climbing = state.side == "up" and state.due_at is not None and at < state.due_at
    rung = min(state.rung + 1, rules.down + rules.up) if climbing else rules.down + 1
    due_at = at + rules.silence(waited)
    return State("up", rung, state.move + 1, at, max(at, state.moved_at), due_at, waited)


def _needed_a_rung(state: State, at: datetime) -> bool:
    """A rung that was given after the order does not count as the cause of the order."""
    return state.side == "down" and state.rung - (state.moved_at > at) >= 1


def _ticked(rules: Rules, state: State, now: datetime) -> State:
    if state.due_at is None or state.due_at > now:
        return state
    depth = rules.depth(state.waited)
    rung = state.rung + 1 if state.side == "down" and state.rung < depth else 1
    wait = rules.wait_days if rung < depth else rules.again_days
    due_at = None if wait is None else now + timedelta(days=wait)
    return replace(state, side="down", rung=rung, move=state.move + 1, moved_at=now, due_at=due_at)
