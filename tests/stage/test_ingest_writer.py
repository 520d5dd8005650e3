"""The group writer: many calls, few commits, each answered on its own, and a lost connection survived."""

from __future__ import annotations

import json
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from yutang import ingest
from yutang.ingest.writer import GroupWriter
from yutang.model import Reason, TryAgain
from yutang.vault import Vault

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def body(*numbers: int, source: str = "shop") -> bytes:
    plain: dict[str, Any] = {
        "source": source,
        "type": "mine",
        "at": "2026-02-28T09:30:00+08:00",
        "handles": {"device": "d"},
    }
    return json.dumps([plain | {"id": str(n), "props": {"n": n}} for n in numbers]).encode()


@pytest.fixture
def writer(conn: psycopg.Connection, url: str) -> Any:
    ingest.add_source(conn, NOW, "shop", "Shop")
    writer = GroupWriter(url, Vault(b"v" * 32), lambda: NOW)
    yield writer
    writer.close()


def commits(conn: psycopg.Connection) -> int:
    row = conn.execute("select count(distinct xid) from event").fetchone()
    assert row
    return row[0]


def test_waiting_calls_share_a_commit_and_are_answered_each(conn: psycopg.Connection, writer: GroupWriter) -> None:
    with conn.transaction():
        conn.execute("lock table event in share mode")  # the first commit waits, the rest gathers behind it
        futures = [writer.submit(body(0))]
        futures += [writer.submit(body(n, n, n + 1000)) for n in range(1, 101)]
        futures += [writer.submit(b"{"), writer.submit(body(7, source="x"))]
        assert not futures[0].done()
    answers = [future.result(30) for future in futures]
    assert answers[0] == ingest.Answer(1, 0, [])
    assert answers[1:101] == [ingest.Answer(2, 1, [])] * 100
    assert [r.reason for a in answers[101:] for r in a.rejected] == [Reason.BAD_JSON, Reason.UNKNOWN_SOURCE]
    assert commits(conn) <= 3


def test_what_the_database_refuses_fails_its_own_call_alone(conn: psycopg.Connection, writer: GroupWriter) -> None:
    conn.execute("alter table event add check (source_id <> '13')")
    futures = [writer.submit(body(n, n + 100)) for n in range(20)]
    refused = [len(future.result(30).rejected) for future in futures]
    assert refused == [int(n == 13) for n in range(20)]


def test_a_lost_connection_is_a_clear_error_and_the_next_call_works(
    conn: psycopg.Connection, writer: GroupWriter
) -> None:
    assert writer.submit(body(1)).result(30).accepted == 1
    conn.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()"
    )
    with pytest.raises(TryAgain, match="send the call again"):
        writer.submit(body(2)).result(30)
    assert writer.submit(body(2)).result(30).accepted == 1


def test_close_writes_what_waits_and_takes_no_more(conn: psycopg.Connection, writer: GroupWriter) -> None:
    futures: list[Future[ingest.Answer]] = [writer.submit(body(n)) for n in range(50)]
    gone = writer.submit(body(99))
    cancelled = gone.cancel()
    writer.close()
    assert all(future.done() for future in futures)
    assert sum(future.result().accepted for future in futures) == 50
    assert wait([gone], 1).done
    with pytest.raises(TryAgain):
        writer.submit(body(51))
    row = conn.execute("select count(*) from event").fetchone()
    assert row
    assert row[0] == 51 - cancelled
