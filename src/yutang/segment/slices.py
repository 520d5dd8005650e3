"""Everybody, in as few parts as fit into memory beside what is asked about them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from yutang.db.queries import Queries
from yutang.model import BUCKETS, Only

sql = Queries(__package__)

AT_ONCE = 250_000
"""How many people are held in memory at a time: so that a process that fills a handful of segments stays below 300 MB however large the
pond is. Each part is one more look over the tables."""


def slices(conn: psycopg.Connection) -> Iterator[Only]:
    """Ranges of buckets, by what the database believes of the number of people."""
    row = sql.about_people(conn).fetchone()
    step = BUCKETS // max(1, min(BUCKETS, int(row.people) // AT_ONCE + 1)) if row else BUCKETS
    for lo in range(0, BUCKETS, step):
        yield Only(lo, min(lo + step, BUCKETS) - 1)
