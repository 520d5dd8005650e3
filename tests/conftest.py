"""Fixtures: one embedded server for the whole run, a fresh database for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg.conninfo import make_conninfo

from commands import Run, environment_of, runner
from databases import Ponds
from yutang.db.connect import connect
from yutang.db.migrate import migrate
from yutang.db.place import SHARED
from yutang.db.server import Server

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")  # a machine that has other things to do is no fault of ours


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server. Its files are thrown away after the run, so it need not wait for the disk; and each new database costs a
    walk through the shared buffers for each of its tables, so there are few of them."""
    home = tmp_path_factory.mktemp("home")
    server = Server(home, {"fsync": "off", "max_connections": "200", "shared_buffers": "32MB"})
    server.start()
    yield server
    server.stop()
    if server.place.data.is_relative_to(SHARED):
        shutil.rmtree(server.place.data.parent)


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """A migrated database that every test copies."""
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("create database template_pond")
    with connect(make_conninfo(server.url, dbname="template_pond")) as conn:
        migrate(conn)
    return "template_pond"


@pytest.fixture(scope="session")
def ponds(server: Server, template: str) -> Ponds:
    """Where tests borrow their databases."""
    return Ponds(server.url, template)


@pytest.fixture
def url(ponds: Ponds) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    pond = ponds.borrow()
    yield pond
    ponds.give_back(pond)


@pytest.fixture
def conn(url: str) -> Iterator[psycopg.Connection]:
    """A connection to a fresh, migrated database."""
    with connect(url) as conn:
        yield conn


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own."""
    monkeypatch.setenv("YUTANG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("YUTANG_DATABASE_URL", "")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def yutang(url: str, home: Path) -> Run:
    """The command line over this database."""
    return runner(environment_of(url, home))
