"""M2, what a model of orders costs; M1 and M3, how well orders and the next order's day are told on real baskets.

The real year is the demo's data package; where it is not installed, M1 and M3 are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from scipy.special import betaln, gammaln

from yutang.bench.house import House
from yutang.bench.meter import Meter
from yutang.bench.report import Figures, differences
from yutang.demo import completejourney
from yutang.model import YutangError
from yutang.predict.accuracy import accuracy
from yutang.predict.boosted import installed
from yutang.predict.candidates import ORDERS
from yutang.predict.dropout import Model, bg_nbd
from yutang.predict.histories import Histories, Ledger
from yutang.predict.past import Past
from yutang.predict.punctual import race

TRUTH = (0.25, 31.0, 0.8, 2.4)
"""r, alpha in days, a and b of the people that are simulated."""
SPLIT, END = date(2017, 9, 1), date(2018, 1, 1)
LAPSED = 77
"""Days after which a next trip no longer counts."""
AHEAD = 90


def orders(house: House, scale: float) -> Iterator[Figures]:
    """M2: BG/NBD fitted to everybody, then who is still there and what is to be expected of each."""
    people = _simulated(round(1_000_000 * scale))
    with house.database() as url, Meter(house, url) as meter:
        model = bg_nbd(people)
        alike, _, mine = people.merged()
        alive, expected = model.alive(alike)[mine], model.expected(alike, AHEAD)[mine]
    wrong = differences(_checked(people, model, alive, expected))
    extra = {"parameters": {name: round(value, 4) for name, value in model.parameters.items()}}
    yield Figures("M2", "people", len(people), meter, None, 1_000_000, 1_750_000, wrong, extra=extra)
    if (tables := completejourney.folder()) is not None:
        yield from _real(house, _trips(tables))


def _simulated(count: int) -> Histories:
    """People who drop out by chance after an order, seen for 27 to 78 weeks."""
    dice = np.random.default_rng(7)
    r, alpha, a, b = TRUTH
    pace, leaves = dice.gamma(r, 1 / alpha, count), dice.beta(a, b, count)
    span = dice.integers(189, 547, count)
    repeats, at = np.zeros(count, np.int64), np.zeros(count)
    there = np.arange(count)
    while len(there):
        then = at[there] + dice.exponential(1 / np.maximum(pace[there], 1e-12))
        there, then = there[then <= span[there]], then[then <= span[there]]
        at[there], repeats[there] = then, repeats[there] + 1
        there = there[dice.random(len(there)) >= leaves[there]]
    return Histories(repeats, np.ceil(at).astype(np.int64), span)


def _checked(people: Histories, model: Model, alive: np.ndarray, expected: np.ndarray) -> dict[str, tuple[Any, Any]]:
    """The likelihood as the paper has it, not as the model reckons it; no parameters may be likelier than those found."""
    found = _likelihood(people, *model.parameters.values())
    return {
        "log_likelihood": (round(model.log_likelihood / found, 9), 1.0),
        "likelier than the truth": (found >= _likelihood(people, *TRUTH), True),
        "alive": (bool(np.all((alive >= 0) & (alive <= 1))), True),
        "expected": (bool(np.all(np.isfinite(expected) & (expected >= 0))), True),
    }


def _likelihood(of: Histories, r: float, alpha: float, a: float, b: float) -> float:
    """Fader, Hardie, Lee (2005), formula 6."""
    x, last, span = of.repeats, of.last, of.span
    head = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stayed = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + span)
    left = betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b) - (r + x) * np.log(alpha + last)
    return float(np.sum(head + np.where(x > 0, np.logaddexp(stayed, left), stayed)))


def _trips(tables: Path) -> Ledger:
    with duckdb.connect() as conn:
        rows = conn.execute(
            f"""select household_id as who, cast(transaction_timestamp as date) - date '2000-01-01' as day,
                       cast(sum(round(sales_value * 100)) as bigint) as cents
                from '{str(tables).replace("'", "''")}/transactions.parquet' group by all"""
        ).fetchnumpy()
    return Ledger.of(rows["who"].astype(np.int64), rows["day"].astype(np.int64), rows["cents"])[0]


def _real(house: House, year: Ledger) -> Iterator[Figures]:
    """M1: eight months foretell four. M3: after each trip, when is the next?"""
    end, last = ((day - date(2000, 1, 1)).days for day in (SPLIT, END))
    past = Past(year, end, last - end)
    real = past.counted(past.end, past.end + past.days)
    with house.database() as url, Meter(house, url) as meter:
        told = {one.name: accuracy(one.predict(past), real) for one in ORDERS if installed() or not one.extra}
    table = {name: _rounded(asdict(one)) for name, one in told.items()}
    wrong = differences({"people": (len(real), 2430), "own rate": (round(told["own_rate"].rmse, 2), 9.01)})
    yield Figures("M1", "people", len(real), meter, None, 0, 0, wrong, extra={"accuracy": table})
    with house.database() as url, Meter(house, url) as meter:
        found = race(year, last, LAPSED)
    if not hasattr(found, "results"):
        raise YutangError("the data package has too few trips for a clock; install it anew")
    clocks = {one.name: _rounded(asdict(one.punctuality)) for one in found.results}
    extra = {"chosen": found.chosen, "covered": round(found.covered, 3), "accuracy": clocks}
    trips = found.results[0].punctuality.orders
    wrong = differences({"everybody's median": (round(clocks["everybody"]["mae"]), 5)})
    yield Figures("M3", "trips", trips, meter, None, 0, 0, wrong, extra=extra)


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}
