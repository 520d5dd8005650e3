"""The pond's order days as arrays."""

from __future__ import annotations

import numpy as np
import psycopg

from yutang.db.queries import Queries
from yutang.predict.histories import Ledger
from yutang.segment.moment import day_of
from yutang.segment.transport import columns

sql = Queries(__package__)
CATEGORIES = 20
"""How many categories have a clock of their own, at most."""
MICRO = 1_000_000
"""Predictions travel as whole millionths."""


def said(conn: psycopg.Connection, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(person ids, values): what stands of everybody under the name of a prediction."""
    person, micro = columns(conn, sql.said, "qq", name=name)
    return person, micro / MICRO


def said_of(conn: psycopg.Connection, name: str, ids: np.ndarray) -> np.ndarray:
    """What stands of each of these people (ids, ascending); nan of whom nothing is said. Whoever is not among them is left out: the merged and
    the erased are not."""
    found = np.full(len(ids), np.nan)
    person, values = said(conn, name)
    if len(ids):
        index = np.minimum(np.searchsorted(ids, person), len(ids) - 1)
        known = ids[index] == person
        found[index[known]] = values[known]
    return found


def ledger(conn: psycopg.Connection, today: int) -> tuple[Ledger, np.ndarray]:
    """All order days before the business day `today` (since 2000), and the person behind each index. Refunds are off the order day
    before them; one that came before any order is nobody's."""
    person, day, amount = columns(conn, sql.order_days, "qiq", type="ordered", until=day_of(today))
    made, ids = Ledger.of(person, day, amount)
    back = columns(conn, sql.order_days, "qiq", type="refunded", until=day_of(today))
    return Ledger(made.people, made.person, made.day, net(made, ids, *back)), ids


def by_category(conn: psycopg.Connection, today: int, ids: np.ndarray) -> dict[str, tuple[Ledger, np.ndarray]]:
    """Of the largest categories of goods: their order days, and for each person there the index in `ids`. Amounts are not told.

    Only events that are still in the pond tell categories.
    """
    names = [row.category for row in sql.categories(conn, until=day_of(today), most=CATEGORIES)]
    if not names or not len(ids):
        return {}
    person, which, day = columns(conn, sql.category_days, "qii", names=names, until=day_of(today))
    index = np.minimum(np.searchsorted(ids, person), len(ids) - 1)
    known = ids[index] == person
    found = {}
    for n, name in enumerate(names, 1):
        mine = known & (which == n)
        found[name] = Ledger.of(index[mine], day[mine], np.zeros(mine.sum(), np.int64))
    return found


def net(made: Ledger, ids: np.ndarray, person: np.ndarray, day: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """The amounts of a ledger less some refunds (person, day, fen)."""
    left = made.amount.copy()
    if not len(made.day) or not len(person):
        return left
    index = np.minimum(np.searchsorted(ids, person), len(ids) - 1)
    wide = int(max(made.day.max(), day.max())) + 1
    row = np.searchsorted(made.person * wide + made.day, index * wide + day, side="right") - 1
    known = (ids[index] == person) & (row >= 0) & (made.person[row] == index)
    np.subtract.at(left, row[known], amount[known])
    return left
