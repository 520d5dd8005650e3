"""The demo's figures are those of the data it was fed with, counted a second time without Yutang."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from rich.console import Console

from years import tables
from yutang import worker
from yutang.brand import load_brand, publish, shipped
from yutang.channels.sandbox.send import Sandbox
from yutang.demo import completejourney, database, run, show
from yutang.demo.feed import Happened
from yutang.demo.summary import summary
from yutang.demo.synthetic import Coffee
from yutang.model import Reason, YutangError
from yutang.vault import Vault

VAULT = Vault(b"k" * 32)
EVERY = 40
"""Every 40th household: a sample with all that belongs to it, over the whole year."""
KEYS = {
    "persons", "events", "orders", "sales_fen", "segments", "journeys", "touches_sent", "touches_held", "coupons_issued",
    "coupons_redeemed", "liability_fen", "seconds", "events_per_second", "more",
}  # fmt: skip


class Here:
    """An installation for the demo: the tests' server."""

    vault = VAULT
    channels: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, url: str) -> None:
        self.url = url


@pytest.fixture
def app(url: str) -> Iterator[Here]:
    here = Here(url)
    yield here
    with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as admin:
        for brand in shipped():
            admin.execute(f"drop database if exists {database.PREFIX}{brand} with (force)")  # type: ignore[arg-type]


def counted(folder: Path, query: str, every: int = EVERY) -> Any:
    """One row, straight from the Parquet files."""
    with duckdb.connect() as lake:
        for name in ("transactions", "coupon_redemptions", "campaigns", "demographics"):
            lake.execute(
                f"create view {name} as select * from '{folder}/{name}.parquet' where household_id % {every} = 0"
            )
        row = lake.execute(query).fetchone()
        assert row is not None
        return row


def expected(folder: Path, until: str) -> dict[str, int]:
    """What the tables hold before a local time, in the words of the summary and of event types."""
    t = f"from transactions where transaction_timestamp < timestamp '{until}'"
    orders, fen, households = counted(
        folder,
        f"select count(distinct basket_id), sum(cast(sales_value as decimal(12, 2))) * 100, count(distinct household_id) {t}",
    )
    (redemptions,) = counted(
        folder, f"select count(*) from coupon_redemptions where redemption_date < timestamp '{until}'"
    )
    (issued,) = counted(
        folder,
        f"select count(*) from campaigns join '{folder}/campaign_descriptions.parquet' using (campaign_id) where start_date < timestamp '{until}'",
    )
    (portraits,) = counted(folder, f"select count(*) from demographics where household_id in (select household_id {t})")
    found = {
        "registered": households,
        "ordered": orders,
        "coupon_redeemed": redemptions,
        "coupon_issued": issued,
        "profile_updated": portraits,
    }
    return {"fen": int(fen)} | {type: n for type, n in found.items() if n}


def entered(conn: psycopg.Connection) -> dict[str, int]:
    """The same, from Yutang's tables."""
    (fen,) = conn.execute("select sum(amount)::bigint from person_event where type = 'ordered'").fetchone()
    return {"fen": fen} | dict(
        conn.execute("select type, count(*) from event where source = 'till' group by 1").fetchall()
    )


@pytest.mark.data
def test_demo_agrees_with_the_data(conn: psycopg.Connection) -> None:
    """The whole year of a sample of households; the loop runs once a month."""
    folder, brand = tables(), load_brand(shipped()["grocery"])
    feed, zone = run.feed_of(brand, EVERY), ZoneInfo(brand.pond["time_zone"])
    publish(conn, datetime.combine(feed.first, time(), zone), brand)
    happened: list[Happened] = []
    for number in range(feed.days):
        day = feed.first + timedelta(days=number)
        happened += feed.day(conn, day)
        if day.day == 1 or number == feed.days - 1:
            now = datetime.combine(day, time.max, zone)
            run.enter(conn, VAULT, now, happened)
            worker.settle(conn, now, {"sandbox": Sandbox()})
            happened = []
    want, figures = expected(folder, "2019-01-01"), summary(conn)
    assert want["ordered"] > 3000
    assert want["coupon_redeemed"] > 20
    assert entered(conn) == want
    assert (figures["persons"], figures["orders"], figures["sales_fen"]) == (
        want["registered"],
        want["ordered"],
        want["fen"],
    )
    assert figures["coupons_redeemed"] == want["coupon_redeemed"]
    assert figures["coupons_issued"] - figures["more"]["own_coupons_issued"] == want["coupon_issued"]
    assert figures["more"]["events_rejected"] == 0
    sizes, refused = (
        figures["segments"],
        conn.execute("select count(*) from redemption where state <> 'done'").fetchone(),
    )
    assert refused == (0,)
    lovers = counted(
        folder, "select count(*) from (select household_id from coupon_redemptions group by 1 having count(*) >= 3)"
    )
    families = counted(folder, "select count(*) from demographics where kids_count in ('1', '2', '3+')")
    assert (sizes["coupon_lovers"], sizes["families"]) == (*lovers, *families)


@pytest.mark.data
def test_the_first_weeks_as_they_are_shown(app: Here) -> None:
    """The demo itself, shortened: its own database, its clock, its journeys."""
    folder = tables()
    figures = run.run(app, "grocery", every=EVERY, until=date(2017, 2, 4))
    want = expected(folder, "2017-02-05")
    with psycopg.connect(database.url_of(app, "grocery")) as conn:
        assert entered(conn) == want
    assert set(figures) == KEYS
    assert (figures["orders"], figures["sales_fen"]) == (want["ordered"], want["fen"])
    assert figures["journeys"]["welcome"] == want["registered"]
    assert figures["journeys"]["come_back"] > 0
    assert figures["touches_sent"] > want["registered"]
    assert set(figures["touches_held"]) <= set(Reason)
    assert figures["touches_held"]["holdout"] > 0


@pytest.mark.data
def test_the_feed_tells_every_row_once(conn: psycopg.Connection) -> None:
    """All households, without the loop: what the source says is what the tables hold."""
    folder = tables()
    feed = completejourney.CompleteJourney(folder, "Asia/Shanghai")
    ids: set[str] = set()
    found: dict[str, int] = {}
    sales = last = 0
    for n in range(feed.days):
        for one in feed.day(conn, date.fromordinal(feed.first.toordinal() + n)):
            event = json.loads(one.text)
            assert one.at.timestamp() >= last
            last = one.at.timestamp()
            ids.add(event["id"])
            found[event["type"]] = found.get(event["type"], 0) + 1
            sales += event["props"]["amount_fen"] if event["type"] == "ordered" else 0
    assert found == {
        "registered": 2469,
        "profile_updated": 801,
        "coupon_issued": 6589,
        "ordered": 155848,
        "coupon_redeemed": 2102,
    }
    assert len(ids) == sum(found.values())
    assert sales == counted(folder, "select sum(cast(sales_value as decimal(12, 2))) * 100 from transactions", 1)[0]


def lived(url: str, days: int) -> dict[str, Any]:
    """The figures of the invented brand after so many days, with few people."""
    brand = load_brand(shipped()["luckin"])
    with database.connect(url) as conn:
        feed = Coffee(brand.pond["time_zone"], people=150)
        publish(conn, datetime.combine(feed.first, time(), feed.zone), brand)
        run.live(conn, VAULT, brand, feed, lambda _: None, feed.first, feed.first + timedelta(days=days - 1))
        return summary(conn)


def test_the_invented_brand_is_the_same_every_time(app: Here) -> None:
    first, second = (lived(database.fresh(app, "luckin"), 20) for _ in range(2))
    assert first == second
    assert first["orders"] > 50
    assert first["more"]["own_coupons_redeemed"] > 0, "people use the coupons that they were given"
    assert first["more"]["events_rejected"] == 0


def test_a_database_that_no_demo_made_is_never_dropped(app: Here) -> None:
    with psycopg.connect(app.url, autocommit=True) as admin:
        admin.execute(f"create database {database.PREFIX}luckin")
    with pytest.raises(YutangError, match="was not made by a demo"):
        database.fresh(app, "luckin")


def test_without_the_data_package_the_invented_brand_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completejourney, "PACKAGE", "no_such_package")
    assert run.available(None) == run.available("grocery") == "luckin"
    with pytest.raises(YutangError, match="city, grocery, luckin"):
        run.available("tea")


def test_the_figures_are_shown_in_both_languages(app: Here) -> None:
    url = database.fresh(app, "luckin")
    figures = lived(url, 2) | {"seconds": 1.0, "events_per_second": 10}
    text = StringIO()
    with database.connect(url) as conn:
        show.figures(Console(file=text, width=120), conn, figures)
    for words in ("顾客 · Persons", "常客（90 天 12 杯以上） · Regulars", "未发出的触达 · Touches not sent"):
        assert words in text.getvalue()
