"""Helpers for tests of offers: facts, people and merges as the earlier stages write them, and the stage until it rests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from yutang import definitions
from yutang.model import Counts, Only, bucket_of
from yutang.offer import advance
from yutang.offer.definition import read

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ANN, BOB = 5, 1030
_ids = count(1)


def day(n: float) -> datetime:
    return T0 + timedelta(days=n)


def publish(conn: psycopg.Connection, text: str) -> dict[str, int]:
    """The offers in force; ids by name."""
    return {
        name: definitions.publish(conn, T0, "offer", name, body, "test").definition_id
        for name, body in read(text).items()
    }


def happen(conn: psycopg.Connection, person_id: int, type: str, at: datetime, **props: Any) -> int:
    """One event as a fact; returns its id."""
    event_id = next(_ids)
    conn.execute(
        "insert into person_event (bucket, person_id, type, at, event_id, day, amount, props) values (%s,%s,%s,%s,%s,%s,%s,%s)",
        (bucket_of(person_id), person_id, type, at, event_id, at.date(), props.get("amount_fen", 0), Jsonb(props)),
    )
    return event_id


def people(conn: psycopg.Connection, *persons: int) -> None:
    for person in persons:
        conn.execute(
            "insert into person (bucket, person_id, created_at) values (%s,%s,%s)", (bucket_of(person), person, T0)
        )


def merge(conn: psycopg.Connection, winner: int, loser: int) -> None:
    """What identity does: facts of the loser are the winner's from now on."""
    with conn.transaction():
        conn.execute(
            "update person set merged_into = %s where person_id = %s or merged_into = %s", (winner, loser, loser)
        )
        _changed(conn)
        conn.execute(
            "insert into merge_log (winner_id, loser_id, event_id, at) values (%s, %s, 1, %s)", (winner, loser, T0)
        )
        conn.execute(
            "update person_event set person_id = %s, bucket = %s, xid = pg_current_xact_id() where person_id = %s",
            (winner, bucket_of(winner), loser),
        )


def split(conn: psycopg.Connection, loser: int, events: list[int]) -> None:
    """What identity does: the loser's own events go back."""
    with conn.transaction():
        conn.execute("update person set merged_into = null where person_id = %s", (loser,))
        _changed(conn)
        conn.execute("update merge_log set undone_at = %s, xid = pg_current_xact_id() where loser_id = %s", (T0, loser))
        conn.execute(
            "update person_event set person_id = %s, bucket = %s, xid = pg_current_xact_id() where event_id = any(%s)",
            (loser, bucket_of(loser), events),
        )


def _changed(conn: psycopg.Connection) -> None:
    conn.execute("update person set changed = pg_current_xact_id()")


def run(conn: psycopg.Connection, now: datetime, only: Only | None = None) -> Counts:
    """The stage until nothing is due; the sum of its counts."""
    total = Counts()
    while (counts := advance(conn, now, only or Only())).busy():
        total.update(counts)
    return total


def one(conn: psycopg.Connection, query: str, *params: Any) -> Any:
    return conn.execute(query, params).fetchone()


def stands(conn: psycopg.Connection, person: int = ANN) -> tuple[str, int, int]:
    """Side, rung, move."""
    return tuple(one(conn, "select side, rung, move from ladder where person_id = %s", person))
