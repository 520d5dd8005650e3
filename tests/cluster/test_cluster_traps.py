"""What passes on one node and is wrong on two, and what ClickHouse means otherwise than DuckDB: the trap first, then that ours is out of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlglot import parse_one

from clusters import DATABASE, NAME, Cluster, Filler
from lakes import Event, Order, Pond, loaded, random_pond
from yutang.lake.clickhouse import ClusterLake
from yutang.lake.engine import Lake
from yutang.model import YutangError

AT = datetime(2026, 1, 5, 8, 0, 0, 123456, UTC)
NULLS = {"aggregate_functions_null_for_empty": "1", "join_use_nulls": "1"}


def both(fill: Filler, pond: Pond) -> tuple[Lake, ClusterLake]:
    return loaded(pond), fill(pond)


def same(lakes: tuple[Lake, ClusterLake], text: str, **params: Any) -> list[Any]:
    """The rows of one question, which both engines must give, types and all."""
    duck, cluster = (lake.rows(parse_one(text, read="duckdb"), **params) for lake in lakes)
    ours, theirs = (sorted(map(tuple, rows), key=str) for rows in (cluster, duck))
    assert ours == theirs
    assert [[type(value) for value in row] for row in ours] == [[type(value) for value in row] for row in theirs]
    return cluster


def test_a_distinct_count_over_everybody_is_no_sum_of_the_shards(fill: Filler, two: Cluster) -> None:
    lakes = both(fill, random_pond(1, people=30))
    summed = f"select sum(n) from cluster('{NAME}', view(select uniqExact(type) as n from {DATABASE}.events_local))"
    distinct = same(lakes, "select count(distinct type) as n from events")[0].n
    assert int(two.say(summed)) > distinct
    with pytest.raises(YutangError, match="no map per person"):
        lakes[1].seam(parse_one("select count(distinct type) as n from events"))


def test_a_join_that_finds_its_partner_only_on_its_own_shard(fill: Filler, two: Cluster) -> None:
    """Pairs of people with the same type of event: half of the pairs have one end on each shard."""
    lakes = both(fill, random_pond(2, people=20))
    text = "select count(*) as n from (select distinct person_id, type from events) as a join (select distinct person_id, type from events) as b on a.type = b.type"
    inner = f"(select distinct person_id, type from {DATABASE}.events_local)"
    local = f"select sum(n) from cluster('{NAME}', view(select count() as n from {inner} as a join {inner} as b on a.type = b.type))"
    assert int(two.say(local)) < same(lakes, text)[0].n
    with pytest.raises(YutangError, match="no map per person"):
        lakes[1].seam(parse_one("select a.person_id from events as a join events as b on a.type = b.type"))


def test_a_join_of_two_tables_over_all_shards_is_refused_by_name(fill: Filler) -> None:
    lake = fill(random_pond(3))
    with pytest.raises(YutangError, match="join on person_id"):
        lake.rows("select count(*) as n from events as a join orders as b on a.type = b.channel")


def test_a_filtered_sum_has_one_name_on_every_node(fill: Filler, two: Cluster) -> None:
    lakes = both(fill, random_pond(4, people=30))
    said = two.say(f"select sum(amount) filter (where type = 'ordered') from {DATABASE}.events", **NULLS)
    assert "sumOrNullIf" in said
    same(
        lakes,
        "select day, sum(amount) filter (where type = 'ordered') as s, count(*) filter (where type = 'cart') as n from events group by day",
    )
    same(
        lakes,
        "select count(distinct person_id) filter (where type = 'cart') as n, sum(case when type = 'none' then amount end) as s from events",
    )


def test_nothing_is_neither_0_nor_1970(fill: Filler, two: Cluster) -> None:
    lakes = both(fill, random_pond(5, people=30))
    empty = f"select max(at), argMax(type, at) from {DATABASE}.events where type = 'none'"
    assert two.say(empty).startswith("1970")
    assert same(
        lakes, "select max(at) as m, sum(event_id) as s, min(type) as t, count(*) as n from events where type = 'none'"
    ) == [(None, None, None, 0)]
    lag = (
        "select person_id, event_id, lag(at) over (partition by person_id order by at, event_id) as before from events"
    )
    assert None in {row.before for row in same(lakes, lag)}
    missing = """select e.person_id, o.amount, o.day from (select person_id from events group by person_id) as e
        left join (select person_id, sum(amount) as amount, max(day) as day from orders where amount > 5000 group by person_id) as o
        on o.person_id = e.person_id"""
    assert None in {row.day for row in same(lakes, missing)}


def test_an_alias_does_not_hide_a_column(fill: Filler, two: Cluster) -> None:
    lakes = both(fill, random_pond(6, people=30))
    text = "select max(day) as day from events where day < '2026-01-20'"
    assert "ILLEGAL_AGGREGATION" in two.say(text.replace("from events", f"from {DATABASE}.events"))
    assert same(lakes, text)[0].day < date(2026, 1, 20)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("select person_id, arg_max(type, at) as t from events group by person_id", "event_id"),
        ("select person_id, any_value(type) as t from events group by person_id", "min"),
        ("select person_id, first(type) as t from events group by person_id", "arg_min"),
        ("select list(type) as t from events", "ORDER BY"),
        ("select string_agg(type, ',') as t from events", "list"),
        ("select approx_count_distinct(person_id) as n from events", "count"),
        ("select hash(person_id) as h from events", "bucket"),
    ],
)
def test_what_depends_on_the_order_of_rows_is_refused(fill: Filler, text: str, instead: str) -> None:
    lake = fill(Pond())
    with pytest.raises(YutangError, match=instead):
        lake.rows(parse_one(text, read="duckdb"))


def test_the_latest_of_two_at_the_same_instant_is_the_same_everywhere(fill: Filler) -> None:
    events = [
        Event(7, 1, "a", AT),
        Event(7, 3, "c", AT),
        Event(7, 2, "b", AT),
        Event(8, 4, "d", AT),
        Event(8, 5, "e", AT),
    ]
    lakes = both(fill, Pond(events=events))
    assert dict(same(lakes, "select person_id, arg_max(type, event_id) as t from events group by person_id")) == {
        7: "c",
        8: "e",
    }
    listed = same(lakes, "select person_id, list(type order by at, event_id) as t from events group by person_id")
    assert dict(listed) == {7: ["a", "b", "c"], 8: ["d", "e"]}


def test_numbers_that_engines_round_and_divide_in_their_own_ways(fill: Filler) -> None:
    orders = [Order(p, p, f"o{p}", AT, amount) for p, amount in enumerate((5, 7, 15, 25, 35, 9_007_199_254_740_993), 1)]
    lakes = both(fill, Pond(orders=orders))
    assert sorted(same(lakes, "select round(amount / 2) as r from orders where amount < 100")) == [
        (3,),
        (4,),
        (8,),
        (13,),
        (18,),
    ]
    same(
        lakes,
        "select round(amount / 3, 2) as r, -amount // 2 as h, amount % 4 as m, person_id & 1 as odd from orders where amount < 100",
    )
    assert same(
        lakes, "select quantile_cont(amount, 0.25) as q, median(amount) as m from orders where amount < 100"
    ) == [(7, 15)]
    assert same(lakes, "select sum(amount) as s from orders")[0].s == sum(order.amount for order in orders)
    assert same(lakes, "select max(amount) // 2 as s from orders") == [(4503599627370496,)]


def test_what_a_text_does_not_say_is_none(fill: Filler) -> None:
    events = [
        Event(p, p, "a", AT, None, props) for p, props in enumerate(({"k": "v"}, {"k": ""}, {}, {"k": {"d": "深"}}), 1)
    ]
    lakes = both(fill, Pond(events=events))
    rows = same(lakes, "select event_id, props->>'$.k' as k, props->>'$.k.d' as d from events where event_id < 4")
    assert sorted(rows) == [(1, "v", None), (2, "", None), (3, None, None)]
    assert same(lakes, "select props->>'$.k.d' as d from events where event_id = 4") == [("深",)]


def test_instants_keep_their_microseconds_and_values_go_and_come_unharmed(fill: Filler) -> None:
    lakes = both(fill, Pond(events=[Event(7, 1, "O'Hare\\n\t鱼", AT, 5)]))
    text = """select at, day, type, amount, cast('2026-01-05 16:00:00.123456+08' as timestamptz) as c from events
        where at = $at and type = $type and day = $day and amount > $low"""
    found = same(lakes, text, at=AT, type="O'Hare\\n\t鱼", day=date(2026, 1, 5), low=4.5)
    assert found == [(AT, date(2026, 1, 5), "O'Hare\\n\t鱼", 5, AT)]
    sent = lakes[1].rows(
        "select {a:Array(String)} as a, {n:Nullable(String)} as n, {f:Float64} as f, {b:Bool} as b, nan as nan",
        a=["a'b", "\\", "\t"],
        n=None,
        f=0.1,
        b=True,
    )
    assert sent[0][:4] == (["a'b", "\\", "\t"], None, 0.1, True)
    assert sent[0].nan != sent[0].nan
    with pytest.raises(YutangError, match="'at'"):
        lakes[1].rows(parse_one("select 1 as x from events where at = $at", read="duckdb"))
