"""What every request needs: the clock, the keys, and the ways into the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from litestar.connection import ASGIConnection

from yutang.ingest.writer import GroupWriter
from yutang.offer import RedeemCounter
from yutang.vault import Vault
from yutang.web.bell import Bell
from yutang.web.limits import Limit
from yutang.web.metrics import Metrics
from yutang.web.pool import Pool


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
    guesses: Limit = field(default_factory=lambda: Limit(30, timedelta(minutes=10)))
    """How many codes that are none one key may try from one address."""

    @staticmethod
    def open(url: str, vault: Vault, clock: Callable[[], datetime], local: bool = True) -> Edge:
        """Connect everything; close it with `close`."""
        return Edge(vault, clock, local, GroupWriter(url, vault, clock), RedeemCounter(url, clock), Pool(url))

    def close(self) -> None:
        """Answer what is waiting, then let go of the database."""
        self.writer.close()
        self.counter.close()
        self.pool.close()


def edge_of(connection: ASGIConnection) -> Edge:
    """The edge that serves this request."""
    return connection.app.state.edge
