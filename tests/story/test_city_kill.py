"""A worker is killed with SIGKILL while it makes mass tasks: whoever comes after it makes each of them once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta

import psycopg
import pytest

from towns import START, Town, town
from yutang import worker

pytestmark = pytest.mark.chaos

WORKER = """
import os, signal, sys
from datetime import datetime
from yutang import worker
from yutang.app import App
from yutang.channels.wecom.tasks import making
from yutang.db.connect import connect
from yutang.vault import open_vault

database, at, moment = sys.argv[1:]
now = datetime.fromisoformat(at)

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if moment == "saved":
    making.ask = die
if moment == "made":
    making.record = die
app = App(database, open_vault(), lambda: now)
with connect(database) as conn:
    worker.settle(conn, now, app.channels(conn))
"""


def killed(here: Town, moment: str) -> bool:
    """A worker in a process of its own, until it dies at that moment."""
    arguments = [here.app.url, here.clock().isoformat(), moment]
    done = subprocess.run([sys.executable, "-c", WORKER, *arguments], env=os.environ, timeout=60)
    return done.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("moment", "there"), [("saved", 0), ("made", 1)])
def test_killed_between_making_a_task_and_recording_it(
    conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch, moment: str, there: int
) -> None:
    with town(conn, url, monkeypatch, "guide01") as here:
        here.code("package_card", "guide01")
        people = [here.city.add_customer() for _ in range(2)]
        for customer in people:
            here.scan(customer, "package_card")
        here.hear()
        here.look()
        here.live(START.replace(hour=10) + timedelta(days=3))

        assert killed(here, moment)
        assert len(here.made()) == there
        for minutes in (0, 1, 3, 2, 5, 10, 60):
            here.clock.forward(minutes=minutes)
            worker.settle(here.conn, here.clock(), here.outlets)
        assert sorted(
            external for mass in here.made() for task in mass.tasks.values() for external in task.recipients
        ) == (sorted(one.external_userid for one in people))
        here.tap("guide01")
        here.clock.forward(hours=1)
        here.look()
        for customer in people:
            assert [one.kind for one in here.city.inbox(customer)] == ["welcome", "mass"]
            touch = here.touches(customer)[-1]
            assert (touch.attempt.state, touch.coupon.code in here.phone(customer)[-1].text) == ("sent", True)
            assert [one.type for one in touch.follow_ups] == ["message_assigned", "message_sent"]
