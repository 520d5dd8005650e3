"""Erasing people: what they own ends, what they used stays as a figure, so that stock, budgets and liabilities stay true."""

from __future__ import annotations

import psycopg

from yutang.db.erase import Whom, wipe
from yutang.model import Counts
from yutang.offer import redemption
from yutang.offer.coupon import sql

STATEMENTS = (
    "erase_coupon_mark",
    "erase_redemption",
    "erase_coupon",
    "erase_ladder",
    "erase_ladder_aside",
    "erase_offer_refusal",
)


def erase(conn: psycopg.Connection, whom: Whom) -> Counts:
    """Rows per table; see `yutang.erasure`. What is held for an order is let go, what is open runs out and frees its budget."""
    params = whom.params()
    redemption.hold(conn, [row.code for row in sql.codes_of(conn, **params)])
    redemption.give_back(conn, whom.at, sql.held_by(conn, **params).fetchall(), "held", "released")
    ended = sql.end_coupons(conn, **params).fetchall()
    ids = [row.definition_id for row in ended]
    sql.hold_stock(conn, ids=ids)
    none = [0] * len(ids)
    sql.count_stock(conn, ids=ids, counts=none, spent=none, reserved=[-row.fen for row in ended])
    return wipe(conn, sql, STATEMENTS, whom)
