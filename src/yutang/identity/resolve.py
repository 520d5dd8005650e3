"""The stage `identity.resolve`: whose event is it? Events become facts about persons, the only form in which later stages see them."""

from __future__ import annotations

from datetime import datetime

import psycopg

from yutang.db.cursor import Place, Reader, hold, look, take
from yutang.identity import days
from yutang.identity.batch import resolve_pairs, sql
from yutang.identity.split import derive_again
from yutang.model import EVERYBODY, Counts, Only

AT_ONCE = 50_000
"""Events in a window: whom an event of the same window joins has no facts yet that would have to move."""
UNDONE, EVENTS = Reader("identity.undone", "event_undone"), Reader("identity", "event", AT_ONCE)


def resolve(conn: psycopg.Connection, now: datetime, only: Only = EVERYBODY) -> Counts:  # noqa: ARG001
    """Give each new event to a person, and each fact its day where the pond has moved to another time zone. `only` changes nothing: before this stage nobody is known (see `resolve_events`)."""
    undone, told = look(conn, EVERYBODY, UNDONE, EVENTS)
    counts = _follow_undone(conn, now, undone) if undone.news else Counts()
    if buckets := days.follow(conn):
        counts["bucket_told_anew"] = buckets
    if not told.news:
        return counts
    with conn.transaction():
        w = take(conn, told)
        if not w.empty:
            counts += resolve_pairs(conn, now, sql.pairs_in_window, sql.link_window, low=w.low, high=w.high)
            sql.forget_ahead(conn, high=w.high)
    return Counts(counts)


def resolve_events(conn: psycopg.Connection, now: datetime, events: list[int]) -> tuple[int, ...]:
    """The fast path: resolve just these events, now. Returns the persons they belong to."""
    with conn.transaction():
        low = hold(conn, "identity", "event")
        resolve_pairs(conn, now, sql.pairs_ahead, sql.link_events, events=events, low=low)
        sql.remember_ahead(conn, events=events, low=low)
        return tuple(row.person_id for row in sql.persons_of(conn, events=events))


def _follow_undone(conn: psycopg.Connection, now: datetime, place: Place) -> Counts:
    """Events that were taken back: everything about the persons they touched is derived again without them."""
    with conn.transaction():
        w = take(conn, place)
        if w.empty:
            return Counts()
        hold(conn, "identity", "event")
        persons = [row.person_id for row in sql.undone_in_window(conn, low=w.low, high=w.high)]
        derive_again(conn, now, persons)
        return Counts(person_derived_again=len(persons))
