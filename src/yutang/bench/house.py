"""A server of its own for the run: made in a temporary folder, as durable as in service, and thrown away."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from yutang.db import programs
from yutang.db.connect import connect
from yutang.db.migrate import migrate
from yutang.db.place import SHARED
from yutang.db.server import Server
from yutang.model import YutangError
from yutang.vault import Vault

CONF = {"fsync": "on", "synchronous_commit": "on", "max_connections": "100"}
"""Beside the settings that every embedded server has."""
COUNTER = "pg_stat_statements"
"""The extension that counts statements; where it is missing, ``sql_per_item`` stays unknown."""

LARGE = 100_000_000
"""Bytes."""


class House:
    """The running server, and fresh databases in it. `pid`: the process whose children do the database's work."""

    def __init__(self, server: Server, folder: Path, counts: bool) -> None:
        self.folder, self.counts = folder, counts
        self.vault = Vault(b"bench" * 8)
        self._server = server
        self._numbers = itertools.count(1)
        self._kept: dict[str, str] = {}

    @property
    def pid(self) -> int:
        assert self._server.process is not None
        return self._server.process.pid

    def admin(self) -> psycopg.Connection:
        """A connection whose statements belong to no task."""
        return psycopg.connect(self._server.url, autocommit=True)

    @contextmanager
    def database(
        self, name: str = "empty", build: Callable[[psycopg.Connection], None] = lambda _: None
    ) -> Iterator[str]:
        """The URL of a database as `build` leaves it, for as long as the block runs; each `name` is built once."""
        if name not in self._kept:
            self._kept[name] = self._create("template1")
            with connect(self._url(self._kept[name])) as conn:
                migrate(conn)
                build(conn)
                conn.execute("vacuum (analyze)")
        database = self._create(self._kept[name])
        try:
            yield self._url(database)
        finally:
            with self.admin() as conn:
                conn.execute(f"drop database {database} with (force)")  # type: ignore[arg-type]

    def warm(self, url: str) -> None:
        """Bring a fresh database into memory, as it is where the program has been running: a copy begins on disk.

        Without the extension that can do it nothing happens, and the pages are read while the task runs.
        """
        missing = psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile
        with connect(url) as conn, contextlib.suppress(*missing):
            conn.execute("create extension pg_prewarm")
            conn.execute("select pg_prewarm(oid) from pg_class where relkind in ('r', 'i') and oid >= 16384")

    def _create(self, template: str) -> str:
        """A large template is copied as files: through the log, as is usual, it would be written twice."""
        name = f"bench_{next(self._numbers)}"
        with self.admin() as conn:
            size = conn.execute("select pg_database_size(%s)", (template,)).fetchone()
            way = "file_copy" if size and size[0] > LARGE else "wal_log"
            conn.execute(f"create database {name} template {template} strategy {way}")  # type: ignore[arg-type]
        return name

    def _url(self, database: str) -> str:
        return make_conninfo(self._server.url, dbname=database)


@contextmanager
def opened() -> Iterator[House]:
    """A house for as long as the block runs; nothing of it stays."""
    folder = Path(tempfile.mkdtemp(prefix="yutang-bench-"))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    server, counts = Server(folder, CONF), _can_count()
    if counts:
        server.conf |= {"shared_preload_libraries": COUNTER, f"{COUNTER}.max": "10000"}
    try:
        server.start()
        house = House(server, folder, counts)
        if counts:
            with house.admin() as conn:
                conn.execute(f"create extension {COUNTER}")  # type: ignore[arg-type]
        yield house
    finally:
        server.stop()
        _remove(server, folder)


def _can_count() -> bool:
    try:
        return any((programs.find().parent / "lib").rglob(f"{COUNTER}.*"))
    except OSError as error:
        raise YutangError(f"cannot look into the folder of PostgreSQL's programs: {error}") from error


def _remove(server: Server, folder: Path) -> None:
    """The home folder, and what the server keeps elsewhere when root runs it or the path is too long for a socket."""
    if server.place.data.is_relative_to(SHARED):
        shutil.rmtree(server.place.data.parent)
    shutil.rmtree(server.place.sockets, ignore_errors=True)
    shutil.rmtree(folder)
