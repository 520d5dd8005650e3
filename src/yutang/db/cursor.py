"""Reading an append-only table exactly once, in windows of transaction ids.

A cursor on a sequence loses rows: a writer may take number 7, another take 8 and commit, and 7 appear after the
reader has passed. So every row carries ``xid xid8 default pg_current_xact_id()`` and a reader goes only as far as
``pg_snapshot_xmin``: below it every transaction has ended, so nothing can appear there any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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


@contextmanager
def window(
    conn: psycopg.Connection,
    stage: str,
    table: str,
    only: Only,
    limit: int = 20_000,
    column: str = "xid",
    behind: str | None = None,
) -> Iterator[Window]:
    """The next window of `table` for `stage`; inside a transaction, whose commit also moves the cursor.

    `column` carries the transaction ids of `table`. The window holds whole transactions, about `limit` rows, and is
    empty when nothing new is there or when another worker holds the cursor. With ``only.persons`` it reaches from the cursor to the end and the cursor stays: each effect is
    keyed, so the later regular pass over the same rows changes nothing.

    behind: a stage that must have read the same rows first; beside another worker that order would not hold by itself.
    """
    source = Source(table, column)
    low, news = _position(conn, stage, source, only)
    if only.persons is not None:
        yield Window(low, END)
    else:
        yield (_taken(conn, stage, source, only, limit, behind) if news else None) or EMPTY


def hold(conn: psycopg.Connection, stage: str, table: str, only: Only = EVERYBODY) -> str:
    """Wait for the cursor of `stage` and hold it until the transaction ends: for work that must not run beside a window.
    Returns where the cursor stands: rows from there on have not been read."""
    _create(conn, stage, Source(table, "xid"), only)
    row = conn.execute(
        "select xid::text from stage_cursor where stage = %s and slice = %s for update", (stage, _slice(only))
    ).fetchone()
    assert row is not None
    return row.xid


def stages_with_news(conn: psycopg.Connection) -> set[str]:
    """The stages (``journey`` for a cursor named ``journey.event``) that have something to read: one question for all."""
    cursors = conn.execute("select stage, slice, source from stage_cursor order by stage, slice").fetchall()
    if not cursors:
        return set()
    # The newest entry of each index: no table is scanned, whatever the planner believes about it. Without parameters, so
    # that the plan is made once and kept.
    asked = " union all ".join(
        f"select '{c.stage}' where (select {t} from {t.table} where {t} is not null order by {t} desc limit 1) >= "
        f"(select xid from stage_cursor where stage = '{c.stage}' and slice = '{c.slice}')"
        for c in cursors
        for t in [Source.parse(c.source)]
    )
    return {row[0].split(".")[0] for row in conn.execute(asked)}


@dataclass(frozen=True)
class Source:
    """What a cursor reads: a table and the column of its transaction ids."""

    table: str
    column: str

    @classmethod
    def parse(cls, text: str) -> Source:
        return cls(*text.split("."))

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


def _position(conn: psycopg.Connection, stage: str, source: Source, only: Only) -> tuple[str, bool]:
    """Where the stage stands, and whether there is anything to read; asked without a lock, so an idle loop writes nothing.

    A slice seen for the first time starts at the beginning: what another cut of the people has read, it may not have,
    and reading twice changes nothing.
    """
    row = conn.execute(
        f"""select c.xid::text, (select {source} from {source.table}
                                 where {source} >= c.xid and {source} < pg_snapshot_xmin(pg_current_snapshot())
                                 order by {source} limit 1) is not null as news
            from stage_cursor c where c.stage = %s and c.slice = %s""",
        (stage, _slice(only)),
    ).fetchone()
    if row:
        return row.xid, row.news
    _create(conn, stage, source, only)
    return _position(conn, stage, source, only)


def _create(conn: psycopg.Connection, stage: str, source: Source, only: Only) -> None:
    conn.execute(
        "insert into stage_cursor (stage, slice, source, xid) values (%s, %s, %s, '0') on conflict do nothing",
        (stage, _slice(only), str(source)),
    )


def _slice(only: Only) -> str:
    """The cut of the people that a cursor belongs to; the fast path looks at everybody's."""
    return f"{EVERYBODY.lo}-{EVERYBODY.hi}" if only.persons is not None else f"{only.lo}-{only.hi}"


def _taken(
    conn: psycopg.Connection, stage: str, source: Source, only: Only, limit: int, behind: str | None
) -> Window | None:
    """Holds the cursor and moves it, in one statement: to the first transaction that starts after `limit` rows, else to where
    everything has ended, and no further than `behind` has read. None: another worker holds it, or there is nothing to read."""
    row = conn.execute(
        f"""with mine as (select c.xid from stage_cursor c where c.stage = %(stage)s and c.slice = %(slice)s for update skip locked),
                 edge as (select pg_snapshot_xmin(pg_current_snapshot()) as xid),
                 last as (select {source} as xid from {source.table}
                          where {source} >= (select xid from mine) and {source} < (select xid from edge)
                          order by 1 offset %(limit)s limit 1),
                 reach as materialized (select least(
                     coalesce((select {source} from {source.table}
                               where {source} > (select xid from last) and {source} < (select xid from edge)
                               order by 1 limit 1), (select xid from edge)),
                     (select b.xid from stage_cursor b where b.stage = %(behind)s and b.slice = %(slice)s)) as xid)
            update stage_cursor c set xid = reach.xid from mine, reach
            where c.stage = %(stage)s and c.slice = %(slice)s and reach.xid > mine.xid
            returning mine.xid::text as low, c.xid::text as high""",
        {"stage": stage, "slice": _slice(only), "behind": behind, "limit": limit},
    ).fetchone()
    return row and Window(row.low, row.high)
