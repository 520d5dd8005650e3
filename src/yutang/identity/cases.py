"""What looks as if two people were one, and was not joined: for a person to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from yutang.db.queries import Queries

sql = Queries(__package__)


def cases(conn: psycopg.Connection, persons: Sequence[int] | None = None, limit: int = 50) -> list[Any]:
    """The newest first: rows (case_id, reason, event_id, type, source, at, persons). reason: ``conflict``, strong handles that contradict each
    other, or ``suggestion``, a weak handle that they share. `persons`: only cases that concern one of these."""
    return sql.cases(conn, persons=None if persons is None else list(persons), limit=limit).fetchall()
