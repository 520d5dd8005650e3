"""People with habits: each buys from a few products of his own, and now and then what everybody buys."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import psycopg

from ponds import NOON
from yutang.predict.products.baskets import Baskets


def habitual(people: int, products: int, days: int, seed: int = 1) -> Baskets:
    """Order lines on the days 0 … days-1, about one basket a fortnight, two to five products in each."""
    dice = np.random.default_rng(seed)
    share = 1 / np.arange(1, products + 1)
    share /= share.sum()
    rows: list[tuple[int, int, int]] = []
    for person in range(people):
        mine = dice.choice(products, size=4, replace=False) if products >= 4 else np.arange(products)
        day = int(dice.integers(0, 14))
        while day < days:
            for _ in range(int(dice.integers(2, 6))):
                own = dice.random() < 0.75
                rows.append((person, day, int(dice.choice(mine)) if own else int(dice.choice(products, p=share))))
            day += int(dice.integers(4, 25))
    person, day, product = (np.array(part) for part in zip(*rows, strict=True))
    return Baskets.of(person, day, product, people, products)


def ordered(conn: psycopg.Connection, baskets: Baskets, last: date, days: int, names: bool = True) -> None:
    """The baskets as the door and identity leave them: person n has the id n + 1, product m is called ``P<m>``, the day `days`-1 is `last`."""
    index = {
        key: n for n, key in enumerate(sorted(set(zip(baskets.person.tolist(), baskets.day.tolist(), strict=True))))
    }
    items: dict[tuple[int, int], list[dict[str, str]]] = {key: [] for key in index}
    for person, day, product in zip(
        baskets.person.tolist(), baskets.day.tolist(), baskets.product.tolist(), strict=True
    ):
        items[person, day].append({"product": f"P{product}"} | ({"name": f"商品{product}"} if names else {}))
    conn.execute(
        """insert into person (bucket, person_id, created_at) select (id & 1023)::smallint, id, %s from generate_series(1, %s) id
           on conflict do nothing""",
        (NOON, baskets.people),
    )
    rows = [
        (
            person + 1,
            n + 1,
            last - timedelta(days - 1 - day),
            json.dumps({"order_id": f"o{n}", "amount_fen": 100, "items": items[person, day]}),
        )
        for (person, day), n in index.items()
    ]
    conn.execute(
        """insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
           select (person & 1023)::smallint, person, 'ordered', day::timestamp at time zone 'Asia/Shanghai' + interval '12 hours', event, day, 100, props
           from unnest(%s::bigint[], %s::bigint[], %s::date[], %s::jsonb[]) u (person, event, day, props)""",
        [list(part) for part in zip(*rows, strict=True)],
    )
