"""The loop that runs for months: what happens to the machine's clock does not stop it."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta

import psycopg
import pytest

from edges import NOW, VAULT
from yutang import worker
from yutang.channels import configured


def test_full_passes_go_on_when_the_clock_is_put_back(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks for its channels at each of them: after an hour that was too much, too."""
    monkeypatch.setattr(worker, "FULL_PASS_SECONDS", 0.01)
    times, asked, stopping = (
        itertools.chain([NOW + timedelta(hours=1)] * 3, itertools.repeat(NOW)),
        [],
        threading.Event(),
    )

    def channels_of(conn: psycopg.Connection) -> dict:
        asked.append(conn)
        if len(asked) == 8:
            stopping.set()
        return configured(VAULT)

    (alarm := threading.Timer(20, stopping.set)).start()
    worker.loop(conn, channels_of, lambda: next(times), stopping, lambda _: None)
    alarm.cancel()
    assert len(asked) == 8
