"""T6, a broadcast: everybody is due at once for one message, and each is asked for consent, quiet hours, budget and quota, written to
in their own words with a link of their own, and entered in the log of what was sent. A sink stands where the platform would be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import psycopg

from yutang import decide, deliver, journey
from yutang.bench import floors, words
from yutang.bench.house import House
from yutang.bench.meter import Meter
from yutang.bench.report import Figures, differences
from yutang.bench.words import DAY, NOW, TITLE
from yutang.channels.contract import Channel, Letter, Result
from yutang.db.connect import connect
from yutang.db.queries import Queries
from yutang.model import Counts, Reason

sql = Queries(__package__)
TEXT = "{{ person.name }}，周三新品半价，你的专属页面：{{ preferences }}"
ADDRESS = "https://pond.example"
WITHDREW, SPENT, ABROAD, FULL = 1, 2, 3, 4
"""The last digit of those who must not get it now: no consent, no points left, night where they live, no quota."""


class Sink(Channel):
    """Takes a letter if its receiver has quota left, which is booked as a platform's channel would; every hundredth is kept."""

    name = "sink"
    batch = 2000

    def __init__(self) -> None:
        self.kept: list[Letter] = []

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:
        free = {row.person_id for row in sql.take_quota(conn, persons=[letter.person_id for letter in letters])}
        self.kept += letters[::100]
        later = Result.wait(now + DAY, Reason.QUOTA)
        return [Result.sent() if letter.person_id in free else later for letter in letters]


def send_to_all(house: House, scale: float) -> Iterator[Figures]:
    """An item is one person of the audience."""
    count, sink = round(1_000_000 * scale), Sink()
    with house.database() as url, connect(url) as conn, _said_where():
        _audience(conn, count)
        with Meter(house, url) as meter:
            _settle(conn, sink)
        found = sql.broadcast_checked(conn).fetchone()
    assert found is not None
    expected = {name: (value, _expected(count)[name]) for name, value in found._asdict().items()}
    wrong = [
        letter
        for letter in sink.kept
        if not letter.body.startswith(f"顾客{letter.person_id}，") or f"{ADDRESS}/p/" not in letter.body
    ]
    links = len({letter.body[-32:] for letter in sink.kept})
    expected |= {"letters that are wrong": (len(wrong), 0), "links": (links, len(sink.kept))}
    floor = floors.render_and_log(house, count)
    yield Figures("T6", "persons", count, meter, floor, 8_000, 25_000, differences(expected))


def _expected(count: int) -> dict[str, int]:
    kept_back = {
        digit: sum(1 for person in range(1, count + 1) if person % 10 == digit)
        for digit in (WITHDREW, SPENT, ABROAD, FULL)
    }
    sent = count - sum(kept_back.values())
    reasons = {"no_consent": WITHDREW, "capped": SPENT, "quiet_hours": ABROAD, "quota": FULL}
    return {name: kept_back[digit] for name, digit in reasons.items()} | {
        "sent": sent,
        "logged": sent,
        "reserved": sent,
    }


def _audience(conn: psycopg.Connection, count: int) -> None:
    """`count` persons on the one message of a journey, all due."""
    words.publish(conn, "pond", "pond", {"consent": {Sink.name: "required"}, "reach": {}, "holdout_percent": 0})
    words.publish(conn, "message", "news", {"title": TITLE, "subject": "新品", "body": TEXT, "channel": Sink.name})
    walk = words.walk(conn, "broadcast", {"event": "registered"}, {"message": "news"})
    _settle(conn, Sink())
    sql.people(conn, now=NOW, count=count)
    sql.walk_journey(conn, now=NOW, journey=walk.definition_id)
    sql.all_due(conn, now=NOW)
    sql.names(conn, now=NOW)
    sql.zones(conn, now=NOW, digit=ABROAD)
    sql.consents(conn, now=NOW, channel=Sink.name, digit=WITHDREW)
    sql.spent(conn, at=NOW - 2 * DAY, until=NOW + 7 * DAY, journey=walk.definition_id, channel=Sink.name, digit=SPENT)
    sql.quota(conn)
    sql.quota_used(conn, digit=FULL)
    sql.caught_up(conn)
    conn.execute("vacuum (analyze)")


@contextmanager
def _said_where() -> Iterator[None]:
    """Links of their own lead to an address, and are signed."""
    before = dict(os.environ)
    os.environ.update(YUTANG_PUBLIC_URL=ADDRESS, YUTANG_SECRET="bench")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _settle(conn: psycopg.Connection, sink: Sink) -> None:
    """Pass after pass over the three stages until nothing is due."""
    while True:
        done = Counts()
        for stage in (journey.advance, decide.judge):
            done.update(stage(conn, NOW))
        done.update(deliver.send(conn, NOW, channels={sink.name: sink}))
        if not done.busy():
            return
