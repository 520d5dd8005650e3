"""The only place that builds things: the database, the vault, the channels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from yutang import channels
from yutang.channels.contract import Channel
from yutang.db.connect import connect
from yutang.db.migrate import migrate
from yutang.db.server import database
from yutang.vault import Vault, open_vault


@dataclass(frozen=True)
class App:
    """What a command works with: where the database is, the keys, the channels."""

    url: str
    vault: Vault
    channels: Mapping[str, Channel]

    def connect(self) -> psycopg.Connection:
        """A new connection; the caller closes it."""
        return connect(self.url)


@contextmanager
def opened() -> Iterator[App]:
    """The installation of this home, its database running and migrated, for as long as the block runs."""
    with database() as url:
        with connect(url) as conn:
            migrate(conn)
        vault = open_vault()
        yield App(url, vault, channels.configured(vault))
