"""Goods in and out of the catalogue. A row names its product and what is to change of it: the stock alone, or everything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from yutang.db.queries import Queries
from yutang.model import YutangError

sql = Queries(__package__)
MOST = 1_000
"""Rows of one call."""
FIELDS = ("id", "title", "price_fen", "stock", "on_sale", "category", "picture", "url")
LONGEST = {"id": 200, "title": 200, "category": 100, "picture": 2000, "url": 2000}
HIGHEST = 10**12
_WEB = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)


@dataclass(frozen=True)
class Product:
    """One article. price_fen, stock: None where nobody knows; a stock that nobody counts never runs out."""

    id: str
    title: str
    price_fen: int | None
    stock: int | None
    on_sale: bool
    category: str | None
    picture: str | None
    url: str | None
    at: datetime


@dataclass(frozen=True)
class Bad:
    """A row that was not taken: its index in what was given, and what to mend."""

    index: int
    detail: str


@dataclass(frozen=True)
class Put:
    """What became of rows: products that are new, changed, as they were already; and rows that were not taken."""

    added: int
    changed: int
    same: int
    rejected: list[Bad]


def put(conn: psycopg.Connection, now: datetime, rows: Sequence[Mapping[str, Any]]) -> Put:
    """Add products and change what rows name of those that are there; a later row of a product is laid over an earlier one.

    Null takes a value away, where one may be missing. Raises YutangError for more than MOST rows.
    """
    if len(rows) > MOST:
        raise YutangError(
            f"共 {len(rows)} 件商品，一次最多发 {MOST:,} 件。 {len(rows)} products; send at most {MOST:,} in one call"
        )
    bad = {n: problem for n, row in enumerate(rows) if (problem := _problem(row)) is not None}
    with conn.transaction():
        wanted = [str(row["id"]) for n, row in enumerate(rows) if n not in bad]
        there = {row.product for row in sql.hold(conn, products=wanted)}
        merged: dict[str, dict[str, Any]] = {}
        for n, row in enumerate(rows):
            if n in bad:
                continue
            if row["id"] not in there and "title" not in row and row["id"] not in merged:
                bad[n] = f"商品“{row['id']}”是新的，请给出名称 title。 product '{row['id']}' is new: give it a title"
            else:
                merged.setdefault(row["id"], {}).update(row)
        given = Jsonb(list(merged.values()))
        added = {row.product for row in sql.add(conn, rows=given, now=now)} if merged.keys() - there else set()
        changed = sql.change(conn, rows=given, now=now).rowcount if there & merged.keys() else 0
    return Put(len(added), changed, len(merged) - len(added) - changed, [Bad(n, bad[n]) for n in sorted(bad)])


def find(conn: psycopg.Connection, product: str) -> Product | None:
    """One product as it is now."""
    row = None if "\0" in product else sql.find(conn, product=product).fetchone()
    return row and Product(*row)


def _problem(row: Mapping[str, Any]) -> str | None:
    """What is wrong with a row; None where nothing is."""
    if unknown := sorted(row.keys() - set(FIELDS)):
        return (
            f"商品没有字段“{unknown[0]}”；可用 {', '.join(FIELDS)}。 "
            f"'{unknown[0]}' is no field of a product; use {', '.join(FIELDS)}"
        )
    if not row.get("id"):
        return "缺少 id：请写订单里用的商品编码。 'id' is missing: the product as order lines name it"
    return next((said for name, value in row.items() if (said := _wrong(name, value)) is not None), None)


def _wrong(name: str, value: Any) -> str | None:
    if value is None:
        return (
            f"“{name}”不能清空，请不写这一项，或写别的值。 "
            f"'{name}' cannot be taken away; leave it out, or write another"
            if name in ("title", "on_sale")
            else None
        )
    if name == "on_sale":
        return None if isinstance(value, bool) else "on_sale 只能是 true 或 false。 'on_sale' is true or false"
    if name in ("price_fen", "stock"):
        whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= HIGHEST
        zh, en = ("（null：不计库存）", " (null: not counted)") if name == "stock" else ("", "")
        return None if whole else f"“{name}”应是不小于 0 的整数{zh}。 '{name}' is a whole number, 0 or more{en}"
    if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > LONGEST[name]:
        return f"“{name}”应是 1 到 {LONGEST[name]} 个字符的文本。 '{name}' is a text of 1 to {LONGEST[name]} characters"
    if name in ("picture", "url") and not _WEB.fullmatch(value):
        return (
            f"“{name}”应是以 https:// 或 http:// 开头的网址。 "
            f"'{name}' is an address that begins with https:// or http://"
        )
    return None


def batches(rows: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterable[list[tuple[int, Mapping[str, Any]]]]:
    """(number, row) in lots of MOST."""
    lot: list[tuple[int, Mapping[str, Any]]] = []
    for row in rows:
        lot.append(row)
        if len(lot) == MOST:
            yield lot
            lot = []
    if lot:
        yield lot
