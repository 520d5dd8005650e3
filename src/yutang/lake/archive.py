"""The archive step: what PostgreSQL has learnt since the last run goes into the lake, each row exactly once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from yutang import definitions
from yutang.lake import derive, manifest
from yutang.lake.engine import connection
from yutang.lake.export import pour
from yutang.lake.manifest import sql
from yutang.lake.merge import Shelf, compare, prepare, write
from yutang.lake.place import Place
from yutang.lake.tables import EVENTS, MEMBERSHIPS, ORDERS, PERSONS, TABLES, TOUCHES
from yutang.model import Counts, bucket_of

WINDOW = 500_000
"""Person events of one generation: what bounds memory and what a killed run loses."""
MEMORY = "1GB"
SLACK = timedelta(days=1)
"""How much longer ago an attempt may have changed than the last run: its transaction may have ended after that run looked."""
Report = Callable[[Counts], None]


@dataclass(frozen=True)
class Window:
    """Rows with ``low <= xid < high`` are to be archived; `at`: when the run before looked (None: there was none)."""

    generation: int
    low: str
    high: str
    at: datetime | None


def archive(
    conn: psycopg.Connection, now: datetime, place: Place, *, window: int = WINDOW, report: Report = lambda _: None
) -> Counts:
    """Bring the lake up to date. `report` hears what has been done after each window of about `window` events.

    Killed at any point it has either committed a generation or not; the next run goes on from there and sweeps the rest away.
    Raises YutangError when another run was faster.
    """
    done = Counts()
    manifest.publish(conn, place)
    while True:
        counts, more = _step(conn, now, place, window)
        done.update(counts)
        report(done)
        if not more:
            break
    done["swept"] += manifest.sweep(conn, now, place)
    return done


def _step(conn: psycopg.Connection, now: datetime, place: Place, limit: int) -> tuple[Counts, bool]:
    """One window, one generation. Returns what was done, and whether more waits."""
    with tempfile.TemporaryDirectory(prefix="yutang-lake-") as folder:
        duck = connection(place, MEMORY)
        try:
            duck.execute(f"set temp_directory = '{folder}/spill'")
            with conn.transaction():
                conn.execute("set transaction isolation level repeatable read read only")
                window, more = _window(conn, limit)
                shelf = Shelf(duck, place, Path(folder), window.generation + 1, manifest.live(conn))
                erased = [row.person_id for row in sql.erased(conn)]
                _export(conn, shelf, window, erased)
            counts = _merge(shelf, now)
        finally:
            duck.close()
    counts["file"], counts["window"] = len(shelf.new), int(counts.busy())
    manifest.commit(conn, now, window.generation, window.high, shelf.new, shelf.old, erased)
    manifest.publish(conn, place)
    if erased:
        counts["erased"] = len(erased)
        counts["swept"] = manifest.sweep(conn, now, place, at_once=True)
    return counts, more


def _window(conn: psycopg.Connection, limit: int) -> tuple[Window, bool]:
    """From where the last run ended to where every transaction has ended, or about `limit` events further."""
    state, edge = sql.state(conn).fetchone(), sql.edge(conn).fetchone().xid
    reach = sql.reach(conn, low=state.xid, edge=edge, limit=limit).fetchone().xid
    return Window(state.generation, state.xid, reach or edge, state.at), reach is not None


def _export(conn: psycopg.Connection, shelf: Shelf, window: Window, erased: list[int]) -> None:
    """Everything that a run reads of PostgreSQL, of one snapshot."""
    duck, bounds = shelf.duck, {"low": window.low, "high": window.high}
    for table in TABLES:
        prepare(shelf, table)
    duck.execute("create or replace temp table gone_person (person_id bigint)")
    duck.execute("create or replace temp table changed (person_id bigint, canonical bigint)")
    duck.execute("create or replace temp table nobody (person_id bigint)")
    duck.execute(
        f"create or replace temp table seen_persons as select * exclude (valid_from, valid_to), valid_from as seen_at from new_{PERSONS.name}"
    )
    pour(conn, sql.changed, duck, "changed", shelf.folder, **bounds)
    pour(conn, sql.nobody, duck, "nobody", shelf.folder, **bounds)
    pour(conn, sql.undone, duck, f"gone_{EVENTS.name}", shelf.folder, **bounds)
    pour(conn, sql.events, duck, f"new_{EVENTS.name}", shelf.folder, **bounds)
    pour(conn, sql.persons, duck, "seen_persons", shelf.folder, **bounds)
    duck.execute("insert into gone_person select unnest($1::bigint[])", [erased])
    winners = [row[0] for row in duck.execute("select distinct canonical from changed").fetchall()]
    again = bounds | {"winners": winners}
    pour(conn, sql.memberships, duck, f"new_{MEMBERSHIPS.name}", shelf.folder, **again)
    since = window.at - SLACK if window.at else datetime.max
    zone = definitions.pond(conn)["time_zone"]
    pour(conn, sql.touches, duck, f"new_{TOUCHES.name}", shelf.folder, **again, since=since, zone=zone)


def _merge(shelf: Shelf, now: datetime) -> Counts:
    """Table after table: what is new, what has changed, into which files."""
    newest = max((file.newest or 0 for file in shelf.files(EVENTS)), default=0)
    derive.moved_events(shelf)
    compare(shelf, EVENTS, newest)
    derive.orders(shelf)
    compare(shelf, ORDERS, newest)
    compare(shelf, TOUCHES)
    derive.memberships(shelf)
    compare(shelf, MEMBERSHIPS)
    derive.persons(shelf, now)
    compare(shelf, PERSONS)
    return Counts({table.name: write(shelf, table) for table in TABLES})


def erase(conn: psycopg.Connection, now: datetime, persons: Iterable[int]) -> int:
    """Let the lake keep nothing of these persons, with whoever is part of them: the next run writes every file of theirs again
    without them, removes the old ones at once, and nothing of theirs is archived ever again. Returns how many persons are new to it."""
    wanted = sorted(set(persons))
    return sql.erase(conn, persons=wanted, buckets=sorted({bucket_of(person) for person in wanted}), now=now).rowcount
