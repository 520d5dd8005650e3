"""What runs for months: a clock that is put back does not stop it, and who asks twice ends it once."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta

import psycopg
import pytest

from edges import NOW, VAULT
from yutang import worker
from yutang.channels import configured
from yutang.serving import Serving


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


async def nothing(*_: object) -> None:
    """An application that is never asked."""


def test_who_is_in_a_hurry_may_ask_twice() -> None:
    serving = Serving(nothing, "127.0.0.1", 0)
    with serving.in_background("once"):
        serving.stop()
    serving.stop()
