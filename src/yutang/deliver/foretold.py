"""What messages may say of predictions: `products` a person is likely to buy next, and `person.predictions`.

Read as one set for all letters of a batch, and only for the people whose message asks for them: most messages do not, and cost nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import psycopg
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from yutang.clock import business_day
from yutang.db.queries import Queries
from yutang.deliver.render import yuan
from yutang.model import bucket_of
from yutang.segment.moment import day_of
from yutang.segment.operators import PREDICTED_DAYS, PREDICTIONS

sql = Queries(__package__)
TOLD = 10
"""Products that a message sees."""
PRODUCTS, FORETOLD = "products", "predictions"
_environment = ImmutableSandboxedEnvironment()


@dataclass(frozen=True)
class Foretold:
    """Of each person the products (`id`, `title`, and `price`, `url`, `picture`, `category` where they are known), and the predictions by name:
    numbers (money in fen), and days as ISO dates. Nobody stands here of whom nothing can be said."""

    products: Mapping[int, list[dict[str, Any]]] = field(default_factory=dict)
    predictions: Mapping[int, dict[str, Any]] = field(default_factory=dict)

    def of(self, person_id: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        return self.products.get(person_id, []), self.predictions.get(person_id, {})


@lru_cache(maxsize=4096)
def asked_in(template: str) -> frozenset[str]:
    """Which of the two a template asks for. It has compiled before, when its message was loaded."""
    if PRODUCTS not in template and FORETOLD not in template:
        return frozenset()
    tree = _environment.parse(template)
    parts = {str(node.attr) for node in tree.find_all(nodes.Getattr)}
    parts |= {str(node.arg.value) for node in tree.find_all(nodes.Getitem) if isinstance(node.arg, nodes.Const)}
    return frozenset(({PRODUCTS} & meta.find_undeclared_variables(tree)) | ({FORETOLD} & parts))


def asks(body: Mapping[str, Any]) -> frozenset[str]:
    """Which of the two a message asks for: in its subject, its words, or what goes with them."""
    return frozenset().union(
        *(asked_in(text) for text in _texts([body["subject"], body["body"], body.get("attachments", [])]))
    )


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping | list):
        for item in part.values() if isinstance(part, Mapping) else part:
            yield from _texts(item)


def foretold(
    conn: psycopg.Connection, now: datetime, pond: Mapping[str, Any], asked: Iterable[tuple[int, frozenset[str]]]
) -> Foretold:
    """Read what letters ask for; `asked`: (person, what their message asks for)."""
    wanted: dict[str, set[int]] = {PRODUCTS: set(), FORETOLD: set()}
    for person, what in asked:
        for name in what:
            wanted[name].add(person)
    products = _products(conn, now, pond, sorted(wanted[PRODUCTS])) if wanted[PRODUCTS] else {}
    predictions = _predictions(conn, sorted(wanted[FORETOLD])) if wanted[FORETOLD] else {}
    return Foretold(products, predictions)


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
