"""One offer as it stands: stock, lives of its coupons, refusals, and for a ladder who stands where and who waits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.model import Reason, YutangError
from yutang.offer import terms
from yutang.offer.report.owed import liability
from yutang.source import Said, suggest

sql = Queries(__package__)


def show(conn: psycopg.Connection, now: datetime, name: str, foresee: bool = True) -> dict[str, Any]:
    """``{"offer", "sort", "title", "version", "terms", "stock", "coupons", "refused", "liability", "ladder"}``; money in fen.

    coupons: by rung ``{"rung", "pay_percent", "issued", "open", "held", "redeemed", "expired", "spent_fen"}``. refused:
    ``{"at": "issue" | "till", "reason", "n"}``. ladder (else null): ``{"places": [{"side", "rung", "people"}], "patience",
    "waited": [{"waited", "people"}], "waiters", "stopped"}``: people by how many of their orders in a row came only after a
    rung down, those who are waiters, and how often a deeper rung was kept from one. foresee: without it the liability, which
    takes longest, is left out (empty). Raises YutangError when no such offer is in service.
    """
    offer = _named(conn, name)
    stock = sql.stock(conn, definition_id=offer.definition_id).fetchone()
    refused = [row._asdict() for row in sql.refused(conn, definition_id=offer.definition_id)]
    return {
        "offer": offer.name,
        "sort": offer.body["sort"],
        "title": offer.body["title"],
        "version": offer.version,
        "terms": {name: value for name, value in offer.body.items() if name not in ("sort", "title")},
        "stock": stock and stock._asdict(),
        "coupons": _coupons(conn, offer),
        "refused": refused,
        "liability": liability_of(conn, now, offer.name) if foresee else [],
        "ladder": _ladder(conn, offer, refused) if offer.body["sort"] == "ladder" else None,
    }


def liability_of(conn: psycopg.Connection, now: datetime, name: str) -> list[dict[str, Any]]:
    """The parts of the liability that are one offer's, by rung."""
    return [part for part in liability(conn, now).to_json()["offers"] if part["offer"] == name]


def conflicts(conn: psycopg.Connection, limit: int = 100) -> list[dict[str, Any]]:
    """What tills that were offline gave away in vain, newest first:
    ``{"request_id", "code", "person_id", "order_id", "discount_fen", "reason", "against", "at"}``."""
    return [row._asdict() for row in sql.conflicts(conn, limit=limit)]


def _named(conn: psycopg.Connection, name: str) -> Definition:
    offer = definitions.current(conn, "offer", name)
    if offer is None:
        names = [d.name for d in definitions.all_current(conn, "offer")]
        fix = suggest(name, names) if names else Said("线上还没有任何优惠。", "there is none at all")
        raise YutangError(f"线上没有优惠“{name}”，{fix.zh} there is no offer '{name}' in service; {fix.en}")
    return offer


def _coupons(conn: psycopg.Connection, offer: Definition) -> list[dict[str, Any]]:
    pays = [None, *terms.rungs(offer.body)] if offer.body["sort"] == "ladder" else [offer.body.get("pay_percent")]
    spent = {row.rung: row.spent_fen for row in sql.spent_by_rung(conn, definition_id=offer.definition_id)}
    return [
        row._asdict()
        | {"pay_percent": pays[row.rung] if row.rung < len(pays) else None, "spent_fen": spent.get(row.rung, 0)}
        for row in sql.by_rung(conn, definition_id=offer.definition_id)
    ]


def _ladder(conn: psycopg.Connection, offer: Definition, refused: list[dict[str, Any]]) -> dict[str, Any]:
    patience = offer.body["patience"]
    waited = [row._asdict() for row in sql.waited(conn, definition_id=offer.definition_id)]
    return {
        "places": [row._asdict() for row in sql.places(conn, definition_id=offer.definition_id)],
        "patience": patience,
        "waited": waited,
        "waiters": sum(row["people"] for row in waited if patience and row["waited"] >= patience),
        "stopped": sum(row["n"] for row in refused if row["reason"] == Reason.WAITER),
    }
