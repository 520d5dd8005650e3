"""One question, three answers: plain Python, DuckDB, and a real cluster of two nodes. They are equal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlglot import parse_one

from clusters import NAME, Cluster, Filler
from lakes import Pond, loaded, random_pond
from naive_questions import ASKED, TODAY, check
from yutang.insight.questions import question
from yutang.insight.questions.params import asked
from yutang.insight.questions.tree import whole
from yutang.lake.clickhouse import ClusterLake

ZONE = "Asia/Shanghai"
Lakes = tuple[Pond, ClusterLake]


@pytest.fixture(scope="module", params=[11, 12])
def filled(
    request: pytest.FixtureRequest, running: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lakes]:
    """A random pond, and the cluster that holds it."""
    running.up()
    filler = Filler(running, tmp_path_factory.mktemp("lake"))
    pond = random_pond(request.param, people=60)
    yield pond, filler(pond)
    filler.close()


@pytest.mark.parametrize(("name", "given"), ASKED, ids=[f"{name} {' '.join(given.values())}" for name, given in ASKED])
def test_a_question_of_the_catalogue(filled: Lakes, name: str, given: dict[str, str]) -> None:
    pond, lake = filled
    check(lake, pond, name, given)
    known = question(name)
    parts = known.build(asked(name, known.params, given, TODAY, ZONE)[0], lake.dialect)
    sql = lake.sql(whole(parts), {})
    assert sql.count(f"cluster('{NAME}', view(") == 1, "its map runs on the shards"
    assert sql == lake.sql(whole(parts, lake.seam), {}), "and is found without being told"


def by_day(pond: Pond) -> Any:
    return Counter((e.day, e.type) for e in pond.events)


def buyers_by_week(pond: Pond) -> Any:
    weeks = defaultdict(set)
    for order in pond.orders:
        weeks[order.day - timedelta(days=order.day.weekday())].add(order.person_id)
    return {(week, len(people)): 1 for week, people in weeks.items()}


def not_followed(pond: Pond) -> Any:
    """How many carts of how many people were not followed by an order within three days."""
    left = Counter(
        cart.person_id
        for cart in pond.events
        if cart.type == "cart"
        and not any(
            o.person_id == cart.person_id and cart.at < o.at <= cart.at + timedelta(days=3) for o in pond.orders
        )
    )
    return {(len(left), sum(left.values())): 1}


def first_and_last(pond: Pond) -> Any:
    """The channels of the first and the last touch before an order, and how many people and fen."""
    found = Counter()
    for person in {o.person_id for o in pond.orders}:
        first = min((o for o in pond.orders if o.person_id == person), key=lambda o: (o.at, o.event_id))
        before = sorted(
            (t.touch_id, t.channel) for t in pond.touches if t.person_id == person and t.decided_at <= first.at
        )
        if before:
            found[before[0][1], before[-1][1]] += first.amount
    return {(*channels, amount): 1 for channels, amount in found.items()}


def top(pond: Pond) -> Any:
    spent = Counter()
    for order in pond.orders:
        spent[order.person_id] += order.amount
    best = sorted(spent.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    return dict.fromkeys(best, 1)


def busiest(pond: Pond) -> Any:
    """Of each type, the three days with most people."""
    days = defaultdict(set)
    for event in pond.events:
        days[event.type, event.day].add(event.person_id)
    found = {}
    for kind in {kind for kind, _ in days}:
        mine = sorted((-len(people), day) for (one, day), people in days.items() if one == kind)[:3]
        found |= {(kind, day, -count): 1 for count, day in mine}
    return found


OWN = [
    ("select day, type, count(*) as n from events group by day, type", by_day),
    (
        """select week, count(*) as people from (
            select distinct person_id, cast(date_trunc('week', day) as date) as week from orders) as m group by week""",
        buyers_by_week,
    ),
    (
        """with carts as (select person_id, event_id, at from events where type = 'cart'),
        followed as (select c.person_id, c.event_id, count(case when o.at > c.at and o.at <= c.at + interval 3 day then 1 end) as n
            from carts as c left join orders as o on o.person_id = c.person_id group by c.person_id, c.event_id)
        select count(*) as people, sum(n) as carts from (
            select person_id, count(*) as n from followed where n = 0 group by person_id) as m""",
        not_followed,
    ),
    (
        """with firsts as (select * from (
            select person_id, at, amount, row_number() over (partition by person_id order by at, event_id) as r from orders) as o where r = 1)
        select first_channel, last_channel, sum(amount) as amount from (
            select f.person_id, f.amount, arg_min(t.channel, t.touch_id) as first_channel, arg_max(t.channel, t.touch_id) as last_channel
            from firsts as f join touches as t on t.person_id = f.person_id and t.decided_at <= f.at group by f.person_id, f.amount) as m
        group by first_channel, last_channel""",
        first_and_last,
    ),
    ("select person_id, sum(amount) as spent from orders group by person_id order by spent desc, person_id limit 5", top),
    (
        """select type, day, people from (
            select type, day, people, row_number() over (partition by type order by people desc, day) as place from (
                select type, day, count(*) as people from (select distinct person_id, type, day from events) as m group by type, day) as d) as r
        where place <= 3""",
        busiest,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "naive"), OWN, ids=[naive.__name__ for _, naive in OWN])
def test_a_question_of_ones_own(filled: Lakes, text: str, naive: Any) -> None:
    pond, lake = filled
    tree = parse_one(text, read="duckdb")
    said, here = Counter(map(tuple, lake.rows(tree))), naive(pond)
    if naive is by_day:
        said = Counter({row[:2]: row[2] for row in said})
    assert said == Counter(here)
    duck = loaded(pond)
    assert Counter(map(tuple, lake.rows(tree))) == Counter(map(tuple, duck.rows(tree)))
    assert all(isinstance(value, str | int | date | None) for row in lake.rows(tree) for value in row)
