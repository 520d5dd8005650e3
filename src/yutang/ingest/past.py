"""Old events leave PostgreSQL when the lake has them (`[history] hot_days`)."""

from __future__ import annotations

from datetime import datetime

import psycopg

from yutang.ingest.record import sql


def close_before(conn: psycopg.Connection, before: datetime) -> None:
    """From now on the door takes no event from before this instant."""
    sql.move_edge(conn, before=before)


def drop(conn: psycopg.Connection, events: list[int]) -> int:
    """Delete these events. Returns how many were there."""
    return sql.drop_events(conn, events=events).rowcount
