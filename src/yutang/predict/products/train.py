"""The training of product lists: read the order lines once, let the candidates compete, keep a list for everybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg

from yutang.db.queries import Queries
from yutang.predict.backtest import Missing
from yutang.predict.products.baskets import Baskets
from yutang.predict.products.contest import BLOCK, as_metrics, contest, score
from yutang.predict.products.ranking import TOLD, best
from yutang.predict.products.views import Seen
from yutang.predict.tasks import Outcome
from yutang.segment.moment import day_of
from yutang.segment.transport import columns

sql = Queries(__package__)
NAME = "products"
KEPT = 30
"""Products of a list; ten are told, the others stand in for what is sold out."""
MOST_PRODUCTS = 20_000
"""Products that are foretold: those of which most was bought in the last year."""
YEAR = 365


@dataclass(frozen=True)
class Goods:
    """The order lines of a pond, with the person behind each index and the id and name of each product."""

    baskets: Baskets
    ids: np.ndarray
    products: list[str]
    names: list[str | None]


@dataclass(frozen=True)
class Lists:
    """What was trained, and the lists: an index of `goods.products` per place, -1 for nothing, of the people with the indexes `people`."""

    outcome: Outcome
    goods: Goods
    people: np.ndarray
    told: np.ndarray
    until: int
    missed: dict[str, Any] = field(default_factory=dict)


def read(conn: psycopg.Connection, today: int) -> Goods:
    """The lines of all orders before the business day `today` (since 2000)."""
    rows = sql.goods(conn, since=day_of(today - YEAR), until=day_of(today), most=MOST_PRODUCTS).fetchall()
    products = [row.product for row in rows]
    person, day, product = columns(conn, sql.lines, "qii", products=products, until=day_of(today))
    ids, index = np.unique(person, return_inverse=True)
    made = Baskets.of(index, day, product.astype(np.int64) - 1, len(ids), len(products))
    return Goods(made, ids, products, [row.name for row in rows])


def learned(conn: psycopg.Connection, today: int, recommend: Mapping[str, Any]) -> Lists:
    """Train on the orders before `today`. `recommend`: the pond's settings of that name. Reads only."""
    goods = read(conn, today)
    found = contest(goods.baskets, today)
    nobody = np.zeros(0, np.int64), np.zeros((0, KEPT), np.int64)
    if isinstance(found, Missing):
        metrics = {"missing": {"zh": found.zh, "en": found.en}}
        return Lists(Outcome(NAME, "abstained", metrics), goods, *nobody, today)
    people = np.unique(goods.baskets.person)
    never = _never(conn, goods, recommend)
    again = recommend["not_again_days"]
    told = listed(goods.baskets, today, found.weights, people, never, again)
    metrics = as_metrics(found) | {"told": int((told >= 0).any(axis=1).sum()), "products": len(goods.products)}
    outcome = Outcome(NAME, "serving", metrics, {"chosen": found.chosen, "weights": found.weights})
    return Lists(outcome, goods, people, told, today)


def listed(
    baskets: Baskets, today: int, weights: Mapping[str, float], people: np.ndarray, never: np.ndarray, again: int = 0
) -> np.ndarray:
    """The KEPT likeliest products of each, best first, -1 for nothing; none of `never` (mask of products), nor any bought in the last `again` days."""
    seen = Seen(baskets, today)
    bought = baskets.where(baskets.day >= today - again).table() if again else None
    found = np.full((len(people), KEPT), -1, np.int32)
    for begin in range(0, len(people), BLOCK):
        some = people[begin : begin + BLOCK]
        scores = score(seen, weights, some)
        scores[:, never] = -np.inf
        if bought is not None:
            scores[bought[some].nonzero()] = -np.inf
        told = best(scores, KEPT)
        found[begin : begin + BLOCK, : told.shape[1]] = told
    return found


def _never(conn: psycopg.Connection, goods: Goods, recommend: Mapping[str, Any]) -> np.ndarray:
    """Which products the pond never tells."""
    category = {row.product: row.category for row in sql.categories(conn, products=goods.products)}
    never, categories = set(recommend["never"]), set(recommend["never_categories"])
    return np.array([one in never or category.get(one) in categories for one in goods.products], bool)


def keep(conn: psycopg.Connection, lists: Lists) -> None:
    """Replace everybody's list. Inside the transaction that keeps the model."""
    goods = lists.goods
    sql.number(conn, products=goods.products, names=goods.names)
    (numbers,) = (
        columns(conn, sql.numbers, "i", products=goods.products) if goods.products else (np.zeros(0, np.int32),)
    )
    sql.make_listed(conn)
    with conn.cursor().copy("copy listed (person_id, products) from stdin") as copy:
        for text in _copied(goods.ids[lists.people], lists.told, numbers):
            copy.write(text)
    sql.index_listed(conn)
    sql.analyze_listed(conn)
    sql.replace(conn)


def _copied(people: np.ndarray, told: np.ndarray, numbers: np.ndarray) -> Iterator[str]:
    """Lines of COPY; whoever has no list has no line."""
    for begin in range(0, len(people), 1000):
        lot = zip(people[begin : begin + 1000].tolist(), told[begin : begin + 1000], strict=True)
        lines = [(who, ",".join(map(str, numbers[one[one >= 0]].tolist()))) for who, one in lot]
        yield "".join(f"{who}\t{{{text}}}\n" for who, text in lines if text)


def drift(conn: psycopg.Connection, goods: Goods, since: int, until: int) -> dict[str, Any] | None:
    """How the lists that stand did: of everybody's first basket on the days since <= day < until, what part the ten told held, and how many were
    hit."""
    following = goods.baskets.next_of(since, until)
    if not len(following.person):
        return None
    person, _, which = columns(conn, sql.told_before, "qii", products=goods.products, most=TOLD)
    index = np.minimum(np.searchsorted(goods.ids, person), len(goods.ids) - 1)
    known = goods.ids[index] == person
    width = goods.baskets.products
    told = np.unique(index[known] * width + which[known] - 1)
    asked = np.isin(following.person, np.unique(index[known]))
    if not asked.any():
        return None
    hit = np.isin(following.person[asked] * width + following.product[asked], told)
    people, row = np.unique(following.person[asked], return_inverse=True)
    recall = np.bincount(row, hit) / np.bincount(row)
    return {
        "people": len(people),
        "recall": float(recall.mean()),
        "hit": float((recall > 0).mean()),
        "days": until - since,
    }
