"""A month as days: what went out, what is planned and what waits on each channel, which campaigns begin, and what room is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from yutang import definitions
from yutang.channels.contract import Channel
from yutang.db.queries import Queries
from yutang.plan import quota, show
from yutang.plan.quota import Calendar
from yutang.plan.runs import firings

sql = Queries(__package__)
NEARLY = 0.8
"""The share of an allowance from which it is said to run out."""


@dataclass
class Line:
    """One channel on one day. free: what the account may still send that day; None where no such allowance is known."""

    sent: int = 0
    planned: int = 0
    held: int = 0
    free: int | None = None


@dataclass(frozen=True)
class Start:
    """A campaign: one firing of a journey's schedule. people: how many it is for, or how many entered; None: not known.
    state: ``coming``, ``fired``, ``passed_over`` or ``late`` (too little room)."""

    journey: str
    at: datetime
    people: int | None
    state: str


@dataclass
class Day:
    day: date
    lines: dict[str, Line] = field(default_factory=lambda: defaultdict(Line))
    starts: list[Start] = field(default_factory=list)

    def all(self, name: str) -> int:
        return sum(getattr(line, name) for line in self.lines.values())

    @property
    def empty(self) -> bool:
        return not self.starts and not any(self.all(name) for name in ("sent", "planned", "held"))


@dataclass(frozen=True)
class Month:
    """days: by date. windows: what the platforms allow on the day that is looked at."""

    first: date
    today: date
    days: dict[date, Day]
    late: list[dict[str, Any]]
    calendar: Calendar
    channels: list[str]

    @property
    def before(self) -> str:
        return f"{self.first - timedelta(days=1):%Y-%m}"

    @property
    def after(self) -> str:
        return f"{(self.first + timedelta(days=32)).replace(day=1):%Y-%m}"

    @property
    def weeks(self) -> list[list[Day | None]]:
        """From Monday to Sunday; None: a day of another month."""
        cells: list[Day | None] = [None] * self.first.weekday() + list(self.days.values())
        cells += [None] * (-len(cells) % 7)
        return [cells[n : n + 7] for n in range(0, len(cells), 7)]

    def windows(self, day: date) -> list[dict[str, Any]]:
        """What each platform allows in the windows that hold a day, how much of it is used, and whether it runs out."""
        found = show.allowances(self.calendar, day)
        for one in found:
            whole = one["per"] == "account" and one["from"] is not None
            one["share"] = one["used"] / one["amount"] if whole and one["amount"] else None
            one["nearly"] = (one["share"] or 0) >= NEARLY or one["full"] > 0
        return found


def month(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel], name: str | None) -> Month:
    """A month (``2026-03``; the running one by default). Raises YutangError for what is no month."""
    found, zone = quota.month(conn, now, channels, name), definitions.pond(conn)["time_zone"]
    first, last = found.begin.date(), found.end.date()
    days = {first + timedelta(days=n): Day(first + timedelta(days=n)) for n in range((last - first).days)}
    today = now.astimezone(ZoneInfo(zone)).date()
    _count(conn, now, found, zone, days)
    _plan(found, today, days)
    for one in _starts(conn, now, found, zone):
        if (day := days.get(one.at.astimezone(ZoneInfo(zone)).date())) is not None:
            day.starts.append(one)
    used = sorted({name for day in days.values() for name in day.lines} | set(found.channels))
    return Month(first, today, days, show.quota(found)["late"], found, used)


def _count(conn: psycopg.Connection, now: datetime, found: Calendar, zone: str, days: Mapping[date, Day]) -> None:
    for row in sql.sent(conn, zone=zone, begin=found.begin, end=found.end):
        if row.day in days:
            days[row.day].lines[row.channel].sent = row.n
    for row in sql.held(conn, zone=zone, now=now, end=found.end):
        if row.day in days:
            days[row.day].lines[row.channel].held = row.n


def _plan(found: Calendar, today: date, days: Mapping[date, Day]) -> None:
    """What the quota calendar expects above what is counted already; and what is left of each day's allowance."""
    expected: dict[tuple[date, str], int] = defaultdict(int)
    for (day, channel, _), n in found.ledger.days.items():
        expected[day, channel] = max(expected[day, channel], n)
    for (at, channel), n in expected.items():
        if at in days and at >= today:
            line = days[at].lines[channel]
            line.planned = max(0, n - line.sent - line.held)
    for at, day in days.items():
        for one in show.allowances(found, at) if at >= today else ():
            if one["per"] == "account" and one["from"] == one["to"] == at:
                day.lines[one["channel"]].free = max(0, one["amount"] - one["used"])


def _starts(conn: psycopg.Connection, now: datetime, found: Calendar, zone: str) -> Iterator[Start]:
    """What the clock has begun, and what it will."""
    for row in sql.fired(conn, begin=found.begin, end=found.end):
        yield Start(row.name, row.at, row.entered if row.state == "fired" else None, row.state)
    late = {(one.journey, one.at) for one in found.late}
    if found.channels:
        for one in found.campaigns:
            yield Start(one.journey, one.at, one.people, "late" if (one.journey, one.at) in late else "coming")
        return
    # Where no channel has allowances, nobody has counted audiences; the clock alone is asked.
    for d in definitions.all_current(conn, "journey"):
        for at in firings(d.body, now, found.end, zone):
            yield Start(d.name, at, None, "coming")
