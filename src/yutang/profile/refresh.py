"""What is known of each person: traits, tags, consent, activity, RFM and life stage, kept right as events and time pass."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from yutang import definitions
from yutang.clock import business_day
from yutang.db.cursor import Reader, windows
from yutang.db.queries import Queries
from yutang.model import EVERYBODY, Counts, Only

sql = Queries(__package__)
DUE = 5_000
"""How many persons one run takes whom time alone has changed."""
MOVED = 2_000
"""How many persons one run makes again because identity re-pointed their events; each brings all of its events."""
EVENTS, PERSONS = Reader("profile", "person_event"), Reader("profile.person", "person", MOVED, "changed")
SCORED_BY = ("rfm", "life", "time_zone")
"""The parts of the pond by which scores are reckoned."""
WORDS = (
    (sql.traits, {"profile_updated"}),
    (sql.tags, {"tagged", "untagged"}),
    (sql.consents, {"consent_given", "consent_withdrawn"}),
)
"""What is drawn from the words that events bring, each table from person_event alone; and which events have any."""


def refresh(conn: psycopg.Connection, now: datetime, only: Only = EVERYBODY) -> Counts:
    """Bring the profiles of everybody with new events, re-pointed events, or a date that has come up to `now`.

    Each run takes about 20,000 events, or what one transaction of identity wrote. Counts: ``gone`` profiles taken down to be made again, ``due`` persons whom time
    alone changes, ``profile`` persons looked at: those with news and those due, ``rescored`` persons made due because the pond has changed.
    """
    with conn.transaction():
        counts = Counts()
        if only.persons is None and definitions.moved(conn, "profile", SCORED_BY):
            counts += Counts(rescored=sql.rescore(conn, now=now).rowcount)
        news, moved = windows(conn, only, EVENTS, PERSONS)
        span = {"low": news.low, "high": news.high, "changed_low": moved.low, "changed_high": moved.high}
        if not moved.empty:
            counts["gone"] = _forget(conn, only, span)
        heard = 0 if news.empty and moved.empty else _hear(conn, now, only, span)
        counts["due"] = sql.claim(conn, only, now=now, limit=DUE).fetchone().n
        if heard or counts.busy():
            counts["profile"] = heard + counts["due"]
            _score(conn, now, only, span)
        return counts


def _forget(conn: psycopg.Connection, only: Only, span: dict[str, str]) -> int:
    gone = sql.forget_profile(conn, only, **span).rowcount
    sql.forget(conn, only, **span)
    return gone


def _hear(conn: psycopg.Connection, now: datetime, only: Only, span: dict[str, str]) -> int:
    heard = sql.touch(conn, only, now=now, **span).fetchone()
    assert heard is not None
    sql.roll_up(conn, only, **span)
    for statement, types in WORDS:
        if types.intersection(heard.types):
            statement(conn, only, now=now, **span)
    return int(heard.n)


def _score(conn: psycopg.Connection, now: datetime, only: Only, span: dict[str, str]) -> None:
    sql.expire(conn, only, now=now)
    sql.score(conn, only, now=now, **span, **_rules(definitions.pond(conn), now))
    if only.persons is None:
        sql.forget_due(conn, only)


def _rules(pond: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The pond's cut points as parameters; `cuts` are all numbers of days since the last order at which something changes."""
    life, zone = pond["life"], pond["time_zone"]
    cuts = [*pond["rfm"]["recency_days"], life["dormant_days"], life["lost_days"]]
    return pond["rfm"] | life | {"zone": zone, "today": business_day(now, zone), "cuts": sorted(set(cuts))}
