"""The least work that could do the same, measured in the same run on the same server."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from yutang.bench.house import House
from yutang.bench.meter import Meter
from yutang.bench.words import NOW
from yutang.db.connect import connect
from yutang.db.queries import Queries

sql = Queries(__package__)


def statement(
    house: House, prepare: Callable[[psycopg.Connection], None], work: Callable[[psycopg.Connection], int]
) -> float | None:
    """Items per CPU-second of `work` (it returns how many) in a database that `prepare` has filled."""
    with house.database() as url, connect(url) as conn:
        prepare(conn)
        with Meter(house, url) as meter:
            count = work(conn)
    return count / meter.cpu if meter.cpu else None


def guarded_update(house: House, count: int) -> float | None:
    """One set UPDATE of `count` rows, guarded by the state it expects."""

    def prepare(conn: psycopg.Connection) -> None:
        sql.rungs(conn)
        sql.rungs_due(conn)
        sql.fill_rungs(conn, now=NOW, count=count)
        conn.execute("vacuum (analyze) floor_rung")

    return statement(house, prepare, lambda conn: sql.move_rungs(conn, now=NOW).rowcount)


def copy_events(house: House, source: psycopg.Connection) -> float | None:
    """COPY of the events of `source` into a bare table."""
    columns = "source, source_id, type, at, received_at, handles, keys, props"
    with source.cursor().copy(f"copy event ({columns}) to stdout (format binary)") as rows:  # type: ignore[arg-type]
        data = b"".join(bytes(part) for part in rows)

    def work(conn: psycopg.Connection) -> int:
        cursor = conn.cursor()
        with cursor.copy(f"copy floor_event ({columns}) from stdin (format binary)") as copy:  # type: ignore[arg-type]
            copy.write(data)
        return cursor.rowcount

    return statement(house, lambda conn: sql.bare_events(conn), work)
