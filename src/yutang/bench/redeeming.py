"""M4: who uses a coupon, told on the campaigns of the demo's data package.

Households are asked about when a campaign starts; learned from campaigns that started from 15 February to August, asked about those from
September on. Who was given coupons was chosen by the shop, so this says who redeems, and nothing of what coupons bring.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path

import duckdb
import numpy as np
from scipy.special import expit, logit

from yutang.bench.house import House
from yutang.bench.meter import Meter
from yutang.bench.report import Figures, differences
from yutang.demo import completejourney
from yutang.predict.accuracy import Chances, chances
from yutang.predict.boosted import installed
from yutang.predict.scores import coupons
from yutang.predict.scores.days import Days
from yutang.predict.scores.features import REDEEM, matrix
from yutang.predict.scores.learners import LEARNERS
from yutang.predict.scores.reading import Coupons, Pond, of_coupons

FROM, SPLIT, END = date(2017, 2, 15), date(2017, 9, 1), date(2018, 1, 1)
MUST = {"auc": 0.818, "precision": 0.472, "lift": 4.4}
"""The best that was measured on these tables before, with other code; and the moonshot."""
MOONSHOT = {"auc": 0.85, "precision": 0.50, "lift": 4.8}
OF_BASKETS = (
    "baskets", "baskets_91d", "baskets_28d", "saved", "taken", "ago", "products", "coupons", "range", "bought", "trips", "spent", "spent_91d",
    "couponed", "known",
)  # fmt: skip


@dataclass(frozen=True)
class Year:
    """One row per household and campaign: `seen` is what every pond knows, `baskets` what is known of the coupons' goods and of earlier
    baskets with coupons; came: used at all; day: the campaign's first day; kind: A, B or C."""

    seen: np.ndarray
    baskets: np.ndarray
    came: np.ndarray
    day: np.ndarray
    kind: np.ndarray

    @property
    def learned(self) -> np.ndarray:
        return (self.day >= _number(FROM)) & (self.day < _number(SPLIT))

    @property
    def asked(self) -> np.ndarray:
        return (self.day >= _number(SPLIT)) & (self.day < _number(END))


def redemption(house: House, scale: float) -> Iterator[Figures]:  # noqa: ARG001 - the data are as large as they are
    """Nothing where the data package is not installed."""
    tables = completejourney.folder()
    if tables is None:
        return
    with house.database() as url, Meter(house, url) as meter:
        rows = year(tables)
        told = figures(rows)
    table = {
        name: {key: round(getattr(one, key), 3) for key in ("auc", "precision", "lift", "deviance")}
        for name, one in told.items()
    }
    wrong = differences(
        {"rows": (int(rows.asked.sum()), 2662), "used": (round(float(rows.came[rows.asked].mean()), 3), 0.119)}
    )
    extra = {"accuracy": table, "must_accuracy": MUST, "moonshot_accuracy": MOONSHOT}
    yield Figures("M4", "coupons", int(rows.asked.sum()), meter, None, 0, 0, wrong, extra=extra)


def year(tables: Path) -> Year:
    """The rows, read from the package's files."""
    text = (resources.files(__package__) / "redeeming.sql").read_text("utf-8")
    with duckdb.connect() as conn:
        folder = str(tables).replace("'", "''")
        found = conn.execute(text.replace("@folder", folder)).fetchnumpy()
        trips = conn.execute(
            f"""select household_id as who, cast(transaction_timestamp as date) - date '2000-01-01' as day,
                       cast(sum(round(sales_value * 100)) as bigint) as cents from '{folder}/transactions.parquet' group by all"""
        ).fetchnumpy()
    told = {name: np.ma.filled(np.ma.asarray(column, float), 0.0) for name, column in found.items()}
    whole = {name: told[name].astype(np.int64) for name in ("household", "kind", "start", "ends", "used")}
    ids, holder = np.unique(np.r_[whole["household"], trips["who"]], return_inverse=True)
    person, buyer = holder[: len(whole["household"])], holder[len(whole["household"]) :]
    given = Coupons(person, whole["kind"], whole["start"], whole["ends"], whole["used"])
    ordered = Days.of(
        buyer, trips["day"].astype(np.int64), np.ones(len(buyer), np.int64), trips["cents"].astype(np.int64)
    )
    pond = Pond(ids, {"ordered": ordered} | of_coupons(given), given, _number(END), int(trips["day"].min()))
    return Year(
        matrix(REDEEM, coupons.asked(pond)),
        _of_baskets(told),
        (given.used > 0).astype(float),
        given.issued,
        given.offer,
    )


def _of_baskets(told: dict[str, np.ndarray]) -> np.ndarray:
    """Logarithms; and the shares of lines that a coupon was used on, and that were goods of the campaign."""
    shares = [np.log(told[name] + 1) - np.log(told["lines"] + 20) for name in ("taken", "bought")]
    return np.column_stack([*(np.log1p(told[name]) for name in OF_BASKETS), *shares])


def figures(rows: Year) -> dict[str, Chances]:
    """Baselines, the product's learners on what every pond knows, and the same with what is known of goods and baskets besides."""
    habit = next(n for n, one in enumerate(REDEEM) if one.name == "habit")
    named = {
        "own rate of use": rows.seen[:, habit],
        "own rate x campaign kind": rows.seen[:, habit]
        + np.array([logit(_share(rows, n)) for n in (1, 2, 3)])[rows.kind - 1],
    }
    told = {name: expit(values[rows.asked]) for name, values in named.items()}
    whole = np.column_stack([rows.seen, rows.baskets, rows.kind == 1, rows.kind == 3]).astype(float)
    for name in ("card", "trees", "blend") if installed() else ("card",):
        for seen, suffix in ((rows.seen, ""), (whole, " + baskets")):
            model = LEARNERS[name](seen[rows.learned], rows.came[rows.learned])
            told[name + suffix] = expit(model.odds(seen[rows.asked]))
    return {name: chances(values, rows.came[rows.asked]) for name, values in told.items()}


def _share(rows: Year, kind: int) -> float:
    return float(rows.came[rows.learned & (rows.kind == kind)].mean())


def _number(day: date) -> int:
    return (day - date(2000, 1, 1)).days
