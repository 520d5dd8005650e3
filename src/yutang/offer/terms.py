"""What the statements join with: the offers in service as columns, a handful of rows whatever the batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang import definitions
from yutang.definitions import Definition
from yutang.model import Reason
from yutang.offer.definition import PLAIN


def offers(conn: psycopg.Connection) -> list[Definition]:
    """Every offer in service."""
    return definitions.all_current(conn, "offer")


def rungs(body: Mapping[str, Any]) -> list[int]:
    """The percent to pay of each rung of a ladder, numbered through from 1: down, then up."""
    return [*body["down"], *body["up"]]


def worth_fen(body: Mapping[str, Any], rung: int) -> int:
    """What one coupon of this rung (0: of no ladder) is expected to cost, in fen; of a red packet on average."""
    if body["sort"] == "red_packet":
        return (body["least_fen"] + body["most_fen"]) // 2
    if body["sort"] != "ladder":
        return body["value_fen"]
    return round(body["basket_fen"] * (100 - rungs(body)[rung - 1]) / 100)


def stock_columns(offers: Iterable[Definition]) -> dict[str, list[Any]]:
    """Stock and budget of each offer."""
    return _columns(
        ("ids", "totals", "budgets"), [(d.definition_id, d.body["stock"], d.body["budget_fen"]) for d in offers]
    )


def limits(offer: Definition) -> dict[str, Any]:
    """How much one person, phone or device may have of it."""
    return (PLAIN | offer.body)["limits"]


_ISSUE = ("definitions", "versions", "rungs", "values", "pay", "off", "minimum", "expires", "per_person", "per_day", "cool", "reasons")  # fmt: skip


def issue_columns(offers: Iterable[Definition], now: datetime) -> dict[str, list[Any]]:
    """The terms of every offer and rung for coupons issued at `now`."""
    return _columns([f"t_{name}" for name in _ISSUE], [row for d in offers for row in _issue_rows(d, now)])


def _issue_rows(offer: Definition, now: datetime) -> list[tuple[Any, ...]]:
    """Of a red packet the amount is drawn later, within the budget, so here it weighs nothing."""
    body = PLAIN | offer.body
    minimum, until, per_day = body["minimum_fen"], now + timedelta(days=body["valid_days"]), body["limits"]["per_day"]
    if body["sort"] == "ladder":
        cool = now - timedelta(days=body["cool_down_days"]) if body["cool_down_days"] else None
        return [
            (offer.definition_id, offer.version, n, worth_fen(body, n), pay, None, minimum, until, None, per_day, cool, _floor(body, pay))
            for n, pay in enumerate(rungs(body), 1)
        ]  # fmt: skip
    pay, off, value = body.get("pay_percent"), body.get("off_fen"), body.get("value_fen", 0)
    return [
        (offer.definition_id, offer.version, 0, value, pay, off, minimum, until, body["per_person"], per_day, None, _floor(body, least_pay(body)))
    ]  # fmt: skip


def least_pay(body: Mapping[str, Any]) -> int | None:
    """What is paid of the smallest order that a coupon is good for, in percent: nothing, where more comes off than it is worth. None where
    that can be anything."""
    pay, off, minimum = body.get("pay_percent"), body.get("off_fen"), body["minimum_fen"]
    return pay if off is None else max(minimum - off, 0) * 100 // minimum if minimum else None


def _floor(body: Mapping[str, Any], pay_percent: int | None) -> str | None:
    """Refused at the issue where even the smallest order it is good for would pay less than the floor: nobody should hold a
    coupon that the till must refuse."""
    below = pay_percent is not None and pay_percent < body["margin_floor_percent"]
    return Reason.BELOW_MARGIN.value if below else None


_FOREIGN = ("names", "definitions", "versions", "values", "pay", "off", "minimum", "valid")


def foreign_columns(offers: Iterable[Definition]) -> dict[str, list[Any]]:
    """The terms of our coupons by name, for codes of ours that another system gave out."""
    rows = [
        (
            d.name,
            d.definition_id,
            d.version,
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


_LADDER = ("definitions", "versions", "silence", "wait", "again", "down", "up", "patience", "since", "existing")


def ladder_columns(offers: Iterable[Definition], since: Mapping[int, datetime]) -> dict[str, list[Any]]:
    """The figures of every ladder; `since`: when each was published."""
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
            since.get(d.definition_id),
            b["existing"],
        )
        for d in offers
        if (b := PLAIN | d.body)["sort"] == "ladder"
    ]
    return _columns([f"l_{name}" for name in _LADDER], rows)


def array(numbers: Iterable[int]) -> str:
    """An array as PostgreSQL reads it; a tenth of the time that the driver takes to convert each number."""
    return "{" + ",".join(map(str, numbers)) + "}"


def texts(words: Iterable[str]) -> str:
    """The same for texts, whatever stands in them."""
    return "{" + ",".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words) + "}"


def _columns(names: Iterable[str], rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[n] for row in rows] for n, name in enumerate(names)}
