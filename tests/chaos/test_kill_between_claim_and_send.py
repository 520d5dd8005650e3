"""Workers in processes of their own, killed with SIGKILL at the worst moments: nothing lost, nothing sent twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta

import psycopg
import pytest

from touches import NOW, decided, people
from webhooks import Receiver, receiving
from yutang.channels.contract import LEASE_SECONDS

pytestmark = pytest.mark.chaos

WORKER = """
import os, signal, sys
from datetime import datetime
from yutang.channels.sandbox.send import Sandbox
from yutang.channels.webhook.send import Webhook
from yutang.db.connect import connect
from yutang.deliver.send import send
from yutang.vault import Vault

database, hook, now, moment = sys.argv[1:]

class Killed:
    def send(self, conn, now, letters):
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if moment == "amid":
            super().send(conn, now, letters[: len(letters) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        results = super().send(conn, now, letters)
        if moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return results

class KilledSandbox(Killed, Sandbox): batch = 10
class KilledWebhook(Killed, Webhook): batch = 10

channels = {"sandbox": KilledSandbox(), "webhook": KilledWebhook(hook, Vault(b"s" * 32))}
with connect(database) as conn:
    while send(conn, datetime.fromisoformat(now), channels=channels).busy():
        pass
"""


def worker(url: str, receiver: Receiver, now, moment: str = "never") -> subprocess.Popen:
    env = os.environ | {"YUTANG_SECRET": "a secret for tests"}
    return subprocess.Popen([sys.executable, "-c", WORKER, url, receiver.url, now.isoformat(), moment], env=env)


def states(conn: psycopg.Connection) -> dict[str, int]:
    return dict(conn.execute("select state, count(*) from attempt group by 1").fetchall())


def said(conn: psycopg.Connection) -> list[int]:
    rows = conn.execute("select (props->>'touch_id')::bigint as id from event where type = 'message_sent' order by 1")
    return [row.id for row in rows]


def test_killed_between_claim_and_send(conn, url):
    touches = decided(conn, people(conn, 25), channel="webhook")
    with receiving() as receiver:
        assert worker(url, receiver, NOW, "before").wait(60) == -signal.SIGKILL
        assert receiver.keys == []
        assert states(conn) == {"claimed": 10, "waiting": 15}

        assert worker(url, receiver, NOW + timedelta(seconds=LEASE_SECONDS - 1)).wait(60) == 0
        assert states(conn) == {"claimed": 10, "sent": 15}

        assert worker(url, receiver, NOW + timedelta(seconds=LEASE_SECONDS)).wait(60) == 0
    assert sorted(receiver.keys) == touches
    assert states(conn) == {"sent": 25}
    assert said(conn) == touches


@pytest.mark.parametrize("moment", ["amid", "after"])
@pytest.mark.parametrize("channel", ["sandbox", "webhook"])
def test_killed_between_send_and_record(conn, url, channel, moment):
    """The second sending carries the first one's key: whoever receives it drops it."""
    touches = decided(conn, people(conn, 15), channel=channel)
    with receiving() as receiver:
        assert worker(url, receiver, NOW, moment).wait(60) == -signal.SIGKILL
        assert worker(url, receiver, NOW + timedelta(seconds=LEASE_SECONDS)).wait(60) == 0
    kept = [row.touch_id for row in conn.execute("select touch_id from sandbox_message order by 1")]
    assert (kept if channel == "sandbox" else sorted(set(receiver.keys))) == touches
    assert states(conn) == {"sent": 15}
    assert said(conn) == touches


def test_two_workers_at_the_same_time(conn, url):
    touches = decided(conn, people(conn, 300), channel="webhook")
    with receiving() as receiver:
        both = [worker(url, receiver, NOW) for _ in range(2)]
        assert [process.wait(120) for process in both] == [0, 0]
        # A busy machine may have refused one of many calls at once: that letter goes out with its next try.
        assert worker(url, receiver, NOW + timedelta(hours=1)).wait(60) == 0
    assert sorted(receiver.keys) == touches
    assert said(conn) == touches
