"""A node that is down, dies in the middle or is slow: an error that says which, never half an answer."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest
from sqlglot import parse_one

from clusters import DATABASE, NAME, Cluster, Filler
from lakes import random_pond
from yutang.lake.clickhouse import ClusterLake
from yutang.lake.clickhouse.address import address
from yutang.lake.clickhouse.client import Client
from yutang.model import YutangError

COUNT = parse_one(
    "select count(*) as n, sum(bought) as bought from (select person_id, sum(amount) as bought from orders group by person_id) as m"
)
SLOW = (
    f"select sum(n) as n from cluster('{NAME}', view(select person_id, sum(sleepEachRow(0.3)) as n "
    f"from (select person_id from {DATABASE}.events_local limit 20) group by person_id))"
)
"""Six seconds on each shard."""


def lake_at(cluster: Cluster, *nodes: int, timeout: float = 60) -> ClusterLake:
    return ClusterLake(Client(address(cluster.url_of(*(cluster.nodes[n] for n in nodes), timeout=timeout))))


def test_a_shard_that_is_down_is_named_and_back_on_its_data_it_answers_again(fill: Filler, two: Cluster) -> None:
    lake = fill(random_pond(1, people=30))
    whole = lake.rows(COUNT)
    two.nodes[1].kill()
    with pytest.raises(YutangError, match=f"the shard at 127.0.0.1:{two.nodes[1].tcp} .* is down"):
        lake.rows(COUNT)
    with pytest.raises(YutangError, match="is down"):
        lake.rows("select count(*) as n from events")
    two.nodes[1].start()
    assert lake.rows(COUNT) == whole


def test_what_a_server_would_do_without_its_shard_is_half_an_answer(fill: Filler, two: Cluster) -> None:
    """The trap itself: with skip_unavailable_shards the count is wrong and nobody says so. Ours forbids it in each question."""
    lake = fill(random_pond(2, people=30))
    whole = lake.rows("select count(*) as n from events")[0].n
    two.nodes[1].kill()
    half = int(two.say(f"select count() from {DATABASE}.events", skip_unavailable_shards="1"))
    assert 0 < half < whole
    with pytest.raises(YutangError, match="is down"):
        lake.rows("select count(*) as n from events")


def test_the_first_node_of_the_address_may_be_down_when_it_holds_nothing(fill: Filler, two: Cluster) -> None:
    """The next node of the address is asked; but the first is a shard as well, so the answer is its name."""
    fill(random_pond(3))
    two.nodes[0].kill()
    with closing(lake_at(two, 0, 1)) as lake:
        assert lake.rows("select 1 as one") == [(1,)]
        with pytest.raises(YutangError, match=f"127.0.0.1:{two.nodes[0].tcp}"):
            lake.rows("select count(*) as n from events")


def test_no_node_answers(two: Cluster) -> None:
    with closing(lake_at(two, 0, 1)) as lake:
        for node in two.nodes:
            node.kill()
        with pytest.raises(YutangError, match="does not take the call"):
            lake.rows("select 1 as one")


@pytest.mark.parametrize("victim", [0, 1], ids=["the node that was asked", "the other shard"])
def test_a_node_that_dies_in_the_middle_of_a_question(fill: Filler, two: Cluster, victim: int) -> None:
    lake = fill(random_pond(4, people=30))
    killer = threading.Timer(1.5, two.nodes[victim].kill)
    killer.start()
    with pytest.raises(YutangError, match=r"broke off|is down"):
        lake.rows(SLOW)
    killer.join()


def test_a_question_that_takes_too_long_ends(fill: Filler, two: Cluster) -> None:
    fill(random_pond(5, people=30))
    begun = time.monotonic()
    with closing(lake_at(two, 0, timeout=1)) as lake, pytest.raises(YutangError, match="needs more than 1 s"):
        lake.rows("select sum(cityHash64(number)) as n from numbers(1000000000000)")
    assert time.monotonic() - begun < 30


def test_a_question_can_change_nothing(fill: Filler) -> None:
    lake = fill(random_pond(6))
    before = lake.rows("select count(*) as n from events")
    for sql in ("truncate table events_local", "insert into events_local (bucket) values (1)", "drop table events"):
        with pytest.raises(YutangError, match="readonly"):
            lake.rows(sql)
    assert lake.rows("select count(*) as n from events") == before


def test_a_wrong_password_is_said(two: Cluster) -> None:
    wrong = two.url_of(two.nodes[0]).replace("yutang:", "yutang:no")
    with closing(ClusterLake(Client(address(wrong)))) as lake, pytest.raises(YutangError, match="password"):
        lake.rows("select 1 as one")
