"""What came of live codes: how often they were used, who became a contact, who ordered then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from yutang import channels, definitions
from yutang.clock import business_day
from yutang.db.queries import Queries
from yutang.web import scope
from yutang.web.access import Visitor

sql = Queries(__package__)
people = Queries("yutang.web")
SPANS = (7, 30, 90)
"""Days that somebody may ask for: of the whole time, a large pond would be read as a whole."""
SHOWN, LOOKED_AT = 15, 200
"""Arrivals shown, and how many are looked at for somebody who sees only some persons."""
SCANNED = "scanned"
TYPES = {kind: [*codes.ARRIVALS, SCANNED] for kind, codes in channels.CODES.items()}
"""The events of a code by the kind of its account: those by which somebody came, and scans of any kind."""
KINDS = {type: kind for kind, codes in channels.CODES.items() for type in codes.ARRIVALS} | {SCANNED: ""}
"""Which kind of account an event of a code is of; scans count for each."""


@dataclass(frozen=True)
class Funnel:
    """times: scans that we heard of; persons: who became contacts, members or followers; ordered: who of them ordered then."""

    times: int = 0
    persons: int = 0
    ordered: int = 0

    @property
    def steps(self) -> list[tuple[str, int]]:
        return [("times", self.times), ("persons", self.persons), ("ordered", self.ordered)]


@dataclass(frozen=True)
class Days:
    """Day by day: who came, and all scans."""

    dates: list[date]
    came: list[int]
    scanned: list[int]

    @property
    def rows(self) -> list[tuple[date, int, int]]:
        """The days on which anybody came."""
        return [row for row in zip(self.dates, self.came, self.scanned, strict=True) if row[2]]


def funnels(conn: psycopg.Connection, now: datetime, days: int, names: Iterable[str]) -> dict[tuple[str, str], Funnel]:
    """Of the codes of these names, by kind and name."""
    since, names = now - timedelta(days=days), sorted(set(names))
    rows = sql.came(conn, since=since, names=names, types=list(KINDS), kinds=list(KINDS.values())).fetchall()
    scans = {row.code: row.times for row in rows if not row.kind}
    found = {
        (row.kind, row.code): Funnel(row.times + scans.get(row.code, 0), row.persons, row.ordered)
        for row in rows
        if row.kind
    }
    return {(kind, code): Funnel(n) for code, n in scans.items() for kind in TYPES} | found


def latest(conn: psycopg.Connection, names: Iterable[str]) -> dict[str, datetime]:
    """When somebody last came by each of these codes."""
    return {row.name: row.at for row in sql.latest(conn, names=sorted(set(names)))}


def by_day(conn: psycopg.Connection, now: datetime, kind: str, name: str, days: int) -> Days:
    """The last `days` days, today included."""
    today = business_day(now, definitions.pond(conn)["time_zone"])
    dates = [today - timedelta(days=n) for n in range(days - 1, -1, -1)]
    rows = sql.by_day(conn, name=name, types=TYPES[kind], since=now - timedelta(days=days + 1))
    known = {row.day: row for row in rows}
    came = [known[day].came if day in known else 0 for day in dates]
    return Days(
        dates, came, [n + (known[day].scanned if day in known else 0) for n, day in zip(came, dates, strict=True)]
    )


def arrivals(conn: psycopg.Connection, visitor: Visitor, kind: str, name: str) -> list[tuple[Any, str | None]]:
    """The newest who came and whom the visitor may see, each with a name where one is known."""
    rows = sql.arrivals(conn, name=name, types=TYPES[kind], limit=LOOKED_AT).fetchall()
    seen = set(scope.within(conn, visitor, sorted({row.person_id for row in rows})))
    shown = [row for row in rows if row.person_id in seen][:SHOWN]
    names = {
        row.person_id: row.name for row in people.contacts(conn, persons=[row.person_id for row in shown], kind=None)
    }
    return [(row, names.get(row.person_id)) for row in shown]
