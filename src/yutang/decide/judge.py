"""The stage `decide.judge`: every proposed touch is sent, held or refused, and the reason is kept.

The gates stand in order in the statement `judge`: eligibility, address and consent, quiet hours, budget, holdout. Then the touches
of one person compete for the points that are left. Stock comes last, so that a control customer never consumes a coupon and the
lock on stock is held shortest. A cap defers, it never drops: what is held keeps its place, is judged again when points come free,
and ends at its own deadline with a reason.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang import definitions, journey, offer
from yutang.db.cursor import GROUPED, Reader, Window, hold, windows
from yutang.db.queries import Queries
from yutang.decide.reach import heads
from yutang.model import EVERYBODY, Counts, Only

sql = Queries(__package__)
PROPOSED, GONE = Reader("decide", "proposal", GROUPED), Reader("decide.farewell", "farewell", behind="profile")
WISHES = Reader("decide.wish", "wish", behind="profile")

CHUNK = 20_000
JUDGED_BY = ("budget", "price", "quiet", "consent", "reach", "time_zone")
"""The parts of the pond that hold touches, or let them go."""
UNLIMITED = 1_000_000_000
"""Points that nobody spends."""


def judge(conn: psycopg.Connection, now: datetime, only: Only = EVERYBODY) -> Counts:
    """Judge what is proposed, and the touches whose time to be asked again has come or whose person wants no more of them."""
    with conn.transaction():
        if only.persons is None and definitions.moved(conn, "decide", JUDGED_BY):
            sql.recall_all(conn, now=now)
        w, farewell, wishes = windows(conn, only, PROPOSED, GONE, WISHES)
        if w.empty and farewell.empty and wishes.empty and not _waiting(conn, now, only):
            return Counts()
        # One judge at a time: two could give the same person's last points to two touches.
        hold(conn, "decide", "proposal", only)
        if not farewell.empty:
            sql.recall(conn, only, now=now, low=farewell.low, high=farewell.high)
        if not wishes.empty:
            sql.recall_wishes(conn, only, now=now, low=wishes.low, high=wishes.high)
        sql.follow_runs(conn, only, now=now)
        counts = _judge(conn, now, only, w)
        if only.persons is None:
            journey.judged(conn, w, only)
        return counts


def _waiting(conn: psycopg.Connection, now: datetime, only: Only) -> bool:
    row = sql.waiting(conn, only, now=now).fetchone()
    return bool(row and row.found)


def _judge(conn: psycopg.Connection, now: datetime, only: Only, w: Window) -> Counts:
    sql.scratch(conn)
    sql.clear(conn)
    if not sql.judge(conn, only, now=now, low=w.low, high=w.high, limit=CHUNK, **_rules(conn)).rowcount:
        return Counts()
    sql.outbid(conn)
    offer.open_batch(conn)
    if sql.want(conn).rowcount:
        offer.issue_batch(conn, now)
        if sql.refuse(conn).rowcount:
            sql.give_back(conn, now=now)
    sql.record(conn, now=now)
    sql.record_again(conn, now=now)
    return Counts({row.word: row.n for row in sql.counts(conn)})


def _rules(conn: psycopg.Connection) -> dict[str, Any]:
    """What the gates compare with: the pond's settings and the journeys in service."""
    pond = definitions.pond(conn)
    budget, quiet = pond["budget"], pond["quiet"]
    limits = {name: UNLIMITED if budget[name] is None else budget[name] for name in budget if name != "window_days"}
    return {
        "zone": pond["time_zone"],
        "window": timedelta(days=budget["window_days"]),
        "quiet_from": quiet["from"],
        "quiet_to": quiet["to"],
        "holidays": quiet["holidays"],
        "journeys": [d.definition_id for d in definitions.all_current(conn, "journey")],
        **limits,
        **_by_channel(pond, heads(conn, pond["reach"])),
    }


def _by_channel(pond: dict[str, Any], known: dict[str, bytes]) -> dict[str, list[Any]]:
    """What the settings say of each channel that they name, in one order."""
    channels = sorted(pond["consent"].keys() | pond["price"].keys())
    return {
        "channels": channels,
        "heads": [known.get(channel) for channel in channels],
        "required": [pond["consent"].get(channel, "required") == "required" for channel in channels],
        "prices": [pond["price"].get(channel, 1) for channel in channels],
    }
