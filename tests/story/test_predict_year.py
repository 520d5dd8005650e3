"""A year of real grocery baskets: what the training says of it, and the same counted by DuckDB from the package's files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psycopg
import pytest

from commands import Run
from years import TODAY, lived
from yutang.predict.accuracy import accuracy
from yutang.predict.boosted import installed
from yutang.predict.candidates import ORDERS
from yutang.predict.histories import Ledger
from yutang.predict.past import Past
from yutang.predict.punctual import race
from yutang.predict.train import train

pytestmark = pytest.mark.data
EVERY = 8
"""Every eighth household."""
DAYS = 90
EPOCH = date(2000, 1, 1)


@pytest.fixture(scope="module")
def lake(tables: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """`trips`: one row per household and day with a basket, in cents."""
    with duckdb.connect() as conn:
        conn.execute(
            f"""create table trips as
                select household_id as who, cast(transaction_timestamp as date) as day,
                       cast(sum(round(sales_value * 100)) as bigint) as cents
                from '{tables}/transactions.parquet' group by all"""
        )
        yield conn


@pytest.fixture(scope="module")
def year(lake: duckdb.DuckDBPyConnection) -> Ledger:
    rows = lake.execute("select who, day - date '2000-01-01' as day, cents from trips").fetchnumpy()
    return Ledger.of(rows["who"].astype(np.int64), rows["day"].astype(np.int64), rows["cents"])[0]


def number(day: date) -> int:
    return (day - EPOCH).days


def test_eight_months_foretell_four(year: Ledger) -> None:
    """The errors that were measured on these tables with other code: RMSE and total bias, in trips of 2,430 households."""
    end = number(date(2017, 9, 1))
    past = Past(year, end, number(date(2018, 1, 1)) - end)
    real = past.counted(past.end, past.end + past.days)
    assert len(real) == 2430
    found = {c.name: accuracy(c.predict(past), real) for c in ORDERS if installed() or not c.extra}
    for name, rmse, mae, bias in (
        ("nobody", 23.53, 17.39, -1.0),
        ("own_rate", 9.008, 5.936, 0.022),
        ("last_window", 8.659, 5.730, 0.021),
        ("shrunken_rate", 8.843, 5.902, 0.026),
        ("bg_nbd", 8.753, 5.833, 0.004),
        ("mbg_nbd", 8.746, 5.831, 0.003),
        ("pareto_nbd", 8.764, 5.829, 0.000),
    ):
        assert found[name].rmse == pytest.approx(rmse, abs=3e-3), name
        assert found[name].mae == pytest.approx(mae, abs=4e-3), name
        assert found[name].bias == pytest.approx(bias, abs=1e-3), name
    assert found["mbg_nbd"].deviance == pytest.approx(5.812, abs=2e-3)
    if installed():
        # Trees differ a little from version to version of the library.
        assert found["boosted"].rmse < 8.2
        assert found["mean"].rmse < 8.3
        assert found["hybrid"].rmse < 8.6
        assert found["hybrid"].deviance < 5.5


def test_the_clock_of_trips(year: Ledger) -> None:
    """After each trip with three gaps before it: own gaps beat everybody's median, the likeliest week beats both."""
    found = race(year, number(date(2018, 1, 1)), 77)
    told = {one.name: one.punctuality for one in found.results}
    assert told["everybody"].mae == pytest.approx(4.65, abs=0.3)
    assert told["own_median"].mae == pytest.approx(4.08, abs=0.1)
    assert told["shrunken"].mae == pytest.approx(4.02, abs=0.1)
    assert told["own_median"].near == pytest.approx(0.71, abs=0.03)
    assert found.chosen == "window"
    assert told["window"].near > 0.75
    assert told["window"].near > told["own_median"].near > told["everybody"].near


ROUNDS = """
with round as (select date '{today}' - ({days} + n * {half})::int as day from range(3) r(n)),
known as (
    select r.day as stands, t.who, min(t.day) as first, count(*) as trips,
           count(*) filter (where t.day >= r.day - {days}) as lately,
           coalesce(sum(t.cents) filter (where t.day >= r.day - {days}), 0) / 100 as cents
    from round r join trips t on t.day < r.day where t.who % {every} = 0 group by all),
came as (
    select k.*, count(t.day) as real, coalesce(sum(t.cents), 0) / 100 as spent
    from known k left join trips t on t.who = k.who and t.day >= k.stands and t.day < k.stands + {days} group by all)
select count(*), sqrt(avg(power((trips - 1) / greatest(stands - 1 - first, 1) * {days} - real, 2))),
       sqrt(avg(power(lately - real, 2))), sum(lately) / sum(real) - 1, sqrt(avg(power(cents - spent, 2)))
from came
"""


def test_training_agrees_with_the_data(conn: psycopg.Connection, yutang: Run, lake: duckdb.DuckDBPyConnection) -> None:
    """The year of a sample through the door and the loop; then the commands, on what is there."""
    now = lived(conn, EVERY)
    report = train(conn, now)
    models = {one.name: one for one in report.models}
    first = ("orders_90d", "p_order_90d", "value_90d", "next_order_day")
    assert {name: models[name].state for name in first} == dict.fromkeys(first, "serving")
    people, own, last, bias, spent = lake.execute(
        ROUNDS.format(today=TODAY, days=DAYS, half=DAYS // 2, every=EVERY)
    ).fetchone()  # type: ignore[misc]
    figures = {one["name"]: one["accuracy"] for one in models["orders_90d"].metrics["results"]}
    assert figures["own_rate"]["people"] == people
    assert figures["own_rate"]["rmse"] == pytest.approx(own)
    assert figures["last_window"]["rmse"] == pytest.approx(last)
    assert figures["last_window"]["bias"] == pytest.approx(bias)
    value = {one["name"]: one["accuracy"] for one in models["value_90d"].metrics["results"]}
    assert value["last_window"]["rmse"] == pytest.approx(spent)
    (told,) = conn.execute("select count(*) from prediction where name = 'orders_90d'").fetchone()
    assert told == lake.execute(f"select count(distinct who) from trips where who % {EVERY} = 0").fetchone()[0]  # type: ignore[index]
    said: list[dict[str, Any]] = json.loads(yutang("predict", "report", "--json").stdout)["models"]
    assert {one["version"] for one in said} == {1}
    assert said[0]["metrics"]["results"][1]["accuracy"] == figures["own_rate"]
