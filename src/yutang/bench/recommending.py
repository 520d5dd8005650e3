"""M8: what lists of products for everybody cost, and how well they tell the next basket of real households.

The real year is the demo's data package; where it is not installed, that part is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from yutang.bench.house import House
from yutang.bench.meter import Meter
from yutang.bench.report import Figures, differences
from yutang.demo import completejourney
from yutang.predict.products.baskets import Baskets
from yutang.predict.products.contest import MIX, OWN, POPULAR, WINDOW, Asked, ask, judge, learn, score
from yutang.predict.products.ranking import best
from yutang.predict.products.train import KEPT, listed
from yutang.predict.products.views import Seen

PEOPLE, PRODUCTS, DAYS = 100_000, 12_000, 120
SPLIT = date(2017, 12, 1)
LEAST_LINES = 5
"""Products that were bought less often are left out, as in the published tables."""
CHECKED = 50


def lists(house: House, scale: float) -> Iterator[Figures]:
    """M8: a list of 30 of 12,000 products for everybody, by all views at once; then the next baskets of real households."""
    baskets = _simulated(max(2_000, round(PEOPLE * scale)))
    people, never = np.unique(baskets.person), np.zeros(PRODUCTS, bool)
    with house.database() as url, Meter(house, url) as meter:
        told = listed(baskets, DAYS, MIX.weights, people, never)
    wrong = differences(_checked(baskets, people, told))
    extra = {"products": PRODUCTS, "lines": len(baskets.person)}
    yield Figures("M8", "people", len(people), meter, None, 1_667, 5_000, wrong, extra=extra)
    if (tables := completejourney.folder()) is not None:
        yield _real(house, _year(tables))


def _simulated(people: int) -> Baskets:
    """Ten baskets of two or three products each: half of them habits, the others what everybody buys."""
    dice = np.random.default_rng(8)
    share = 1 / np.arange(1, PRODUCTS + 1) ** 0.8
    lines = people * 25
    person = dice.integers(0, people, lines)
    day = dice.integers(0, 10, lines) * 12 + person % 12
    habits = dice.choice(PRODUCTS, (people, 6), p=share / share.sum())
    common = dice.choice(PRODUCTS, lines, p=share / share.sum())
    product = np.where(dice.random(lines) < 0.5, habits[person, dice.integers(0, 6, lines)], common)
    return Baskets.of(person, day, product, people, PRODUCTS)


def _checked(baskets: Baskets, people: np.ndarray, told: np.ndarray) -> dict[str, tuple[Any, Any]]:
    """Every list is whole and without repeats; some, sorted anew by plain NumPy from the views one by one."""
    some = np.sort(np.random.default_rng(1).choice(len(people), CHECKED, replace=False))
    seen = Seen(baskets, DAYS)
    total = sum(weight * seen.view(name, people[some]).astype(float) for name, weight in MIX.weights.items())
    floor = np.sort(total, axis=1)[:, -KEPT]
    lowest = np.take_along_axis(total, told[some].astype(np.int64), 1).min(axis=1)
    return {
        "lists": (told.shape, (len(people), KEPT)),
        "told once": (all(len(set(one)) == KEPT for one in told[::97].tolist()), True),
        "products": (bool((told >= 0).all() and (told < PRODUCTS).all()), True),
        "the best": (bool(np.all(lowest >= floor * (1 - 1e-4))), True),
    }


def _year(tables: Path) -> Baskets:
    with duckdb.connect() as conn:
        rows = conn.execute(
            f"""with lines as (
                    select distinct household_id as who, cast(transaction_timestamp as date) - date '2017-01-01' as day, product_id as product
                    from '{str(tables).replace("'", "''")}/transactions.parquet'),
                sold as (select product from lines group by product having count(*) >= {LEAST_LINES})
                select who, day, product from lines join sold using (product)"""
        ).fetchnumpy()
    people, person = np.unique(rows["who"].astype(np.int64), return_inverse=True)
    products, product = np.unique(rows["product"].astype(np.int64), return_inverse=True)
    return Baskets.of(person, rows["day"].astype(np.int64), product, len(people), len(products))


def _real(house: House, year: Baskets) -> Figures:
    """The first order day from 1 December on, of everybody who had bought before; weights from the four weeks before it."""
    end = (SPLIT - date(2017, 1, 1)).days
    window: Asked = ask(year, end, days=32, most=10_000)
    with house.database() as url, Meter(house, url) as meter:
        weights = learn(ask(year, end - WINDOW, most=2_000))
        found = {
            name: judge(by, [window])
            for name, by in (
                ("popular", POPULAR.weights),
                ("own_popular", OWN.weights),
                ("mix", MIX.weights),
                ("learned", weights),
            )
        }
    first = window.people[:CHECKED]
    again = best(score(window.seen, weights, first), 10)
    wrong = differences(
        {"households": (found["mix"].people, len(window.people)), "in order": (again.shape, (len(first), 10))}
    )
    table = {
        name: {key: round(getattr(one, key), 4) for key in ("recall", "ndcg", "hit", "novel")}
        for name, one in found.items()
    }
    return Figures(
        "M8-baskets",
        "people",
        len(window.people),
        meter,
        None,
        0,
        0,
        wrong,
        extra={"accuracy": table, "weights": weights},
    )
