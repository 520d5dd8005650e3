"""M9, at which hour people come: eight months of real baskets foretell the hours of four.

The data package tells times in UTC, while its shops close by a clock that is an hour later in summer. So the task is told twice: by the
digits of the package, as they were judged before, and by the clock of the shops, as a pond that knows its time zone has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from yutang.bench.house import House
from yutang.bench.meter import Meter
from yutang.bench.report import Figures, differences
from yutang.demo import completejourney
from yutang.predict.reach.hours import WAYS, Pond, Visits
from yutang.predict.reach.timing import judged, tuned

SPLIT, END = date(2017, 9, 1), date(2018, 1, 2)
EPOCH = date(2000, 1, 1)
SHOPS = "America/New_York"
SUMMER = (date(2017, 3, 12), date(2017, 11, 5))
"""Between these days the shops' clock was four hours behind UTC, else five."""
SEEN, AIM = 0.351, 0.37
"""Share of baskets within the three hours told: the best seen before (log-loss 2.705), and the aim (2.68)."""


def tell(house: House, scale: float) -> Iterator[Figures]:  # noqa: ARG001 - the year is as long as it is
    """M9 on every basket of the year; left out where the data package is not installed."""
    if (tables := completejourney.folder()) is None:
        return
    person, hour, shops = _baskets(tables)
    people = int(person.max()) + 1
    end, last = ((day - EPOCH).days for day in (SPLIT, END))
    with house.database() as url, Meter(house, url) as meter:
        by_package = _told(Visits(people, person, hour), end, last)
    by_shops = _told(Visits(people, person, shops), end, last)
    wrong = differences({
        "baskets": (by_package["pond"]["visits"], 51_522),
        "the pond's hours": (round(by_package["pond"]["in_window"], 2), 0.28),
        "their log-loss": (round(by_package["pond"]["log_loss"], 2), 2.81),
    })  # fmt: skip
    extra = {"aim": {"in_window": AIM, "log_loss": 2.68}, "accuracy": by_package, "by_the_clock_of_the_shops": by_shops}
    yield Figures("M9", "baskets", by_package["pond"]["visits"], meter, None, SEEN, AIM, wrong, "in_window", extra)


def _baskets(tables: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(person, hour by the digits of the package, hour by the shops' clock), one row per basket."""
    summer = f"t >= timestamp '{SUMMER[0]} 07:00' and t < timestamp '{SUMMER[1]} 06:00'"
    with duckdb.connect() as conn:
        rows = conn.execute(
            f"""with baskets as (select household_id as who, min(transaction_timestamp) as t
                                 from '{str(tables).replace("'", "''")}/transactions.parquet' group by household_id, basket_id)
                select who, epoch(t) - epoch(timestamp '2000-01-01') as second, case when {summer} then 4 else 5 end as behind from baskets"""
        ).fetchnumpy()
    _, person = np.unique(rows["who"].astype(np.int64), return_inverse=True)
    second = rows["second"].astype(np.int64)
    return person, second // 3600, (second - 3600 * rows["behind"].astype(np.int64)) // 3600


def _told(visits: Visits, end: int, last: int) -> dict[str, Any]:
    """Every way beside the baselines; how strongly each is drawn to the prior is found within the eight months."""
    found = {}
    for way in WAYS:
        strength = tuned(visits, way, end) if way.own else 0.0
        accuracy = asdict(judged(visits, Pond.of(visits, end, way), way, strength, last))
        found[way.name] = {"strength": strength} | {name: round(value, 4) for name, value in accuracy.items()}
    return found
