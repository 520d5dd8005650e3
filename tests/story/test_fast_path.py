"""The fast path: the same statements for a few people, ahead of the loop, and the loop afterwards changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg

from yutang import worker
from yutang.brand import load_brand, publish, shipped
from yutang.channels.sandbox.send import Sandbox
from yutang.ingest import record
from yutang.vault import Vault

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""Noon in Shanghai."""


def greeted(conn: psycopg.Connection) -> list[tuple[str, int]]:
    """(shop id, messages) of everybody who was written to."""
    rows = conn.execute(
        """select h.value, count(*) from sandbox_message m join handle_shown h on h.person_id = m.person_id
           where h.kind = 'shop:luckin' group by h.value order by h.value"""
    )
    return [tuple(row) for row in rows]


def registered(member: str) -> dict[str, object]:
    said = {"id": member, "source": "app", "type": "registered", "at": NOW.isoformat(), "props": {}}
    return said | {"handles": {"shop:luckin": member}}


def test_one_event_is_answered_ahead_of_the_loop_and_only_once(conn: psycopg.Connection) -> None:
    publish(conn, NOW, load_brand(shipped()["luckin"]))
    conn.execute("update definition set body = body || '{\"holdout_percent\": 0}' where kind in ('pond', 'journey')")
    channels = {"sandbox": Sandbox()}
    worker.settle(conn, NOW, channels)
    assert record(conn, Vault(b"s" * 32), NOW, [registered("mine"), registered("other")]).accepted == 2
    row = conn.execute("select event_id from event where source_id = 'mine'").fetchone()
    assert row is not None
    assert worker.hurry(conn, NOW, channels, [row.event_id]).busy()
    assert greeted(conn) == [("mine", 1)]
    worker.settle(conn, NOW, channels)
    assert greeted(conn) == [("mine", 1), ("other", 1)]
