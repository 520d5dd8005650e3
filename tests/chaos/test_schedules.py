"""Schedulers that know nothing of each other, that end between any two statements, and whose clocks jump both ways: nothing is said
twice, no budget is overspent in any window, no stock oversold, and everything that was proposed ends in a verdict."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

import psycopg
import pytest

from ponds import NOON, TITLE
from yutang import definitions, ingest, journey, source, worker
from yutang.channels.sandbox.send import Sandbox
from yutang.db.connect import connect
from yutang.offer import definition as offers
from yutang.vault import Vault

pytestmark = pytest.mark.chaos

DAY = timedelta(days=1)
WINDOW = 7 * DAY
PEOPLE = 8
STOCK = 5
LIMITS = {"marketing": 3, "companion": 2, "service": 4, "total": 6}
JOURNEYS = {"sell": ("marketing", 9), "sell_more": ("marketing", 5), "tell": ("companion", 3), "serve": ("service", 1)}
MESSAGES = {"first": "sandbox", "second": "dear", "third": "sandbox"}
OFFER = """
gift:
  sort: coupon
  title: {{zh: 礼, en: Gift}}
  discount: {{off_fen: 300}}
  stock: {stock}
  valid_days: 30
"""


class Crashed(BaseException):
    """The process has ended: nobody may catch it and go on."""


class Dear(Sandbox):
    """The same, by a channel that costs more points."""

    name = "dear"


CHANNELS = {"sandbox": Sandbox(), "dear": Dear()}


def fragile(url: str, dies: Callable[[], bool]) -> psycopg.Connection:
    """A connection whose process may end before or after any statement."""
    conn = connect(url)

    def perhaps() -> None:
        if dies():
            conn.close()
            raise Crashed

    class Fragile(psycopg.Cursor):
        def execute(self, *args: Any, **kwargs: Any) -> Any:
            perhaps()
            found = super().execute(*args, **kwargs)
            perhaps()
            return found

    conn.cursor_factory = Fragile
    return conn


def furnish(conn: psycopg.Connection) -> None:
    """Four journeys of three messages each, and people who come to all of them at once."""
    pond = {
        "holdout_percent": 0,
        "budget": {"window_days": 7, **LIMITS},
        "price": {"dear": 2},
        "consent": dict.fromkeys(CHANNELS, "assumed"),
    }
    definitions.publish(conn, NOON, "pond", "pond", pond, "test")
    ((name, body),) = offers.read(OFFER.format(stock=STOCK)).items()
    definitions.publish(conn, NOON, "offer", name, body, "test")
    for name, channel in MESSAGES.items():
        words = {"title": TITLE, "subject": "你好", "body": "欢迎{{ coupon.code if coupon }}", "channel": channel}
        definitions.publish(conn, NOON, "message", name, words, "test")
    for name, (kind, value) in JOURNEYS.items():
        offered = [{"offer": "gift"}] if name == "sell" else []
        steps = [
            {"message": "first"},
            {"wait": {"days": 1}},
            *offered,
            {"message": "second"},
            {"wait": {"days": 2}},
            {"message": "third"},
        ]
        text = {
            "title": TITLE,
            "class": kind,
            "trigger": {"event": "registered"},
            "value_fen": value,
            "deadline_days": 9,
            "max_age_days": 30,  # the clocks jump further than the three days after which an event begins nothing
            "steps": steps,
        }
        definitions.publish(conn, NOON, "journey", name, journey.journey(source.plain(text, name)), "test")
    ingest.add_source(conn, NOON, "shop", "Shop")
    worker.settle(conn, NOON, CHANNELS)
    events = [
        {
            "id": f"e{n}",
            "source": "shop",
            "type": "registered",
            "at": NOON.isoformat(),
            "handles": {"shop:luckin": f"m{n}"},
            "props": {},
        }
        for n in range(PEOPLE)
    ]
    assert ingest.record(conn, Vault(b"s" * 32), NOON, events).accepted == PEOPLE


def check(conn: psycopg.Connection) -> None:
    """What holds at every moment."""
    # What failed and never arrived is charged to nobody.
    spent = conn.execute(
        """select t.person_id, t.class as kind, t.judged_at as at, t.price from touch t
           left join attempt a using (bucket, person_id, touch_id) left join sandbox_message m using (touch_id)
           where t.verdict = 'send' and (a.state is distinct from 'failed' or m.touch_id is not null)"""
    ).fetchall()
    for end in spent:
        inside = [row for row in spent if row.person_id == end.person_id and end.at - WINDOW < row.at <= end.at]
        for kind, most in LIMITS.items():
            # A service takes of the points in all too, but is not held by them.
            counted = [row for row in inside if (row.kind == kind if kind != "total" else row.kind != "service")]
            assert sum(row.price for row in counted) <= most, (kind, end.at, inside)
    coupons = conn.execute("select count(*) as n, count(distinct touch_id) as touches from coupon").fetchone()
    assert coupons.n == coupons.touches <= STOCK
    assert conn.execute("select from stock where issued <> %s", (coupons.n,)).rowcount == 0
    letters = conn.execute(
        """select count(distinct (t.person_id, t.journey_id, t.cause, t.step, t.move)) as said, (select count(*) from sandbox_message) as kept
           from sandbox_message m join touch t on t.touch_id = m.touch_id where t.verdict = 'send'"""
    ).fetchone()
    assert letters.said == letters.kept, "each thing once, and nothing that was not decided"
    twice = conn.execute(
        "select props from event where type = 'message_sent' group by props having count(*) > 1"
    ).fetchall()
    assert twice == []


def finish(conn: psycopg.Connection, now: datetime) -> int:
    """The storm is over: one scheduler, a steady clock, time enough for every deadline. Returns how many coupons were given."""
    noon = now.replace(hour=NOON.hour, minute=0)
    for day in range(1, 31, 2):
        worker.settle(conn, noon + day * DAY, CHANNELS)
    check(conn)
    assert conn.execute("select count(*) as n from proposal").fetchone().n == 0
    assert conn.execute("select count(*) as n from enrolment where state <> 'done'").fetchone().n == 0
    runs = conn.execute("select count(*) as n from enrolment").fetchone().n
    assert runs == PEOPLE * len(JOURNEYS)
    ends = dict(conn.execute("select verdict, count(*) from touch group by verdict").fetchall())
    assert (sum(ends.values()), ends.get("hold", 0)) == (runs * len(MESSAGES), 0), "every proposal ends in a verdict"
    attempts = dict(conn.execute("select state, count(*) from attempt group by state").fetchall())
    assert sum(attempts.values()) == ends["send"]
    assert attempts["sent"] > 0
    assert attempts.keys() <= {"sent", "failed"}
    coupons = conn.execute("select count(*) as n from coupon").fetchone().n
    told = conn.execute("select count(*) as n from touch where coupon is not null").fetchone().n
    assert coupons == told, "each coupon is told of"
    return coupons


def test_a_crash_after_each_statement_in_turn(conn: psycopg.Connection, url: str) -> None:
    furnish(conn)
    now, number, ended = NOON, 0, False
    while not ended:
        left = [number]

        def dies(left: list[int] = left) -> bool:
            left[0] -= 1
            return left[0] < 0

        worker_conn = fragile(url, dies)
        try:
            worker.run_once(worker_conn, now, CHANNELS)
            ended = number > 100
        except Crashed:
            check(conn)
        finally:
            worker_conn.close()
        number, now = number + 7, now + timedelta(hours=3)
    assert finish(conn, now) == STOCK


@pytest.mark.parametrize("seed", range(2))
def test_schedulers_that_crash_and_whose_clocks_jump(conn: psycopg.Connection, url: str, seed: int) -> None:
    furnish(conn)
    errors: list[BaseException] = []

    def scheduler(number: int) -> None:
        dice = Random(f"{seed}/{number}")
        try:
            for turn in range(20):
                now = NOON + turn * DAY + dice.choice((-4, -1, 0, 0, 0, 1, 4)) * DAY * dice.random()
                worker_conn = fragile(url, lambda: dice.random() < 0.004)
                try:
                    for _ in range(3):
                        worker.run_once(worker_conn, now, CHANNELS)
                except Crashed:
                    pass
                finally:
                    worker_conn.close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=scheduler, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    check(conn)
    finish(conn, NOON + 20 * DAY)
