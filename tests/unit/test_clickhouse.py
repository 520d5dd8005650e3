"""What leads to a cluster and needs none: its address, values on their way, and which part of a question goes to the shards."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlglot import parse_one

from yutang.lake.clickhouse.address import address
from yutang.lake.clickhouse.dialect import translated
from yutang.lake.clickhouse.maps import Kind, kind
from yutang.lake.clickhouse.push import pushed, remote
from yutang.lake.clickhouse.schema import statements
from yutang.lake.clickhouse.values import bound, kind_of, readers
from yutang.lake.tables import TABLES
from yutang.model import YutangError

WHERE = address("clickhouse://u:p@ch1/pond?cluster=c")


def test_an_address_in_full() -> None:
    there = address("clickhouse://me:s3%20cr%3Aet%40%2F@ch1:8124,ch2/pond?cluster=big&secure=1&timeout=7")
    assert there.nodes == ("https://ch1:8124", "https://ch2:8443")
    assert (there.user, there.password, there.database, there.cluster) == ("me", "s3 cr:et@/", "pond", "big")
    assert there.timeout == 7
    assert "s3" not in repr(there)


@pytest.mark.parametrize(
    "url",
    [
        "clickhouse://host:8123/pond",
        "clickhouse://host:8123/?cluster=c",
        "clickhouse:///pond?cluster=c",
        "http://host/pond?cluster=c",
        "clickhouse://host/pond?cluster=c&fast=1",
        "clickhouse://host:port/pond?cluster=c",
        "clickhouse://host/po`nd?cluster=c",
        "clickhouse://host/pond?cluster=c'",
        "clickhouse://host/pond?cluster=c&timeout=soon",
        "clickhouse://u:secret@host/pond?cluster=c&timeout=-1",
    ],
)
def test_an_address_that_does_not_read_as_one(url: str) -> None:
    with pytest.raises(YutangError, match="address of the cluster") as error:
        address(url)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        (7, "Int64", "7"),
        (True, "Bool", "true"),
        (0.1, "Float64", "0.1"),
        (None, "Nullable(String)", "\\N"),
        ("a\tb\\n'鱼", "String", "a\\tb\\\\n\\'鱼"),
        (date(2026, 1, 2), "Date", "2026-01-02"),
        (
            datetime(2026, 1, 2, 8, tzinfo=timezone(timedelta(hours=8))),
            "DateTime64(6, 'UTC')",
            "2026-01-02 00:00:00.000000",
        ),
        ([1, 2], "Array(Int64)", "[1,2]"),
        (["a'b"], "Array(String)", "['a\\'b']"),
        ([], "Array(String)", "[]"),
    ],
)
def test_a_value_is_bound_with_its_type(value: object, type_: str, text: str) -> None:
    assert (kind_of(value), bound(value)) == (type_, text)


def test_a_value_that_cannot_be_bound_is_said() -> None:
    with pytest.raises(YutangError, match="one kind"):
        kind_of([1, "a"])
    with pytest.raises(YutangError, match="dict"):
        kind_of({})
    with pytest.raises(YutangError, match="no zone"):
        bound(datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("type_", "json", "value"),
    [
        ("Int64", 5, 5),
        ("Nullable(Float64)", 3, 3.0),
        ("Float64", "inf", float("inf")),
        ("LowCardinality(Nullable(String))", "x", "x"),
        ("Nullable(DateTime64(6, 'UTC'))", "2026-01-02 03:04:05.000006", datetime(2026, 1, 2, 3, 4, 5, 6, UTC)),
        ("Date", "2026-01-02", date(2026, 1, 2)),
        ("Date32", "1969-12-31", date(1969, 12, 31)),
        ("Decimal(18, 6)", "1.500000", Decimal("1.5")),
        ("Array(Nullable(Date))", ["2026-01-02", None], [date(2026, 1, 2), None]),
        ("Tuple(a Int64, b Tuple(Date, Float64))", [1, ["2026-01-02", 2]], (1, (date(2026, 1, 2), 2.0))),
        ("UInt256", "12345678901234567890123", 12345678901234567890123),
    ],
)
def test_an_answer_has_the_types_of_python(type_: str, json: object, value: object) -> None:
    (reader,) = readers([type_])
    found = reader(json) if reader else json
    assert (found, type(found)) == (value, type(value))


OWN = [
    "select * from events",
    "select person_id, count(*) as n from events where day > '2026-01-01' group by person_id",
    "select person_id, day from events group by 1, 2",
    "select distinct person_id, type from events",
    "select * from events as e join orders as o on o.person_id = e.person_id and o.day = e.day",
    "select * from events join orders using (person_id)",
    "select person_id, row_number() over (partition by person_id order by at) as r from events",
    "select person_id from events where person_id in (select person_id from orders)",
    "select person_id from events union all select person_id from orders",
    "with a as (select * from events) select person_id, max(day) as d from a group by person_id",
    "select e.person_id from events as e cross join (select 1 as n union all select 2) as n",
    "select coalesce(a.person_id, b.person_id) as person_id from events as a full join orders as b on a.person_id = b.person_id",
]
MIXED = [
    "select count(*) from events",
    "select day, count(*) from events group by day",
    "select distinct type from events",
    "select person_id from events limit 5",
    "select * from events as a join events as b on a.type = b.type",
    "select * from events as a join orders as b on a.person_id = a.person_id",
    "select * from events as a, orders as b",
    "select * from events as a join orders as b on a.person_id = b.person_id or a.day = b.day",
    "select person_id, row_number() over (order by at) as r from events",
    "select person_id from events where type in (select type from events)",
    "select person_id from events where amount > (select avg(amount) from events)",
    "select 1 as person_id, type from events group by 1, 2",
    "select n.n, e.person_id from (select 1 as n) as n left join events as e on e.event_id = n.n",
    "with t as (select count(*) as n from events) select person_id, n from events cross join t",
    "with a (person_id, x) as (select event_id, person_id from events) select person_id, count(*) from a group by person_id",
    "select a.person_id from events as a (bucket, x, person_id) join orders as b on a.person_id = b.person_id",
    "select person_id, n from (select person_id, event_id as n from events union all select event_id, person_id from orders) as u",
    "select e.person_id from events as e cross join lateral (select count(*) as n from orders) as l",
    "select person_id, sum(count(*)) over () as n from events group by person_id",
    "select person_id from events union select person_id from (select count(*) as person_id from orders) as o",
]


@pytest.mark.parametrize("text", OWN)
def test_what_is_a_map_per_person(text: str) -> None:
    assert kind(parse_one(text, read="duckdb"), {}) is Kind.OWN
    sql = remote(parse_one(text, read="duckdb"), WHERE, "m").sql("clickhouse")
    assert sql.startswith("cluster('c', view(")
    assert '"events_local"' in sql


@pytest.mark.parametrize("text", MIXED)
def test_what_is_none(text: str) -> None:
    assert kind(parse_one(text, read="duckdb"), {}) is Kind.MIXED
    with pytest.raises(YutangError, match="no map per person"):
        remote(parse_one(text, read="duckdb"), WHERE, "m")


def test_the_map_goes_to_the_shards_and_the_aggregate_stays() -> None:
    text = """with bought as (select person_id, sum(amount) as spent from orders group by person_id)
        select spent > 100 as much, count(*) as n from bought group by much"""
    sql = pushed(parse_one(text, read="duckdb"), WHERE).sql("clickhouse")
    assert sql == (
        "SELECT spent > 100 AS much, COUNT(*) AS n FROM cluster('c', view(SELECT person_id, SUM(amount) AS spent "
        'FROM "pond"."orders_local" AS orders GROUP BY person_id)) AS bought GROUP BY much'
    )


def test_two_maps_are_joined_where_the_answers_come_together() -> None:
    """Each is asked of the shards by itself; were the join sent along, every shard would ask all the others again."""
    text = """select a.n, b.n as m from (select day, count(*) as n from events group by day) as a
        join (select person_id, day, count(*) as n from orders group by person_id, day) as b on a.day = b.day"""
    sql = pushed(parse_one(text, read="duckdb"), WHERE).sql("clickhouse")
    assert sql.count("(SELECT * FROM cluster('c', view(") == 1


def test_a_value_that_is_missing_is_named() -> None:
    tree = parse_one("select 1 as one from events where type = $type", read="duckdb")
    assert translated(tree, {"type": "a"}).sql("clickhouse").endswith("type = {type: String}")
    with pytest.raises(YutangError, match="'type'"):
        translated(tree, {})


def test_the_tables_have_every_column_and_a_person_s_bucket_chooses_the_shard() -> None:
    made = statements(WHERE, on_cluster=True)
    assert len(made) == 1 + 3 * len(TABLES)
    assert all(" ON CLUSTER `c`" in sql for sql in made)
    for table in TABLES:
        mine = [sql for sql in made if f"`{table.name}" in sql]
        assert all(f"`{column.name}`" in sql for sql in mine for column in table.columns)
        assert [sql for sql in mine if f"Distributed(`c`, `pond`, `{table.name}_local`, bucket)" in sql]
