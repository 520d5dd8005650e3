"""The stage `decide.judge`: every proposed touch is sent, held or refused, and the reason is kept.

The gates stand in order in the statement `judge`: eligibility, consent, quiet hours, budget, holdout. Stock comes last, so
that a control customer never consumes a coupon and the lock on stock is held shortest. A cap defers, it never drops: what
is held keeps its place, is judged again when the budget allows, and ends at its own deadline with a reason.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang import definitions, journey, offer
from yutang.db.cursor import GROUPED, Window, hold, window
from yutang.db.queries import Queries
from yutang.handles import BY_NAME
from yutang.model import EVERYBODY, Counts, Only

sql = Queries(__package__)

CHUNK = 20_000


def judge(conn: psycopg.Connection, now: datetime, only: Only = EVERYBODY) -> Counts:
    """Judge what is proposed, and the touches whose time to be asked again has come."""
    with conn.transaction(), window(conn, "decide", "proposal", only, GROUPED) as w:
        if not w.empty or _waiting(conn, now, only):
            # One judge at a time: two could give the same person's last slot to two touches.
            hold(conn, "decide", "proposal", only)
            counts = _judge(conn, now, only, w)
            if only.persons is None:
                journey.judged(conn, w, only)
            return counts
    return Counts()


def _waiting(conn: psycopg.Connection, now: datetime, only: Only) -> bool:
    row = sql.waiting(conn, only, now=now).fetchone()
    return bool(row and row.found)


def _judge(conn: psycopg.Connection, now: datetime, only: Only, w: Window) -> Counts:
    sql.scratch(conn)
    sql.clear(conn)
    if not sql.judge(conn, only, now=now, low=w.low, high=w.high, limit=CHUNK, **_rules(conn)).rowcount:
        return Counts()
    offer.open_batch(conn)
    if sql.want(conn).rowcount:
        offer.issue_batch(conn, now)
        sql.refuse(conn)
    sql.record(conn, now=now)
    sql.record_again(conn, now=now)
    return Counts({row.word: row.n for row in sql.counts(conn)})


def _rules(conn: psycopg.Connection) -> dict[str, Any]:
    """What the gates compare with: the pond's settings and the journeys in service."""
    pond = definitions.pond(conn)
    channels = sorted(pond["consent"])
    reach = [pond["reach"].get(channel) for channel in channels]
    return {
        "zone": pond["time_zone"],
        "window": timedelta(days=pond["budget"]["window_days"]),
        "touches": pond["budget"]["touches"],
        "quiet_from": pond["quiet"]["from"],
        "quiet_to": pond["quiet"]["to"],
        "channels": channels,
        "codes": [kind and BY_NAME[kind].code for kind in reach],
        "required": [pond["consent"][channel] == "required" for channel in channels],
        "journeys": [d.definition_id for d in definitions.all_current(conn, "journey")],
    }
