"""A database is used with its own secret, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from commands import Run, environment_of, runner
from edges import NOW, VAULT
from yutang import ingest
from yutang.app import App
from yutang.channels.platform import account
from yutang.cli.loop import Loop
from yutang.vault import Vault

SOURCE = "insert into source (name, title, at) values ('shop', '', now())"
EVENT = {"id": "1", "source": "shop", "type": "viewed", "at": NOW.isoformat(), "handles": {"phone": "13800000000"}}
WECOM = {"corp_id": "ww1", "agent_id": "1000002", "secret": "hush", "token": "tok", "aes_key": "a" * 43}


def test_another_secret_is_refused_and_the_own_one_taken_again(yutang: Run, home: Path) -> None:
    yutang("source", "add", "shop")
    own = (home / "secret").read_text()
    (home / "secret").unlink()
    told = yutang("source", "add", "till", code=2).stderr
    assert str(home / "secret") in told
    assert "another secret" in told
    assert "another secret" in yutang("doctor", code=1).stdout
    (home / "secret").write_text(own)
    yutang("source", "add", "till")


def test_the_first_secret_of_an_older_database_is_the_one_that_opens_it(
    url: str, home: Path, conn: psycopg.Connection, yutang: Run
) -> None:
    conn.execute(SOURCE)
    ingest.record(conn, Vault(bytes.fromhex("ab" * 32)), NOW, [EVENT])
    assert "another secret" in yutang("events", code=2).stderr
    (home / "secret").write_text("ab" * 32)
    yutang("events")
    given = runner(environment_of(url, home, YUTANG_SECRET="a secret of some other machine"))
    assert "YUTANG_SECRET" in given("events", code=2).stderr


def test_a_file_that_holds_no_secret_is_named(yutang: Run, home: Path) -> None:
    (home / "secret").write_text("lost")
    assert f"the file {home / 'secret'} holds no secret" in yutang("key", code=2).stderr


@pytest.fixture
def stuck(url: str, conn: psycopg.Connection) -> Iterator[Loop]:
    account.add(conn, Vault(b"t" * 32), NOW, "wecom", "main", WECOM)
    yield (loop := Loop(App(url, VAULT), url, lambda: datetime.now(UTC)))
    loop.stop()


def test_what_stops_the_loop_is_not_called_a_lost_database(stuck: Loop) -> None:
    with capture_logs() as said:
        stuck.start()
        end = threading.Event()
        while not end.wait(0.05) and not said:
            pass
        stuck.stop()
    assert "YUTANG_SECRET" in said[0]["error"]
    assert "cannot be reached" not in str(said)
