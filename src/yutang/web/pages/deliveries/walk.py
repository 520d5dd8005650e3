"""Deliveries a page at a time, the newest first, however many there are.

All of them are walked in the order in which they were decided, by the index that the loop itself uses; failed ones have an index
of their own. A filter that fits little looks through a bounded number and says where it ended, so that no page takes long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from yutang.db.queries import Queries

sql = Queries(__package__)
PAGE = 50
LOOKED_THROUGH = 2_000
"""Deliveries that one page looks through for what fits a filter."""
LAST = 2**62


@dataclass(frozen=True)
class Filter:
    """What somebody asked for; None: any. day: on which it was decided."""

    channel: str | None = None
    state: str | None = None
    reason: str | None = None
    journey: int | None = None
    day: date | None = None

    @property
    def narrow(self) -> bool:
        return self != Filter(day=self.day)


@dataclass(frozen=True)
class Leaf:
    """A page. following: the place where the next one begins, None at the end; looked: more may come, though this page is short."""

    rows: list[Any]
    following: str | None
    looked: bool = False


def leaf(conn: psycopg.Connection, zone: str, asked: Filter, after: str | None) -> Leaf:
    """The page that begins after this place. Nonsense as a place is the beginning."""
    since = until = None
    if asked.day is not None:
        since, until = (datetime.combine(asked.day + timedelta(days=n), time(), ZoneInfo(zone)) for n in (0, 1))
    values = {
        "channel": asked.channel,
        "reason": asked.reason,
        "journeys": None if asked.journey is None else [asked.journey],
        "since": since,
        "limit": PAGE + 1,
    }
    xid, touch = _place(after)
    if asked.state == "failed" or (asked.state is None and asked.reason is not None):
        return _failed(conn, asked, values | {"touch": touch, "until": until})
    if xid is None:
        xid = _end(conn, until)
    if xid is None:
        return Leaf([], None)
    return _walked(conn, asked, values | {"xid": str(xid), "touch": touch, "state": asked.state}, since)


def _failed(conn: psycopg.Connection, asked: Filter, values: dict[str, Any]) -> Leaf:
    walk = PAGE + 1 if asked.journey is None and asked.day is None else LOOKED_THROUGH
    *rows, end = sql.failed(conn, **values, walk=walk).fetchall() or [None]
    if end is None:
        return Leaf([], None)
    if len(rows) > PAGE:
        return Leaf(rows[:PAGE], f"0.{rows[PAGE - 1].touch_id}")
    over = not sql.failed(conn, **values | {"touch": end.touch_id}, walk=1).fetchall()
    return Leaf(rows, None if over else f"0.{end.touch_id}", not over)


def _walked(conn: psycopg.Connection, asked: Filter, values: dict[str, Any], since: datetime | None) -> Leaf:
    walk = LOOKED_THROUGH if asked.narrow else PAGE + 1
    *rows, end = sql.walk(conn, **values, walk=walk).fetchall() or [None]
    if end is None:
        return Leaf([], None)
    if len(rows) > PAGE:
        last = rows[PAGE - 1]
        return Leaf(rows[:PAGE], f"{last.xid}.{last.touch_id}")
    over = (since is not None and end.judged_at < since) or _is_first(conn, end)
    return Leaf(rows, None if over else f"{end.xid}.{end.touch_id}", not over)


def _is_first(conn: psycopg.Connection, end: Any) -> bool:
    """Does nothing lie before it?"""
    rows = sql.walk(
        conn, xid=end.xid, touch=end.touch_id, walk=1, limit=1, channel=None, state=None, reason=None, journeys=None,
        since=None,
    ).fetchall()  # fmt: skip
    return not rows


def _place(text: str | None) -> tuple[int | None, int]:
    """Transaction and touch; "0" as the transaction is none."""
    xid, _, touch = (text or "").partition(".")
    if not (xid.isascii() and touch.isascii() and xid.isdigit() and touch.isdigit()) or len(xid + touch) > 36:
        return None, LAST
    return int(xid) or None, min(int(touch), LAST)


def _end(conn: psycopg.Connection, until: datetime | None) -> int | None:
    """The last transaction before an instant (or of all): found by halving, for transactions follow time and no index does."""
    row = sql.ends(conn).fetchone()
    if row is None or row.first is None:
        return None
    low, high = int(row.first), int(row.last)
    if until is None:
        return high
    while low <= high:
        middle = (low + high) // 2
        found = sql.judged_from(conn, xid=str(middle)).fetchone()
        if found is not None and found.judged_at < until:
            low = middle + 1
        else:
            high = middle - 1
    return high
