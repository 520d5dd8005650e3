"""What is done for the lake again and again: archive, bring the cluster to it where there is one, let PostgreSQL go of what is old."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from yutang import config
from yutang.lake.archive import archive
from yutang.lake.hot import drop_old
from yutang.lake.manifest import live, sql
from yutang.lake.place import Place, placed
from yutang.lake.tables import CURRENT, TABLES
from yutang.model import Counts, YutangError

FIRST_REST, LONGEST_REST = timedelta(minutes=5), timedelta(hours=1)
"""Before a cluster that could not be fed is tried again: after the first failure, and at most."""


def keep(conn: psycopg.Connection, now: datetime, report: Callable[[Counts], None] = lambda _: None) -> Counts:
    """One round, at the place that the settings name. Raises YutangError when the place or the cluster cannot be reached."""
    if _is_cluster():
        sql.feeding(conn, now=now)
    done = archive(conn, now, placed(), report=report)
    done["sent"] = feed(conn, now)
    done.update(drop_old(conn, now))
    return done


def feed(conn: psycopg.Connection, now: datetime) -> int:
    """Bring the cluster, where there is one, to the files of the manifest; returns how many rows were sent.

    Raises YutangError when that fails: then it is written down, and tried again after a rest.
    """
    rows = 0
    if _is_cluster():
        from yutang.lake.clickhouse import mirrored

        try:
            rows = mirrored(config.LAKE_URL.value, placed()).rows
        except YutangError as error:
            sql.feed_failed(conn, now=now, error=str(error), first=FIRST_REST, longest=LONGEST_REST)
            raise
    sql.fed(conn)
    return rows


def _is_cluster() -> bool:
    return config.LAKE_URL.value.startswith("clickhouse")


def feed_due(conn: psycopg.Connection, now: datetime) -> bool:
    """Is it time to try the cluster again, between two rounds? Not where nothing is done by itself."""
    at = sql.state(conn).fetchone().feed_at
    return at is not None and at <= now and config.due(config.LAKE_HOURS, None, now)


def due(conn: psycopg.Connection, now: datetime) -> bool:
    """Is it time for another round? Raises YutangError when the setting is no number of hours."""
    return config.due(config.LAKE_HOURS, sql.state(conn).fetchone().at, now)


@dataclass(frozen=True)
class Shown:
    """One table: how many months it has, from which to which, and its live files."""

    name: str
    months: int
    first: str | None
    last: str | None
    files: int
    rows: int
    bytes: int


@dataclass(frozen=True)
class Status:
    """at: when the lake was last brought up to date (None: never). waiting: events that have come since. feed_at: when a cluster that lacks
    something is tried next; feed_error: why it could not be fed."""

    place: str
    at: datetime | None
    waiting: int
    tables: list[Shown]
    feed_at: datetime | None
    feed_error: str | None


def status(conn: psycopg.Connection, place: Place) -> Status:
    """What is in the lake, of the manifest alone: no file is opened."""
    files, state = live(conn), sql.state(conn).fetchone()
    shown = []
    for table in TABLES:
        mine = [file for file in files if file.table == table.name]
        months = sorted({file.part.removeprefix("month=") for file in mine} - {CURRENT})
        ends = (months[0], months[-1]) if months else (None, None)
        total = sum(file.rows for file in mine), sum(file.bytes for file in mine)
        shown.append(Shown(table.name, len(months), *ends, len(mine), *total))
    return Status(
        place.address("").rstrip("/"), state.at, sql.waiting(conn).fetchone().n, shown, state.feed_at, state.feed_error
    )
