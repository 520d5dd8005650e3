"""What a pond has come to, in words that do not depend on the numbers it drew: touches and coupons are called by what they are for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from yutang import worker
from yutang.brand import publish
from yutang.channels.sandbox.send import Sandbox
from yutang.db.connect import connect
from yutang.demo.feed import Happened
from yutang.demo.run import enter
from yutang.replay.run import QUIET, in_service, quiet
from yutang.replay.ticks import Tick, ticks
from yutang.vault import Vault

TABLES = {
    "enrolment": "bucket, person_id, journey_id, cause",
    "step": "bucket, person_id, journey_id, cause, seq",
    "touch": "bucket, person_id, journey_id, cause, step, move",
    "attempt": "bucket, person_id, touch_id",
    "ladder": "bucket, person_id, definition_id",
    "coupon": "bucket, person_id, issued_at, touch_id",
    "redemption": "bucket, person_id, at, order_id",
    "offer_refusal": "bucket, person_id, definition_id, key",
    "stock": "definition_id",
    "membership": "bucket, person_id, segment_id, since",
    "profile": "bucket, person_id",
    "trait": "bucket, person_id, name",
    "tag": "bucket, person_id, tag",
    "consent": "bucket, person_id, channel",
    "tally": "bucket, person_id, type",
    "activity": "bucket, person_id, type, day",
}
DRAWN = {"xid", "claimed_by", "provider_id", "request_id", "refreshed_at"}
"""What is another in every run, and when a profile was last looked at: a replay looks at what nobody asks about later."""
EVENTS = {"trait", "tag", "consent"}
"""Where the number of the event that said it stands; follow-up events have numbers of their own."""


def picture(conn: psycopg.Connection) -> dict[str, list[dict[str, Any]]]:
    """Every row of what the stages wrote, and the events that they themselves recorded."""
    touches = {
        row.touch_id: f"{row.person_id}/{row.journey_id}/{row.cause}/{row.step}/{row.move}"
        for row in conn.execute("select touch_id, person_id, journey_id, cause, step, move from touch")
    }
    coupons = {
        row.code: f"coupon of {touches[row.touch_id]}" if row.touch_id else row.code
        for row in conn.execute("select code, touch_id from coupon")
    }
    found = {table: _rows(conn, table, touches, coupons) for table in TABLES}
    # A replay keeps no record of what nobody asks about.
    left_out = set(QUIET) & set(quiet(in_service(conn)))
    for table in ("tally", "activity"):
        found[table] = [row for row in found[table] if row["type"] not in left_out]
    found["follow_up"] = [row for row in _follow_ups(conn, touches) if row[0] not in left_out]
    return found


def _rows(
    conn: psycopg.Connection, table: str, touches: dict[int, str], coupons: dict[str, str]
) -> list[dict[str, Any]]:
    rows = conn.cursor(row_factory=dict_row).execute(f"select * from {table}").fetchall()  # type: ignore[arg-type]
    drop = DRAWN | ({"event_id"} if table in EVENTS else set())
    named = [{k: _named(k, v, touches, coupons) for k, v in row.items() if k not in drop} for row in rows]
    return sorted(named, key=_order(table))


def _named(column: str, value: Any, touches: dict[int, str], coupons: dict[str, str]) -> Any:
    """The value with touches and coupons called by name."""
    if isinstance(value, dict):
        return {k: _named(k, v, touches, coupons) for k, v in value.items()}
    if isinstance(value, list):
        return [_named(column, v, touches, coupons) for v in value]
    if column in ("touch_id", "lost_to") and value is not None:
        return touches[int(value)]
    if isinstance(value, str) and value in coupons:
        return coupons[value]
    if column == "key" and isinstance(value, str) and value.startswith("touch:"):
        return f"touch:{touches[int(value[6:])]}"
    return value


def _follow_ups(conn: psycopg.Connection, touches: dict[int, str]) -> list[tuple[str, ...]]:
    """What the loop recorded of its own doings, and of answers to them."""
    rows = conn.execute(
        """select e.type, e.at, e.received_at, p.person_id, e.props from event e left join person_event p on p.event_id = e.event_id
           where e.source = 'yutang' and e.type <> 'coupon_redeemed'"""
    )
    return sorted(
        (
            r.type,
            str(r.at),
            str(r.received_at),
            str(r.person_id),
            str({k: _named(k, v, touches, {}) for k, v in r.props.items()}),
        )
        for r in rows
    )


def differences(live: dict[str, list[Any]], replay: dict[str, list[Any]]) -> list[str]:
    """The first differences of each table; nothing when all rows agree."""
    found = []
    for table, rows in live.items():
        other = replay[table]
        if len(rows) != len(other):
            found.append(f"{table}: {len(rows)} rows in the live pond, {len(other)} in the replay")
        for n, (a, b) in enumerate(zip(rows, other, strict=False)):
            if a != b:
                found.append(f"{table}[{n}]: {a} is {b} in the replay")
                break
    return found


class Brand:
    """A shipped brand that is lived for some days in a pond that was empty, the loop looking at the instants of a tick."""

    def __init__(self, url: str, feed: Any, brand: Any, script: Any = None) -> None:
        self.url, self.feed, self.brand = url, feed, brand
        self.vault = Vault(b"replay" * 6)
        self.channels = {"sandbox": Sandbox(script or feed.script)}
        self.zone = ZoneInfo(brand.pond["time_zone"])
        self.since = datetime.combine(feed.first, time(), self.zone)
        self.waiting: list[Happened] = []
        self.fed = 0

    def live(self, days: int, tick: Tick) -> dict[str, list[Any]]:
        """Go on to the end of the day of that number; returns the picture. Whoever lives on begins where the last one stopped."""
        begun = self.since + timedelta(days=self.fed)
        end = self.since + timedelta(days=self.fed + days)
        with connect(self.url) as conn:
            if not self.fed:
                publish(conn, self.since, self.brand)
                worker.settle(conn, self.since, self.channels)
            for number in range(self.fed, self.fed + days):
                self.waiting += self.feed.day(conn, self.feed.first + timedelta(days=number))
                for now in ticks(begun, end, tick, str(self.zone)):
                    if (now - self.since) // timedelta(days=1) == number:
                        self._look(conn, now)
            self.fed += days
            self._look(conn, end)
            return picture(conn)

    def _look(self, conn: psycopg.Connection, now: datetime) -> None:
        enter(conn, self.vault, now, [one for one in self.waiting if one.at <= now])
        self.waiting = [one for one in self.waiting if one.at > now]
        worker.settle(conn, now, self.channels)

    def until(self) -> datetime:
        return self.since + timedelta(days=self.fed)


def sums(conn: psycopg.Connection) -> dict[str, str]:
    """A checksum of every table."""
    tables = conn.execute(
        "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
    )
    return {
        table: str(
            conn.execute(f"select md5(string_agg(t::text, '|' order by t::text)) as sum from {table} t").fetchone()
        )  # type: ignore[arg-type]
        for table in sorted(row.name for row in tables)
    }


def joined(pictures: list[dict[str, list[Any]]]) -> dict[str, list[Any]]:
    """The pictures of several hands as one."""
    return {table: sorted((row for one in pictures for row in one[table]), key=_order(table)) for table in pictures[0]}


def _order(table: str) -> Any:
    columns = [column.strip() for column in TABLES.get(table, "").split(",")]
    return lambda row: [str(row[column]) for column in columns] if table in TABLES else row


@contextmanager
def seen(module: str, pictures: list[dict[str, list[Any]]]) -> Iterator[None]:
    """Take a picture of each replay of this module when it has run, before it is thrown away."""
    home = sys.modules[module]
    told = home.report

    def look(trial: Any, known: Any, runs: list[Any]) -> Any:
        pictures.append(joined([picture(run.conn) for run in runs]))
        return told(trial, known, runs)

    home.report = look
    try:
        yield
    finally:
        home.report = told
