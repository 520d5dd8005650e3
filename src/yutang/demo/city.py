"""The coffee brand in the city: codes are scanned, contacts welcomed, tasks tapped; through the real connectors, over HTTP.

Between two acts of the people time jumps, so six weeks pass in a minute. A callback is answered at once, by the fast path; three
times a day the whole loop makes a pass. Afterwards the clock runs on by itself, and whoever opens the phone page plays along.
"""

from __future__ import annotations

import time as stopwatch
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from yutang import channels, ingest, worker
from yutang.brand import load_brand, publish, shipped
from yutang.channels.contract import Channel
from yutang.channels.platform import account
from yutang.channels.platform.account import Account
from yutang.db.connect import connect
from yutang.demo import database
from yutang.demo.database import Installation
from yutang.demo.feed import Passed, Watch
from yutang.demo.summary import sql
from yutang.emulator import City
from yutang.emulator.people import ACTIVE, LEFT
from yutang.emulator.population import Population

BRAND, KIND = "city", "wecom"
FIRST = datetime(2026, 3, 2, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
DAYS, CUSTOMERS, SEED = 45, 60, 7
PASSES = (time(10, 5), time(14), time(20))
"""When the whole loop looks."""
CODES = {
    "package_card": {"store": None, "tags": ("来源/包裹卡",), "remark": "卡-{name}"},
    "store_lakeside": {"store": "湖滨店", "tags": ("来源/门店",), "remark": "湖滨-{name}"},
    "store_station": {"store": "车站店", "tags": ("来源/门店",), "remark": "车站-{name}"},
}
"""What hangs in the shops and lies in the parcels."""
MIRRORED = "接待/包裹卡"
"""A tag that the brand's journey gives, and that staff see on the contact."""


@dataclass
class Hand:
    """A clock that is moved by hand, and later left to run."""

    at: datetime
    _since: float | None = None

    def __call__(self) -> datetime:
        ran = 0.0 if self._since is None else stopwatch.monotonic() - self._since
        return self.at + timedelta(seconds=ran)

    def run(self) -> None:
        """From now on it goes by itself."""
        self._since = stopwatch.monotonic()


Edge = Callable[[str, Callable[[], datetime]], AbstractContextManager[str]]
"""Serves a database under a clock; gives its address."""


@dataclass
class Town:
    """What was lived through: the pond's database, the clock there, the city, its people, and where the pages are."""

    url: str
    clock: Hand
    city: City
    population: Population
    pages: str
    phone: str
    figures: dict[str, Any] = field(default_factory=dict)
    handed_over: set[str] = field(default_factory=set)

    def goes_on(self) -> None:
        """Let whoever's time has come act; call it again and again once the clock runs."""
        self.population.live(self.clock())


@contextmanager
def lived(
    app: Installation,
    edge: Edge,
    watch: Watch = lambda _: None,
    *,
    days: int = DAYS,
    customers: int = CUSTOMERS,
    port: int = 0,
) -> Iterator[Town]:
    """The brand after `days` in the city, both served until the block ends. port: the city's (0: a free one)."""
    clock = Hand(FIRST)
    url = database.fresh(app, BRAND)
    city = City(SEED, clock)
    city.manual = True
    with connect(url) as conn, edge(url, clock) as pages, city.serve(port) as address:
        publish(conn, clock(), load_brand(shipped()[BRAND]))
        population = Population(city, SEED, customers, arrive_days=days * 0.6)
        outlets = _connect(conn, app, city, clock, pages)
        town = Town(url, clock, city, population, pages, f"{address}/phone")
        _make_codes(conn, app, city, clock, outlets)
        _live(conn, app, town, outlets, watch, days)
        town.figures = _figures(conn)
        city.manual = False
        yield town


def _connect(conn: psycopg.Connection, app: Installation, city: City, clock: Hand, pages: str) -> dict[str, Channel]:
    """What an operator does with `yutang channel add`, and what the administrator of the platforms enters there."""
    for kind in (KIND, "official_account"):
        kept = account.add(conn, app.vault, clock(), kind, account.MAIN, city.account(kind))
        ingest.add_source(conn, clock(), kept.source, kept.source)
        city.call_back(kind, f"{pages}/callbacks/{kind}/{account.MAIN}")
    city.shop = (pages, app.vault.api_key)
    return channels.connected(app.vault, account.every(conn, app.vault), clock)


def _make_codes(
    conn: psycopg.Connection, app: Installation, city: City, clock: Hand, outlets: dict[str, Channel]
) -> None:
    kept = _account(conn, app)
    channels.TAGS[KIND].manage(conn, clock(), kept, [MIRRORED])
    book, staff = channels.CODES[KIND], tuple(one.userid for one in city.people.staff.values())
    for name, code in CODES.items():
        book.add(conn, clock(), kept, book.Code(name, staff, code["store"], code["tags"], code["remark"]))
    while outlets[KIND].tend(conn, clock()):
        pass


def _live(
    conn: psycopg.Connection, app: Installation, town: Town, outlets: dict[str, Channel], watch: Watch, days: int
) -> None:
    for number in range(days):
        day = FIRST.date() + timedelta(days=number)
        for hour in PASSES:
            _people(conn, town, outlets, datetime.combine(day, hour, FIRST.tzinfo))
            worker.run_once(conn, town.clock(), outlets)
        _hand_over(conn, app, town)
        row = sql.progress(conn).fetchone()
        assert row is not None
        watch(Passed(day, number + 1, days, row.events, row.touches))
    worker.settle(conn, town.clock(), outlets)


def _hand_over(conn: psycopg.Connection, app: Installation, town: Town) -> None:
    """What an operator does with `yutang channel inherit` when somebody has left: the next in line takes over."""
    staff = town.city.people.staff.values()
    heir = next(one.userid for one in staff if one.status == ACTIVE)
    for leaver in [one.userid for one in staff if one.status == LEFT and one.userid not in town.handed_over]:
        town.handed_over.add(leaver)
        kept = _account(conn, app)
        channels.INHERITANCE[KIND].begin(conn, town.clock(), kept, leaver, heir, resigned=True)


def _account(conn: psycopg.Connection, app: Installation) -> Account:
    kept = account.one(conn, app.vault, KIND, account.MAIN)
    assert kept is not None
    return kept


def _people(conn: psycopg.Connection, town: Town, outlets: dict[str, Channel], until: datetime) -> None:
    """Everybody acts in order of time; whatever calls back is answered before the next one acts."""
    while (at := town.population.next_at) is not None and at <= until:
        town.clock.at = max(town.clock.at, at)
        town.population.live(at)
        if town.city.deliver():
            worker.express(conn, town.clock(), outlets)
    town.clock.at = until


def _figures(conn: psycopg.Connection) -> dict[str, Any]:
    row = sql.city(conn).fetchone()
    assert row is not None
    return row._asdict()
