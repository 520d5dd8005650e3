"""The figures of a pond, read from its database."""

from __future__ import annotations

from typing import Any

import psycopg

from yutang import definitions, offer
from yutang.db.queries import Queries
from yutang.segment.refresh import sizes

sql = Queries(__package__)


def summary(conn: psycopg.Connection) -> dict[str, Any]:
    """The pond's figures; money in fen. `touches_held`: every touch that was not sent, by its last reason."""
    people, coupons, own = _row(sql.people(conn)), offer.totals(conn), _row(sql.own_coupons(conn))
    pond = definitions.pond(conn)
    return {
        "persons": people["persons"],
        "events": people["events"],
        "orders": people["orders"],
        "sales_fen": people["sales_fen"],
        "segments": sizes(conn),
        "journeys": {row.name: row.entries for row in sql.journeys(conn, **_named(conn, "journey"))},
        "touches_sent": _row(sql.sent(conn))["touches"],
        "touches_held": {row.reason: row.touches for row in sql.held(conn)},
        "coupons_issued": coupons["issued"],
        "coupons_redeemed": coupons["redeemed"],
        "liability_fen": coupons["liability_fen"],
        "more": {
            "brand": pond["name"],
            "touches_held_at_some_time": _row(sql.once_held(conn))["touches"],
            "own_coupons_issued": own["issued"],
            "own_coupons_redeemed": own["redeemed"],
            "coupons_outstanding": coupons["outstanding"],
            "events_rejected": people["rejected"],
        },
    }


def titles(conn: psycopg.Connection, kind: str) -> dict[str, dict[str, str]]:
    """``{"zh", "en"}`` of every definition of a kind in service, by name."""
    return {d.name: d.body["title"] for d in definitions.all_current(conn, kind)}


def _named(conn: psycopg.Connection, kind: str) -> dict[str, list[Any]]:
    found = definitions.all_current(conn, kind)
    return {"ids": [d.definition_id for d in found], "names": [d.name for d in found]}


def _row(cursor: psycopg.Cursor) -> dict[str, Any]:
    row = cursor.fetchone()
    assert row is not None
    return row._asdict()
