"""How fresh each source is, without a look at every event: the days are found in the order in which events were numbered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import psycopg

from yutang import definitions
from yutang.clock import business_day
from yutang.db.queries import Queries
from yutang.ingest import sources
from yutang.ingest.record import OURS

sql = Queries(__package__)
DAYS = 14
SILENT = timedelta(days=2)
"""A source that has sent something is missed after this long."""


@dataclass(frozen=True)
class Source:
    """A source, what it sent on each of the last days, when the newest came, and how many were refused meanwhile."""

    name: str
    title: str
    days: list[int]
    latest: datetime | None
    refused: int
    ours: bool
    silent: bool
    closed: bool

    @property
    def points(self) -> str:
        """The days as a polyline of 100 × 20."""
        top, step = max(self.days) or 1, 100 / (len(self.days) - 1)
        return " ".join(f"{n * step:.1f},{19 - 18 * value / top:.1f}" for n, value in enumerate(self.days))


def freshness(conn: psycopg.Connection, now: datetime) -> list[Source]:
    """Every registered source, by name."""
    zone = definitions.pond(conn)["time_zone"]
    today = business_day(now, zone)
    dates = [today - timedelta(days=DAYS - 1 - n) for n in range(DAYS)]
    since = datetime.combine(dates[0], time(), ZoneInfo(zone))
    counts: dict[tuple[str, date], int] = {}
    latest: dict[str, datetime] = {}
    for row in sql.recent(conn, event=_first_since(conn, since), zone=zone):
        counts[row.source, row.day] = row.n
        latest[row.source] = max(row.latest, latest.get(row.source, row.latest))
    refused = {row.source: row.n for row in sql.refused_since(conn, since=since)}
    found = []
    for one in sources(conn):
        newest = latest.get(one.name) or _newest(conn, one.name)
        closed = one.closed_at is not None
        silent = one.name not in (OURS, "import") and not closed and newest is not None and now - newest >= SILENT
        days = [counts.get((one.name, day), 0) for day in dates]
        told = refused.get(one.name, 0)
        found.append(Source(one.name, one.title, days, newest, told, one.name == OURS, silent, closed))
    return found


def _newest(conn: psycopg.Connection, source: str) -> datetime | None:
    row = sql.newest_of(conn, source=source).fetchone()
    return row and row.latest


def _first_since(conn: psycopg.Connection, since: datetime) -> int:
    """The first event that was received since then, by halving: numbers follow the order of receipt."""
    row = sql.ends(conn).fetchone()
    if row is None or row.first is None:
        return 0
    low, high = row.first, row.last + 1
    while low < high:
        middle = (low + high) // 2
        found = sql.received_from(conn, event=middle).fetchone()
        if found is not None and found.received_at < since:
            low = middle + 1
        else:
            high = middle
    return low
