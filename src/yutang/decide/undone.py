"""What was decided and came to nothing: its points are the person's again, and whoever mends the cause has it judged anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg

from yutang.db.queries import Queries

sql = Queries(__package__)


def freed(conn: psycopg.Connection, now: datetime, persons: Sequence[int]) -> None:
    """Touches of these people failed: what was held for want of points is judged now, not when they would have come free."""
    sql.freed(conn, now=now, persons=list(persons))


def reopen(conn: psycopg.Connection, now: datetime, persons: Sequence[int], touches: Sequence[int]) -> None:
    """These failed and are wanted again: all gates are asked anew, as others may have had the points, and the coupon, since."""
    sql.reopen(conn, now=now, persons=list(persons), touches=list(touches))
