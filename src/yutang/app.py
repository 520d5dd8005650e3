"""The only place that builds things: the database, the vault, the channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import psycopg

from yutang import channels, clock, config
from yutang.channels.contract import Channel
from yutang.channels.platform import account
from yutang.channels.platform.account import Account
from yutang.channels.platform.outward import Outward
from yutang.db import secret
from yutang.db.connect import connect
from yutang.db.keeper import database
from yutang.db.migrate import migrate
from yutang.demo.database import last_instant, made
from yutang.vault import Vault, open_vault

if TYPE_CHECKING:
    from yutang.insight.experiment import Effect
    from yutang.predict.reach.worth import Measured
    from yutang.predict.report import Report


@dataclass
class App:
    """What a command works with: where the database is, the keys, the time."""

    url: str
    vault: Vault
    clock: Callable[[], datetime] = clock.system_now
    _known: tuple[list[Account], Mapping[str, Channel]] = field(default=([], {}), init=False, repr=False)

    def connect(self) -> psycopg.Connection:
        """A new connection; the caller closes it."""
        return connect(self.url)

    def channels(self, conn: psycopg.Connection) -> Mapping[str, Channel]:
        """The channels of the settings and of the accounts, as they are now; the same ones while nothing has changed."""
        accounts = account.every(conn, self.vault)
        if not self._known[1] or self._known[0] != accounts:
            found = _outlets(self.vault) | channels.connected(self.vault, accounts, self.clock)
            self._known = (accounts, found)
        return self._known[1]


@contextmanager
def installed() -> Iterator[App]:
    """The installation of this home, its database running and migrated, for as long as the block runs."""
    with database() as url:
        with connect(url) as conn:
            migrate(conn)
            vault = open_vault()
            secret.check(conn, vault)
        _outlets(vault)  # a setting that cannot be read is said at once, not by a worker later
        yield App(url, vault)


@contextmanager
def opened() -> Iterator[App]:
    """The pond to work in: the installation's own, or a demo's, where it is still the day on which the demo ended."""
    with installed() as app:
        if brand := config.DEMO.value:
            url = made(app, brand)
            with connect(url) as conn:
                migrate(conn)  # an older program may have made it
            ended = last_instant(url)
            yield App(url, app.vault, lambda: ended)
        else:
            yield app


def train(conn: psycopg.Connection, now: datetime) -> Report:
    """Train all models, with what experiments have shown of the journeys whose touches are to be worth what they bring."""
    from yutang.insight.experiment import effect
    from yutang.predict.reach import keeping
    from yutang.predict.train import train

    asking = keeping.asking(conn)
    found = ((journey, effect(conn, now, name)) for journey, name in asking.items())
    return train(conn, now, [_measured(journey, one) for journey, one in found if "net" in one.readings])


def _measured(journey: int, one: Effect) -> Measured:
    from yutang.predict.reach.worth import Measured

    best, people = one.readings["net"].best, one.treated.seen
    shown = one.primary == "net" and one.verdict.code in ("better", "worse")
    return Measured(journey, best.difference, best.interval.low, best.interval.high, shown, people)


def _outlets(vault: Vault) -> dict[str, Channel]:
    """What the settings switch on: channels, and the calls of journeys. Raises YutangError when a setting cannot be read."""
    return channels.configured(vault) | {Outward.name: Outward(vault, config.CALL_INSIDE.value)}
