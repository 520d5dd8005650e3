"""Reading an append-only table exactly once, in windows of transaction ids.

A cursor on a sequence loses rows: a writer may take number 7, another take 8 and commit, and 7 appear after the
reader has passed. So every row carries ``xid xid8 default pg_current_xact_id()`` and a reader goes only as far as
``pg_snapshot_xmin``: below it every transaction has ended, so nothing can appear there any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg

from yutang.model import EVERYBODY, Only

GROUPED = 1_000
"""Rows per window of a table whose rows each name everybody of a bucket whom one statement wrote down: 20,000 people are at most 1,024 rows."""

END = str(2**63 - 1)
"""Above every transaction id that can occur."""


@dataclass(frozen=True)
class Window:
    """Rows with ``low <= xid < high`` are to be read; both are xid8 as text. Empty when nothing new is there."""

    low: str
    high: str

    @property
    def empty(self) -> bool:
        return self.low == self.high


EMPTY = Window(END, END)


@dataclass(frozen=True)
class Reader:
    """Who reads what. stage: the cursor's name (``journey.event``: the second of a stage's); column: carries the transaction ids of `table`;
    limit: rows in a window, about; behind: a stage that must have read the same rows first, as beside another worker that order would not
    hold by itself."""

    stage: str
    table: str
    limit: int = 20_000
    column: str = "xid"
    behind: str | None = None

    @property
    def source(self) -> str:
        return f"{self.table}.{self.column}"


@dataclass(frozen=True)
class Place:
    """Where a reader stands, and whether there is anything for it to read."""

    reader: Reader
    only: Only
    low: str
    news: bool


def look(conn: psycopg.Connection, only: Only, *readers: Reader) -> list[Place]:
    """Where these readers stand: one question for all, asked without a lock, so that a stage with nothing to read opens no transaction.

    A slice seen for the first time starts at the beginning: what another cut of the people has read, it may not have, and reading twice
    changes nothing. The fast path (``only.persons``) always has something to read.
    """
    found = {row.n: row for row in conn.execute(_standing(readers), {"slice": _slice(only)})}
    if len(found) < len(readers):
        for reader in readers:
            _create(conn, reader.stage, reader.source, only)
        return look(conn, only, *readers)
    fast = only.persons is not None
    return [Place(reader, only, found[n].low, fast or found[n].news) for n, reader in enumerate(readers)]


def take(conn: psycopg.Connection, place: Place) -> Window:
    """The next window; inside a transaction, whose commit also moves the cursor.

    It holds whole transactions, about as many rows as the reader may take, and is empty when nothing new is there or when another worker holds
    the cursor. With ``only.persons`` it reaches from the cursor to the end and the cursor stays: each effect is keyed, so the later regular pass
    over the same rows changes nothing.
    """
    if place.only.persons is not None:
        return Window(place.low, END)
    return (_taken(conn, place) if place.news else None) or EMPTY


def windows(conn: psycopg.Connection, only: Only, *readers: Reader) -> list[Window]:
    """Look and take at once, for a stage that has a transaction open in any case."""
    return [take(conn, place) for place in look(conn, only, *readers)]


def hold(conn: psycopg.Connection, stage: str, table: str, only: Only = EVERYBODY) -> str:
    """Wait for the cursor of `stage` and hold it until the transaction ends: for work that must not run beside a window.
    Returns where the cursor stands: rows from there on have not been read."""
    row = conn.execute(
        "select xid::text from stage_cursor where stage = %s and slice = %s for update", (stage, _slice(only))
    ).fetchone()
    if row:
        return row.xid
    _create(conn, stage, f"{table}.xid", only)
    return hold(conn, stage, table, only)


def stages_with_news(conn: psycopg.Connection) -> set[str]:
    """The stages (``journey`` for a cursor named ``journey.event``) that have something to read: one question for all."""
    while True:
        found = {row[0].split(".")[0] for row in conn.execute(_ASKED.get(conn, _MORE.format(0)))}
        if "" not in found:
            return found
        cursors = conn.execute("select stage, slice, source from stage_cursor order by stage, slice").fetchall()
        _ASKED[conn] = " union all ".join([_MORE.format(len(cursors)), *(_news_of(c) for c in cursors)])


_ASKED: WeakKeyDictionary[psycopg.Connection, str] = WeakKeyDictionary()
"""What a connection asks of all cursors that it knows."""
_MORE = "select '' where (select count(*) from stage_cursor) <> {}"
"""Has a reader come that read nothing before?"""


def _news_of(c: Any) -> str:
    """Asks whether there is news for a cursor: the newest entry of an index, so that no table is scanned, whatever the planner believes about
    it. Without parameters, so that the plan is made once and kept."""
    table = c.source.split(".")[0]
    return (
        f"select '{c.stage}' where (select {c.source} from {table} where {c.source} is not null order by {c.source} desc limit 1) >= "
        f"(select xid from stage_cursor where stage = '{c.stage}' and slice = '{c.slice}')"
    )


@cache
def _standing(readers: Iterable[Reader]) -> str:
    return " union all ".join(
        f"""select {n} as n, c.xid::text as low,
                   (select {r.source} from {r.table} where {r.source} >= c.xid and {r.source} < pg_snapshot_xmin(pg_current_snapshot())
                    order by {r.source} limit 1) is not null as news
            from stage_cursor c where c.stage = '{r.stage}' and c.slice = %(slice)s"""
        for n, r in enumerate(readers)
    )


def _create(conn: psycopg.Connection, stage: str, source: str, only: Only) -> None:
    conn.execute(
        "insert into stage_cursor (stage, slice, source, xid) values (%s, %s, %s, '0') on conflict do nothing",
        (stage, _slice(only), source),
    )


def _slice(only: Only) -> str:
    """The cut of the people that a cursor belongs to; the fast path looks at everybody's."""
    return f"{EVERYBODY.lo}-{EVERYBODY.hi}" if only.persons is not None else f"{only.lo}-{only.hi}"


def _taken(conn: psycopg.Connection, place: Place) -> Window | None:
    """Holds the cursor and moves it, in one statement: to the first transaction that starts after so many rows, else to where
    everything has ended, and no further than `behind` has read. None: another worker holds it, or there is nothing to read."""
    table, source = place.reader.table, place.reader.source
    row = conn.execute(
        f"""with mine as (select c.xid from stage_cursor c where c.stage = %(stage)s and c.slice = %(slice)s for update skip locked),
                 edge as (select pg_snapshot_xmin(pg_current_snapshot()) as xid),
                 last as (select {source} as xid from {table}
                          where {source} >= (select xid from mine) and {source} < (select xid from edge)
                          order by 1 offset %(limit)s limit 1),
                 reach as materialized (select least(
                     coalesce((select {source} from {table}
                               where {source} > (select xid from last) and {source} < (select xid from edge)
                               order by 1 limit 1), (select xid from edge)),
                     (select b.xid from stage_cursor b where b.stage = %(behind)s and b.slice = %(slice)s)) as xid)
            update stage_cursor c set xid = reach.xid from mine, reach
            where c.stage = %(stage)s and c.slice = %(slice)s and reach.xid > mine.xid
            returning mine.xid::text as low, c.xid::text as high""",
        {
            "stage": place.reader.stage,
            "slice": _slice(place.only),
            "behind": place.reader.behind,
            "limit": place.reader.limit,
        },
    ).fetchone()
    return row and Window(row.low, row.high)
