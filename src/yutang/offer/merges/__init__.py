"""What is owed goes where the facts went: coupons, redemptions, refusals and places on ladders follow a merge or a split."""

from __future__ import annotations

import psycopg

from yutang.db.cursor import Window
from yutang.db.queries import Queries
from yutang.model import Only

sql = Queries(__package__)


def follow(conn: psycopg.Connection, merges: Window, only: Only) -> tuple[list[int], int]:
    """Everything goes home. Returns the persons whose facts were joined or parted, and how many rows moved."""
    persons = [row.person_id for row in sql.merged(conn, only, low=merges.low, high=merges.high)]
    if not persons:
        return [], 0
    moves = (sql.move_coupons, sql.move_redemptions, sql.move_refusals, sql.move_ladders)
    return persons, sum(move(conn, persons=persons).rowcount for move in moves)
