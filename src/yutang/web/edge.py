"""What every request needs: the clock, the keys, and the ways into the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
from litestar.connection import ASGIConnection

from yutang import channels
from yutang.channels.contract import Channel
from yutang.channels.platform import account
from yutang.ingest.writer import GroupWriter
from yutang.offer import RedeemCounter
from yutang.vault import Vault
from yutang.web.bell import Bell
from yutang.web.imports import Imports
from yutang.web.keys import Keys
from yutang.web.limits import Limit
from yutang.web.metrics import Metrics
from yutang.web.pool import Pool
from yutang.web.rehearsals import Rehearsals, channels_of
from yutang.web.shelf import Shelf

if TYPE_CHECKING:
    from yutang.demo.world import World


@dataclass
class Edge:
    """The parts behind the routes. `local`: bound to a loopback address, so pages need no key."""

    vault: Vault
    clock: Callable[[], datetime]
    local: bool
    writer: GroupWriter
    counter: RedeemCounter
    pool: Pool
    metrics: Metrics = field(default_factory=Metrics)
    bell: Bell = field(default_factory=Bell)
    changes: Limit = field(default_factory=lambda: Limit(30, timedelta(minutes=10)))
    """How often people may change their wishes."""
    signins: Limit = field(default_factory=lambda: Limit(10, timedelta(minutes=10)))
    """How many wrong passwords one address, or a browser that is known, may try."""
    strangers: Limit = field(default_factory=lambda: Limit(50, timedelta(minutes=10)))
    """How many wrong passwords all strangers together may try for one name."""
    guesses: Limit = field(default_factory=lambda: Limit(30, timedelta(minutes=10)))
    """How many codes that are none one key may try from one address."""
    world: World | None = None
    """A demo's, in which days pass when somebody asks; none elsewhere."""
    keys: Keys = field(init=False)
    rehearsals: Rehearsals = field(init=False)
    shelf: Shelf = field(init=False)
    imports: Imports = field(init=False)

    def __post_init__(self) -> None:
        self.keys = Keys(self.pool, self.clock)
        self.shelf = Shelf(self.pool)
        self.imports = Imports(self.pool.url, self.vault, self.clock)
        self.rehearsals = Rehearsals(self.pool.url, self.clock, channels_of(self.pool.url, self.channels))

    def channels(self, conn: psycopg.Connection) -> dict[str, Channel]:
        """The channels of the settings and of the accounts, as they are now."""
        accounts = account.every(conn, self.vault)
        return channels.configured(self.vault) | channels.connected(self.vault, accounts, self.clock)

    @staticmethod
    def open(url: str, vault: Vault, clock: Callable[[], datetime], local: bool = True) -> Edge:
        """Connect everything; close it with `close`."""
        return Edge(vault, clock, local, GroupWriter(url, vault, clock), RedeemCounter(url, clock), Pool(url))

    def close(self) -> None:
        """Answer what is waiting, then let go of the database."""
        self.rehearsals.close()
        self.imports.close()
        self.shelf.close()
        self.writer.close()
        self.counter.close()
        self.pool.close()


def edge_of(connection: ASGIConnection) -> Edge:
    """The edge that serves this request."""
    return connection.app.state.edge
