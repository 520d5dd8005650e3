"""What messages may say of predictions: `products` a person is likely to buy next, and `person.predictions`.

Read as one set for all letters of a batch, and only for the people whose message asks for them: most messages do not, and cost nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang.clock import business_day
from yutang.db.queries import Queries
from yutang.deliver.asks import FORETOLD, PRODUCTS
from yutang.deliver.render import yuan
from yutang.model import bucket_of
from yutang.segment.moment import day_of
from yutang.segment.operators import PREDICTED_DAYS, PREDICTIONS

sql = Queries(__package__)
TOLD = 10
"""Products that a message sees."""


@dataclass(frozen=True)
class Foretold:
    """Of each person the products (`id`, `title`, and `price`, `url`, `picture`, `category` where they are known), and the predictions by name:
    numbers (money in fen), and days as ISO dates. Nobody stands here of whom nothing can be said."""

    products: Mapping[int, list[dict[str, Any]]] = field(default_factory=dict)
    predictions: Mapping[int, dict[str, Any]] = field(default_factory=dict)

    def of(self, person_id: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        return self.products.get(person_id, []), self.predictions.get(person_id, {})


def foretold(
    conn: psycopg.Connection, now: datetime, pond: Mapping[str, Any], asked: Iterable[tuple[int, frozenset[str]]]
) -> Foretold:
    """Read what letters ask for; `asked`: (person, what their message asks for)."""
    wanted = list(asked)
    buyers = sorted({person for person, what in wanted if PRODUCTS in what})
    people = sorted({person for person, what in wanted if FORETOLD in what})
    products = _products(conn, now, pond, buyers) if buyers else {}
    return Foretold(products, _predictions(conn, people) if people else {})


def _products(
    conn: psycopg.Connection, now: datetime, pond: Mapping[str, Any], persons: list[int]
) -> dict[int, list[dict[str, Any]]]:
    words = pond["recommend"]
    since = (
        business_day(now, pond["time_zone"]) - timedelta(days=words["not_again_days"])
        if words["not_again_days"]
        else None
    )
    rows = sql.products(
        conn, buckets=[bucket_of(one) for one in persons], persons=persons, never=words["never"],
        categories=words["never_categories"], since=since, most=TOLD,
    )  # fmt: skip
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        price = None if row.price_fen is None else yuan(row.price_fen)
        said = {
            "id": row.id,
            "title": row.title,
            "price": price,
            "url": row.url,
            "picture": row.picture,
            "category": row.category,
        }
        found.setdefault(row.person_id, []).append({name: value for name, value in said.items() if value is not None})
    return found


def _predictions(conn: psycopg.Connection, persons: list[int]) -> dict[int, dict[str, Any]]:
    names = [*PREDICTIONS, *PREDICTED_DAYS]
    found: dict[int, dict[str, Any]] = {}
    for row in sql.predictions(conn, buckets=[bucket_of(one) for one in persons], persons=persons, names=names):
        value = day_of(round(row.value)).isoformat() if row.name in PREDICTED_DAYS else row.value
        found.setdefault(row.person_id, {})[row.name] = value
    return found
