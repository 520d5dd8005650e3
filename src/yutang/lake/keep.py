"""What is done for the lake again and again: archive, bring the cluster to it where there is one, let PostgreSQL go of what is old."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from yutang import config
from yutang.lake.archive import archive
from yutang.lake.hot import drop_old
from yutang.lake.manifest import live, sql
from yutang.lake.place import Place, placed
from yutang.lake.tables import CURRENT, TABLES
from yutang.model import Counts


def keep(conn: psycopg.Connection, now: datetime, report: Callable[[Counts], None] = lambda _: None) -> Counts:
    """One round, at the place that the settings name. Raises YutangError when the place or the cluster cannot be reached."""
    place = placed()
    done = archive(conn, now, place, report=report)
    if config.LAKE_URL.value.startswith("clickhouse"):
        from yutang.lake.clickhouse import mirrored

        done["sent"] = mirrored(config.LAKE_URL.value, place).rows
    done.update(drop_old(conn, now))
    return done


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
    """at: when the lake was last brought up to date (None: never). waiting: events that have come since."""

    place: str
    at: datetime | None
    waiting: int
    tables: list[Shown]


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
    return Status(place.address("").rstrip("/"), state.at, sql.waiting(conn).fetchone().n, shown)
