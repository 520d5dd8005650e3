"""A demo whose days pass when somebody asks: by the page's own buttons, and as the demo itself would have lived them."""

from __future__ import annotations

import time as stopwatch
from collections.abc import Iterator
from datetime import date

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from edges import VAULT, serving
from yutang.demo import database, run
from yutang.demo.world import World
from yutang.model import YutangError
from yutang.web.edge import Edge
from yutang.web.serve import Running


class Here:
    """An installation for the demo: the tests' server."""

    vault = VAULT

    def __init__(self, url: str) -> None:
        self.url = url


@pytest.fixture
def world(url: str) -> Iterator[World]:
    """The coffee brand after three days."""
    here = Here(url)
    feed = run.feed_of(run.load_brand(run.shipped()["luckin"]), 1)
    run.run(here, "luckin", until=date.fromordinal(feed.first.toordinal() + 2))
    found = World(here, "luckin", database.url_of(here, "luckin"))
    yield found
    found.close()
    with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as admin:
        admin.execute(f"drop database {database.PREFIX}luckin with (force)")  # type: ignore[arg-type]


def test_days_pass_when_somebody_asks(world: World) -> None:
    edge = Edge.open(world.url, VAULT, world.now)
    edge.world = world
    try:
        with Running(edge, "127.0.0.1", 0).in_background("edge") as base, httpx.Client(base_url=base) as browser:
            began, left = world.today, world.left
            assert str(began) in browser.get("/").text
            with psycopg.connect(world.url) as conn:
                before = conn.execute("select count(*) from event").fetchone()
            assert browser.post("/world/days", data={"days": "2"}).status_code == 403, "not from a page of ours"
            asked = browser.post("/world/days", data={"days": "2", "to": "/segments"}, headers={"Origin": base})
            assert (asked.status_code, asked.headers["location"]) == (303, "/segments")
            with pytest.raises(YutangError, match="already"):
                world.go(1)
            assert "0 / 2" in browser.get("/").text
            with browser.stream("GET", "/world/progress", timeout=60) as news:
                assert any(line == "event: done" for line in news.iter_lines())
            assert ((world.today - began).days, left - world.left) == (2, 2)
            with psycopg.connect(world.url) as conn:
                after = conn.execute("select count(*), max(received_at) <= %s from event", (world.now(),)).fetchone()
            assert before
            assert after
            assert (after[0] > before[0], after[1]) == (True, True)
            assert str(world.today) in browser.get("/").text
    finally:
        edge.close()


def test_no_more_days_than_there_are(world: World) -> None:
    for days in (0, 31):
        with pytest.raises(YutangError, match=f"{world.left} days"):
            world.go(days)
    world.go(30)
    stopwatch.sleep(0.1)
    world.close()
    assert world.passing is None, "the day that passes is finished, no other begins"
    assert world.left > 0


def test_elsewhere_time_passes_by_itself(url: str) -> None:
    with serving(url) as base:
        found = httpx.post(f"{base}/world/days", data={"days": "1"}, headers={"Origin": base})
        assert found.status_code == 404
        assert "world/days" not in httpx.get(base).text
