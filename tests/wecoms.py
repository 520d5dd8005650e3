"""The inbound half of WeCom in tests: what the city calls back is heard, errands are tended, facts are collected."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

from cities import VAULT, Clock, Living, living
from edges import serving
from yutang.channels.contract import Answer, Fact, Raw
from yutang.channels.platform import news
from yutang.channels.wecom import errands, receive, sync
from yutang.channels.wecom.desk import Desk, open_desk
from yutang.emulator import callbacks
from yutang.emulator.people import Customer

LIVE = "select external_userid, userid from wecom_relation where state in ('active', 'pending')"


class Mirror:
    """One account beside its city. facts: by key, in the order in which they were told; the same key twice is one."""

    def __init__(self, conn: psycopg.Connection, alive: Living) -> None:
        self.conn, self.city, self.account, self.api = conn, alive.city, alive.accounts["wecom"], alive.api
        self.facts: dict[str, Fact] = {}
        self.numbers, self.read = itertools.count(1), 0

    @property
    def desk(self) -> Desk:
        return open_desk(self.conn, VAULT, self.account, self.city.now)

    def hear(self, raws: Iterable[Raw]) -> None:
        with self.conn.transaction():
            receive.hear(self.conn, self.city.now(), self.account, list(raws))
        self.collect()

    def told(self) -> list[Raw]:
        """What the city has called back since the last time, as nobody has touched it."""
        fields = self.city.callbacks.told[self.read :]
        self.read = len(self.city.callbacks.told)
        return [self.raw(one) for one in fields if "ChangeType" in one]

    def raw(self, fields: Mapping[str, Any]) -> Raw:
        at = datetime.fromtimestamp(fields["CreateTime"], UTC)
        return Raw(next(self.numbers), callbacks.xml(fields).decode(), at, self.city.now())

    def catch_up(self) -> None:
        """Every callback arrives, and all that is due is done."""
        self.hear(self.told())
        self.tend()

    def tend_once(self, limit: int) -> int:
        """One call, of so many errands or steps at most."""
        if kind := sync.due(self.conn, self.city.now(), self.account):
            sync.begin(self.conn, self.city.now(), self.account, kind)
        done = errands.tend(self.conn, VAULT, self.account, self.city.now, limit)
        self.collect()
        return done

    def tend(self, limit: int = 200) -> int:
        """Until nothing is due at this moment."""
        done = 0
        for _ in range(2000):
            n = self.tend_once(limit)
            if not n:
                return done
            done += n
        raise AssertionError("the errands never end")

    def pass_time(self, seconds: float, steps: int = 4) -> None:
        """Time passes, and what falls due meanwhile is done."""
        for _ in range(steps):
            self.city.advance(seconds / steps)
            self.tend()

    def collect(self) -> None:
        with self.conn.transaction():
            for one in news.take(self.conn, self.account.channel, self.city.now()):
                assert not isinstance(one, Answer)
                known = self.facts.setdefault(one.key, one)
                assert (known.type, known.handles) == (one.type, one.handles)

    def of(self, type: str, customer: Customer | None = None) -> list[Fact]:
        return [
            one for one in self.facts.values()
            if one.type == type and (customer is None or customer.external_userid in one.handles.values())
        ]  # fmt: skip

    def rows(self, query: str, *args: Any) -> list[Any]:
        return self.conn.execute(query, args).fetchall()  # type: ignore[arg-type]

    def pairs(self) -> set[tuple[str, str]]:
        """Who is with whom, as we have it."""
        return {tuple(row) for row in self.rows(LIVE)}

    def calls(self, path: str) -> int:
        return self.rows("select count(*) from channel_call where path like %s", f"%{path}")[0][0]


def truth(mirror: Mirror) -> set[tuple[str, str]]:
    """Who is with whom, as the city has it."""
    return {
        (one.external_userid, userid)
        for userid in mirror.city.people.staff
        for one in mirror.city.people.customers_of(userid)
    }


@contextmanager
def mirrored(conn: psycopg.Connection, synced: bool = True, **city: Any) -> Iterator[Mirror]:
    """A city and its mirror; `synced`: the first walk, of the staff alone, is over."""
    with living(conn, clock=Clock(), **city) as alive:
        mirror = Mirror(conn, alive)
        if synced:
            mirror.catch_up()
        yield mirror


@contextmanager
def called_back(mirror: Mirror, url: str) -> Iterator[None]:
    """The city calls a real web edge over this database."""
    with serving(url, local=False, clock=mirror.city.now) as base:
        mirror.city.call_back("wecom", f"{base}/callbacks/wecom/main")
        yield


def arrived(mirror: Mirror) -> list[Raw]:
    """What the web edge has kept."""
    rows = mirror.rows("select event_id, props ->> 'text' as text, at, received_at from callback order by event_id")
    return [Raw(row.event_id, row.text, row.at, row.received_at) for row in rows]
