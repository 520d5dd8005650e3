"""Old facts leave PostgreSQL when the lake has them; what is kept of them is their number and sum per person, type and day."""

from __future__ import annotations

from datetime import datetime

import psycopg

from yutang.db.cursor import hold
from yutang.identity.batch import sql
from yutang.model import Only


def drop_facts(conn: psycopg.Connection, only: Only, types: list[str], before: datetime, archived: str) -> list[int]:
    """Take the facts of these types, of these buckets and from before this instant, into their sums. Returns their events.

    Only facts that every stage has read, and that belong to transactions before `archived`, go. Inside a transaction: the caller
    deletes the events in it too. Profiles stay as they are, and come out the same when they are made again.
    """
    hold(conn, "identity", "event")
    read = sql.read_to(conn).fetchone().xid
    if read is None:
        return []
    upto = min(read, archived, key=int)
    return [row.event_id for row in sql.drop_facts(conn, lo=only.lo, hi=only.hi, types=types, before=before, xid=upto)]
