"""The coffee brand in the city, for stories: its codes, its web edge, its loop, and one clock for all of them."""

from __future__ import annotations

import time as stopwatch
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from yutang import channels, ingest, worker
from yutang.app import App
from yutang.brand import load_brand, publish, shipped
from yutang.brand.folder import Brand
from yutang.channels.contract import Channel
from yutang.channels.platform import account
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import caller
from yutang.channels.wecom import codes
from yutang.emulator import City
from yutang.emulator.people import Customer, Message, Relation
from yutang.emulator.wecom.mass import Mass, Posted
from yutang.emulator.wecom.tags import Tags
from yutang.emulator.wecom.tasks import UNSENT, Task
from yutang.vault import open_vault
from yutang.web.edge import Edge
from yutang.web.serve import Running
from yutang.why import Chain, find, why
from yutang.why.chain import Touch

CHINA = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 20, 12, tzinfo=CHINA)
PASSES = (time(10, 5), time(20, 5))
"""When the whole loop looks, in stories that last for weeks."""
LATE = timedelta(seconds=3)
"""What the city holds back has come by then."""
PATIENCE_S = 10.0
"""How long a real thread may take."""
TO_STAFF = ("welcome", "mass")
"""Messages that the brand sends through its staff."""

MIRRORED = "接待/包裹卡"
"""A tag that a journey of the brand gives, and that staff are to see."""


@dataclass
class Clock:
    """Stands until it is moved, and runs for as long as `running` lasts. It never goes back."""

    at: datetime = START
    _since: float | None = None

    def __call__(self) -> datetime:
        ran = 0.0 if self._since is None else stopwatch.monotonic() - self._since
        return self.at + timedelta(seconds=ran)

    def to(self, at: datetime) -> None:
        self.at = max(self.at, at)

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)

    @contextmanager
    def running(self) -> Iterator[None]:
        self._since = stopwatch.monotonic()
        yield
        self.at, self._since = self(), None


def everybody_treated(brand: Brand) -> Brand:
    """The brand without control groups: in a story everybody is spoken to."""
    journeys = {name: body | {"holdout_percent": 0} for name, body in brand.journeys.items()}
    return replace(brand, pond=brand.pond | {"holdout_percent": 0}, journeys=journeys)


@dataclass
class Town:
    """A served city whose accounts, callbacks and till are connected to a pond. tapping: staff who tap what they find."""

    conn: psycopg.Connection
    app: App
    city: City
    clock: Clock
    tapping: set[str] = field(default_factory=set)

    @property
    def account(self) -> Account:
        kept = account.one(self.conn, self.app.vault, "wecom", account.MAIN)
        assert kept is not None
        return kept

    @property
    def outlets(self) -> Mapping[str, Channel]:
        return self.app.channels(self.conn)

    # What is done

    def code(self, name: str, *staff: str, **more: Any) -> None:
        """A live code, made at the platform."""
        codes.add(self.conn, self.clock(), self.account, codes.Code(name, staff, **more))
        for _ in range(20):
            self.outlets["wecom"].tend(self.conn, self.clock())
            if codes.one(self.conn, self.account, name).qr_code:
                return
            self.clock.forward(minutes=1)
        raise AssertionError(f"the code {name} was not made")

    def scan(self, customer: Customer, name: str) -> None:
        """The customer scans a live code; nothing has been called back yet."""
        qr_code = codes.one(self.conn, self.account, name).qr_code
        assert qr_code is not None
        self.city.scan(customer, qr_code)

    def hear(self) -> None:
        """What the city calls back is answered by the fast path, also what comes some seconds late."""
        for _ in range(2):
            if self.city.deliver():
                worker.express(self.conn, self.clock(), self.outlets)
            self.clock.to(self.clock() + LATE)

    def look(self) -> None:
        """Staff tap, the city calls back, the loop comes to rest; and again some minutes later."""
        for _ in range(2):
            self.tap(*sorted(self.tapping))
            self.city.deliver()
            if worker.due_stages(self.conn, self.clock(), self.outlets):
                worker.settle(self.conn, self.clock(), self.outlets)
            self.clock.forward(minutes=4)

    def live(self, at: datetime) -> None:
        """Live on until `at`, with two looks a day."""
        day = self.clock().astimezone(CHINA).date()
        while day <= at.astimezone(CHINA).date():
            for hour in PASSES:
                if self.clock() < (look_at := datetime.combine(day, hour, CHINA)) < at:
                    self.clock.to(look_at)
                    self.look()
            day += timedelta(days=1)
        self.clock.to(at)

    def until(self, at: datetime) -> None:
        """Live on, and look at `at`."""
        self.live(at)
        self.look()

    def tap(self, *staff: str) -> None:
        """These members of staff send whatever waits."""
        for task in self.waiting(*staff):
            self.city.taps(task.userid, task.msgid)

    # What is seen

    def waiting(self, *staff: str) -> list[Task]:
        """What waits for the tap of these members of staff."""
        return [task for userid in staff for task in self.city.tasks(userid) if task.status == UNSENT]

    def made(self) -> list[Mass]:
        """Every mass task that the platform has, also those whose answer never came."""
        return list(self.city.part(Posted).messages.values())

    def phone(self, customer: Customer) -> list[Message]:
        """What the brand has sent through its staff."""
        return [one for one in self.city.inbox(customer) if one.kind in TO_STAFF]

    def relation(self, customer: Customer, userid: str) -> Relation:
        found = self.city.relation(userid, customer)
        assert found is not None
        return found

    def tags(self, customer: Customer, userid: str) -> set[str]:
        """The corp's tags that the member of staff sees on the customer, as group/name."""
        kept = self.city.part(Tags)
        tags = [kept.tags[id] for id in self.relation(customer, userid).tags]
        return {f"{kept.groups[tag.group].name}/{tag.name}" for tag in tags}

    def why(self, customer: Customer) -> Chain:
        """What `yutang why` says of the customer."""
        return why(self.conn, self.person(customer), self.clock())

    def person(self, customer: Customer) -> int:
        full = f"external_userid@{self.city.corp_id}"
        return find(self.conn, self.app.vault, f"{full}={customer.external_userid}")

    def touches(self, customer: Customer) -> list[Touch]:
        """In the order in which they were proposed."""
        said = [touch for enrolment in self.why(customer).enrolments for touch in enrolment.touches]
        return sorted(said, key=lambda touch: touch.touch_id)

    def events(self, customer: Customer, type: str) -> list[dict[str, Any]]:
        """The properties of the customer's events of a type."""
        happened = sorted(self.why(customer).events, key=lambda one: one.at)
        return [one.props for one in happened if one.type == type]

    def rows(self, query: str, *args: Any) -> list[Any]:
        return self.conn.execute(query, args).fetchall()  # type: ignore[arg-type]

    def has_ears(self) -> bool:
        """Does somebody listen for callbacks?"""
        asked = "select from pg_stat_activity where datname = current_database() and query = 'listen callback'"
        return bool(self.rows(asked))

    def ladder(self, customer: Customer) -> tuple[str, int]:
        """Side and rung."""
        (row,) = self.rows("select side, rung from ladder where person_id = %s", self.person(customer))
        return tuple(row)  # type: ignore[return-value]


def wait_for(ask: Callable[[], Any]) -> None:
    """Until the answer is true, on the real clock."""
    until = stopwatch.monotonic() + PATIENCE_S
    while not ask():
        assert stopwatch.monotonic() < until, "it never came"
        stopwatch.sleep(0.005)


@contextmanager
def town(
    conn: psycopg.Connection,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    *staff: str,
    brand: Brand | None = None,
    start: datetime = START,
) -> Iterator[Town]:
    """The brand `city` (or another) with these staff; everything is connected, and the first walk is over."""
    monkeypatch.setenv("YUTANG_SECRET", "a secret for stories")
    monkeypatch.setattr(caller, "PAUSES", {name: (0.0,) * len(waits) for name, waits in caller.PAUSES.items()})
    monkeypatch.setattr(caller, "TOKEN_PAUSES", (0.0,) * len(caller.TOKEN_PAUSES))
    clock = Clock(start)
    app = App(url, open_vault(), clock)
    city = City(seed=7, clock=clock)
    city.manual = True
    for userid in staff:
        city.add_staff(userid, f"管家{userid}")
    edge = Edge.open(url, app.vault, clock, local=False)
    try:
        with Running(edge, "127.0.0.1", 0).in_background("edge") as pages, city.serve():
            publish(conn, clock(), brand or everybody_treated(load_brand(shipped()["city"])))
            kept = account.add(conn, app.vault, clock(), "wecom", account.MAIN, city.account("wecom"))
            ingest.add_source(conn, clock(), kept.source, kept.source)
            channels.TAGS["wecom"].manage(conn, clock(), kept, [MIRRORED])
            city.call_back("wecom", f"{pages}/callbacks/wecom/{account.MAIN}")
            city.shop = (pages, app.vault.api_key)
            found = Town(conn, app, city, clock)
            worker.settle(conn, clock(), found.outlets)
            assert channels.SYNCS["wecom"].progress(conn, kept).ended_at is not None
            yield found
    finally:
        edge.close()
