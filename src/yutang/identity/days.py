"""The business day of each fact, told anew when the pond moves to another time zone."""

from __future__ import annotations

import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.model import BUCKETS

sql = Queries(__package__)
PIECE = 16
"""Buckets per run. (Of 1,000,000 persons with 20,000,000 events one takes about a second.)"""


def follow(conn: psycopg.Connection) -> int:
    """Tell the days of the next facts; returns how many buckets were looked at, 0 when all days are those of the pond's zone.

    What only the lake has keeps the days that it was archived with.
    """
    zone = definitions.pond(conn)["time_zone"]
    if sql.zone_of_days(conn, zone=zone).rowcount:
        return 0
    with conn.transaction():
        sql.follow_zone(conn, zone=zone)
        row = sql.days_to_tell(conn, zone=zone).fetchone()
        if row is None:
            return 0
        high = min(row.next_bucket + PIECE, BUCKETS)
        sql.tell_days(conn, zone=zone, low=row.next_bucket, high=high)
        sql.days_told(conn, high=high)
        return high - row.next_bucket
