"""The least work that could do the same, measured in the same run on the same server."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import psycopg
from jinja2 import Template

from yutang.bench.house import House
from yutang.bench.meter import Meter
from yutang.bench.words import NOW
from yutang.db.connect import connect
from yutang.db.copy import copy_in, micros
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


def render_and_log(house: House, count: int) -> float | None:
    """Two words put into a compiled template for each person, and one bare row of a log copied in."""
    template = Template("{{ name }}，周三新品半价，你的专属页面：{{ link }}")

    def work(conn: psycopg.Connection) -> int:
        for person in range(count):
            template.render(name=f"顾客{person}", link=f"https://pond.example/p/{person}")
        persons = np.arange(count)
        columns = {"bucket": ("int2", persons & 1023), "person_id": ("int8", persons), "touch_id": ("int8", persons)}
        return copy_in(conn, "floor_log", {**columns, "at": ("timestamptz", micros(NOW))})

    return statement(house, lambda conn: sql.bare_log(conn), work)
