"""Stopping what is on its way: whoever withdraws, blocks us or goes is not written to, not even by what was decided before; nor is anybody
for a journey that is no more, or that an event began which was taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import psycopg

from yutang import definitions
from yutang.channels.contract import Channel
from yutang.db.cursor import Place, Reader, take
from yutang.db.queries import Queries
from yutang.deliver.tell import News, end_key, tell
from yutang.deliver.undo import Failed, undo

sql = Queries(__package__)

STOPS = {
    Reader("deliver.farewell", "farewell", behind="profile"): sql.stopped,
    Reader("deliver.undone", "run_undone"): sql.begun_in_vain,
}
"""What stops letters, and which ones."""


def stop(conn: psycopg.Connection, now: datetime, place: Place, channels: Mapping[str, Channel]) -> int:
    """Follow the news of people who want no more of it, or of runs that were begun in vain; returns how many attempts were ended or
    called off.

    What a worker has in hand is looked at by that worker: see `compose`, and what it is told here of letters that it has read already.
    """
    with conn.transaction():
        w = take(conn, place)
        if w.empty:
            return 0
        rows = STOPS[place.reader](conn, place.only, now=now, low=w.low, high=w.high).fetchall()
        if ended := [row for row in rows if row.state == "failed"]:
            tell(conn, now, [_event(now, row) for row in ended])
        off = _call_off(conn, now, channels, rows)
        if ended:
            undo(conn, now, [Failed(row.person_id, row.touch_id, sure=row.tries == 0) for row in ended])
        return len(ended) + off


def withdraw(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel]) -> int:
    """Nobody is to send any more what a journey or a message has asked for that is out of service; returns how many were called off.

    What waits is looked at when its turn comes: see `compose`.
    """
    with conn.transaction():
        if not (gone := definitions.retired_since(conn, "deliver", "journey", "message")):
            return 0
        rows = sql.withdrawn(conn, now=now, retired=gone).fetchall()
        return _call_off(conn, now, channels, rows)


def _event(now: datetime, row: Any) -> News:
    props = {"touch_id": row.touch_id, "channel": row.channel, "reason": row.reason}
    return end_key("failed", row.touch_id, row.round), "message_failed", row.person_id, now, props


def _call_off(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel], rows: Sequence[Any]) -> int:
    """What staff were asked to send; a channel that cannot take it back leaves it as it is. Returns how many there were."""
    off = sorted((row for row in rows if row.state == "assigned"), key=lambda row: row.channel)
    for name, group in groupby(off, key=lambda row: row.channel):
        if channel := channels.get(name):
            channel.call_off(conn, now, [row.touch_id for row in group])
    return len(off)
