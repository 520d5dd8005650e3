"""What the statements join with: the offers in service as columns, a handful of rows whatever the batch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang import definitions
from yutang.definitions import Definition
from yutang.model import Reason


def offers(conn: psycopg.Connection) -> list[Definition]:
    """Every offer in service."""
    return definitions.all_current(conn, "offer")


def rungs(body: dict[str, Any]) -> list[int]:
    """The percent to pay of each rung of a ladder, numbered through from 1: down, then up."""
    return [*body["down"], *body["up"]]


def worth_fen(body: dict[str, Any], rung: int) -> int:
    """What one coupon of this rung (0: a plain coupon) is expected to cost, in fen."""
    if body["sort"] == "coupon":
        return body["value_fen"]
    return round(body["basket_fen"] * (100 - rungs(body)[rung - 1]) / 100)


def stock_columns(offers: Iterable[Definition]) -> dict[str, list[Any]]:
    """Stock and budget of each offer."""
    return _columns(
        ("ids", "totals", "budgets"), [(d.definition_id, d.body["stock"], d.body["budget_fen"]) for d in offers]
    )


_ISSUE = ("definitions", "rungs", "values", "pay", "off", "minimum", "expires", "per_person", "cool", "reasons")


def issue_columns(offers: Iterable[Definition], now: datetime) -> dict[str, list[Any]]:
    """The terms of every offer and rung for coupons issued at `now`."""
    return _columns([f"t_{name}" for name in _ISSUE], [row for d in offers for row in _issue_rows(d, now)])


def _issue_rows(offer: Definition, now: datetime) -> list[tuple[Any, ...]]:
    body = offer.body
    expires_at = now + timedelta(days=body["valid_days"])
    if body["sort"] == "coupon":
        terms = (body["pay_percent"], body["off_fen"], body["minimum_fen"], expires_at, body["per_person"], None, None)
        return [(offer.definition_id, 0, body["value_fen"], *terms)]
    cool = now - timedelta(days=body["cool_down_days"]) if body["cool_down_days"] else None
    return [
        (
            offer.definition_id,
            n,
            worth_fen(body, n),
            pay,
            None,
            body["minimum_fen"],
            expires_at,
            None,
            cool,
            _floor(body, pay),
        )
        for n, pay in enumerate(rungs(body), 1)
    ]


def _floor(body: dict[str, Any], pay_percent: int) -> str | None:
    return Reason.BELOW_MARGIN.value if pay_percent < body["margin_floor_percent"] else None


_FOREIGN = ("names", "definitions", "values", "pay", "off", "minimum", "valid")


def foreign_columns(offers: Iterable[Definition]) -> dict[str, list[Any]]:
    """The terms of our coupons by name, for codes of ours that another system gave out."""
    rows = [
        (
            d.name,
            d.definition_id,
            b["value_fen"],
            b["pay_percent"],
            b["off_fen"],
            b["minimum_fen"],
            timedelta(days=b["valid_days"]),
        )
        for d in offers
        if (b := d.body)["sort"] == "coupon"
    ]
    return _columns([f"t_{name}" for name in _FOREIGN], rows)


_LADDER = ("definitions", "versions", "silence", "wait", "again", "down", "up", "patience")


def ladder_columns(offers: Iterable[Definition]) -> dict[str, list[Any]]:
    """The figures of every ladder."""
    rows = [
        (
            d.definition_id,
            d.version,
            timedelta(days=b["silence_days"]),
            timedelta(days=b["wait_days"]),
            None if b["again_days"] is None else timedelta(days=b["again_days"]),
            len(b["down"]),
            len(b["up"]),
            b["patience"],
        )
        for d in offers
        if (b := d.body)["sort"] == "ladder"
    ]
    return _columns([f"l_{name}" for name in _LADDER], rows)


def array(numbers: Iterable[int]) -> str:
    """An array as PostgreSQL reads it; a tenth of the time that the driver takes to convert each number."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _columns(names: Iterable[str], rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[n] for row in rows] for n, name in enumerate(names)}
