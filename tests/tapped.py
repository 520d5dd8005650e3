"""A city with staff who tap, for tests of what WeCom is asked to send: customers, letters, and the ledger to compare with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from cities import VAULT, Clock, living
from yutang.channels.contract import Answer, Letter, Result
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import caller
from yutang.channels.wecom import sync
from yutang.channels.wecom.channel import WeCom
from yutang.channels.wecom.desk import Desk, open_desk
from yutang.emulator import City
from yutang.emulator.people import Customer, Message
from yutang.emulator.wecom.mass import Mass, Posted
from yutang.emulator.wecom.welcome import Welcomes

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@dataclass
class Corp:
    """A served city, its account in the pond, and one clock for both."""

    conn: psycopg.Connection
    city: City
    account: Account
    clock: Clock
    channel: WeCom = field(init=False)

    def __post_init__(self) -> None:
        self.channel = WeCom(VAULT, self.account, self.clock)

    def set(self, **settings: str) -> None:
        """The operator changes settings of the account."""
        self.account = replace(self.account, settings=dict(self.account.settings) | settings)
        self.channel = WeCom(VAULT, self.account, self.clock)

    @property
    def desk(self) -> Desk:
        return open_desk(self.conn, VAULT, self.account, self.clock)

    def customer(self, *staff: str, welcome: bool = False) -> Customer:
        """A customer of these staff, the last the newest; both sides know. welcome: the code is kept as hearing would."""
        customer = self.city.add_customer()
        for age, userid in enumerate(reversed(staff)):
            self.city.befriends(customer, userid)
            self.conn.execute(
                """insert into wecom_relation (account, external_userid, userid, state, since)
                   values (%s, %s, %s, 'active', %s)""",
                (self.account.source, customer.external_userid, userid, self.clock() - timedelta(days=age)),
            )
        if welcome:
            self.keep_welcome(customer, staff[-1])
        return customer

    def keep_welcome(self, customer: Customer, userid: str) -> None:
        codes = self.city.part(Welcomes).codes.items()
        code = next(c for c, one in codes if (one.external_userid, one.userid) == (customer.external_userid, userid))
        self.conn.execute(
            """insert into wecom_welcome (account, external_userid, staff, code, at, expires_at)
               values (%s, %s, %s, %s, %s, %s)""",
            (self.account.source, customer.external_userid, userid, code, self.clock(), self.clock() + timedelta(seconds=20)),
        )  # fmt: skip

    def send(self, *letters: Letter) -> list[Result]:
        return self.channel.send(self.conn, self.clock(), letters)

    def tend(self, **forward: float) -> list[Answer]:
        """Time passes, the channel does its errands; what it tells."""
        self.clock.forward(**forward)
        self.channel.tend(self.conn, self.clock())
        return self.told()

    def told(self) -> list[Answer]:
        with self.conn.transaction():
            return [one for one in self.channel.receive(self.conn, self.clock()) if isinstance(one, Answer)]

    def made(self) -> list[Mass]:
        """The ledger: every mass task that the city has, also those whose answer never came."""
        return list(self.city.part(Posted).messages.values())

    def tap(self, *staff: str) -> None:
        """These staff tap whatever waits for them."""
        for userid in staff:
            for task in self.city.tasks(userid):
                if task.status == 0:
                    self.city.taps(userid, task.msgid)

    def used(self) -> int:
        """How much quota the books say is used."""
        row = self.conn.execute("select coalesce(sum(n), 0) as n from wecom_quota_use").fetchone()
        assert row is not None
        return row.n


@contextmanager
def corp(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Corp]:
    """A corp whose client waits not long: neither for slow answers nor between its tries."""
    monkeypatch.setattr(caller, "TIMEOUT", 1)
    monkeypatch.setattr(sync, "due", lambda *_: None)
    monkeypatch.setattr(caller, "PAUSES", {name: (0.0,) * len(waits) for name, waits in caller.PAUSES.items()})
    clock = Clock()
    with living(conn, clock=clock) as place:
        one = Corp(conn, place.city, place.accounts["wecom"], clock)
        one.desk.wecom.staff()
        yield one


def letter(touch_id: int, customer: Customer, body: str = "会员日今晚开抢", attachments: Sequence[Any] = (), **meta: Any) -> Letter:  # fmt: skip
    return Letter(touch_id, 100 + touch_id, customer.external_userid, "", body, meta, attachments)


def states(results: Sequence[Result]) -> list[str]:
    return [one.state for one in results]


def by_type(answers: Sequence[Answer]) -> Mapping[str, set[int]]:
    """The touches of each type of answer."""
    return {kind: {a.touch_id for a in answers if a.type == kind} for kind in {a.type for a in answers}}


def inbox(corp: Corp, customer: Customer, kind: str = "mass") -> list[Message]:
    return [one for one in corp.city.inbox(customer) if one.kind == kind]


def counts(corp: Corp, customers: Sequence[Customer]) -> Counter[int]:
    """How many customers got how many messages."""
    return Counter(len(corp.city.inbox(one)) for one in customers)
