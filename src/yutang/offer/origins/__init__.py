"""What is owed goes where the facts went: coupons, redemptions, refusals and places on ladders follow a join, a split and an undone import."""

from __future__ import annotations

from datetime import datetime

import psycopg

from yutang.db.cursor import Window
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.model import Counts, Only
from yutang.offer import ladders, redemption, terms

sql = Queries(__package__)


def follow_moved(conn: psycopg.Connection, offers: list[Definition], moved: Window, only: Only) -> Counts:
    """Everything goes home. Counts: moved_home (rows), ladder_stands_again (places as they were before a join, or an undone order)."""
    persons = terms.array(row.person_id for row in sql.concerned(conn, only, low=moved.low, high=moved.high))
    if persons == terms.array([]):
        return Counts()
    sql.own_coupons(conn, persons=persons)
    sql.set_aside(conn, persons=persons)
    moves = (sql.move_coupons, sql.move_redemptions, sql.move_refusals, sql.move_ladders)
    rows = sum(move(conn, persons=persons).rowcount for move in moves)
    sql.free_marks(conn, persons=persons)
    return Counts(moved_home=rows, ladder_stands_again=_stand_again(conn, offers, persons))


def _stand_again(conn: psycopg.Connection, offers: list[Definition], persons: str) -> int:
    """Where people are by facts that are their own. Their own orders of since count; whoever stood for both was told of those."""
    rows = sql.stand_again(conn, persons=persons, **ladders.published(conn, offers)).fetchall()
    rows += sql.stand_apart(conn, persons=persons).fetchall()
    ladders.climb(conn, offers, [row.person_id for row in rows], told=False)
    return len(rows)


def follow_undone(conn: psycopg.Connection, now: datetime, undone: Window) -> Counts:
    """Other systems' coupons and uses of which somebody took the word back: unused ones go, uses are given back."""
    uses = sql.undone_uses(conn, low=undone.low, high=undone.high).fetchall()
    redemption.hold(conn, [row.code for row in uses])
    back = redemption.give_back(conn, now, uses, "done", "restored")
    gone = sql.undone_coupons(conn, low=undone.low, high=undone.high).fetchone()
    assert gone is not None
    return Counts(redemption_undone=back, coupon_undone=gone.n)
