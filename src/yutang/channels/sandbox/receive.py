"""Receive: the script's answers, when their time has come."""

from __future__ import annotations

from datetime import datetime

import psycopg

from yutang.channels.contract import Answer
from yutang.db.queries import Queries

sql = Queries(__package__)
LIMIT = 10_000


def take(conn: psycopg.Connection, now: datetime) -> list[Answer]:
    """Up to `LIMIT` answers that are due; they leave the table with the caller's transaction."""
    rows = sql.take_answers(conn, now=now, limit=LIMIT)
    return [Answer(r.touch_id, r.person_id, str(r.seq), r.type, r.at, r.props) for r in rows]
