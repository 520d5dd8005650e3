"""What is going to happen: recorded events in the order in which they arrived, handed to the replay portion by portion."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg

from yutang.db.queries import Queries
from yutang.ingest.record import OURS
from yutang.model import Only
from yutang.replay.copying import pipe

sql = Queries(__package__)

TABLES = (
    sql.agenda, sql.agenda_index, sql.recorded, sql.recorded_code, sql.recorded_touch, sql.recorded_event, sql.recorded_reply,
    sql.recorded_call, sql.reply, sql.reply_due,
)  # fmt: skip
"""What a replay keeps beside the pond's own tables."""
ALIKE = (sql.same_touches, sql.touches_alike, sql.same_event, sql.events_alike, sql.same_call, sql.calls_alike)
"""What gives to the replay's doings the numbers of the same ones in the live pond."""
ROWS = 20_000
"""News that enter in one transaction: what a stage reads at a stretch."""
LAST = 2**63 - 1
BEGINNING = (datetime(1, 1, 2, tzinfo=UTC), 0)


@dataclass
class Agenda:
    """Where the replay stands in the news. `handed`: how many were handed over so far."""

    conn: psycopg.Connection
    place: tuple[datetime, int] = BEGINNING
    handed: int = 0
    _next: datetime | None = field(default=None, init=False)

    def arrive(self, now: datetime) -> int:
        """Hand over what has arrived by `now`; returns how many facts that is. Coupon codes are put into the replay's."""
        if (following := self.next_at()) is None or following > now:
            return 0
        before = self.handed
        while (end := self._portion(now)) is not None:
            self._enter(end)
        self._enter((now, LAST))
        return self.handed - before

    def next_at(self) -> datetime | None:
        """When the next news arrives; None when there is none."""
        if self._next is None:
            row = sql.next_arrival(self.conn, after=self.place[0], after_id=self.place[1]).fetchone()
            self._next = row.arrives_at if row else None
        return self._next

    def _portion(self, now: datetime) -> tuple[datetime, int] | None:
        row = sql.portion(self.conn, after=self.place[0], after_id=self.place[1], now=now, rows=ROWS).fetchone()
        return (row.arrives_at, row.event_id) if row else None

    def _enter(self, end: tuple[datetime, int]) -> None:
        done = sql.arrive(self.conn, after=self.place[0], after_id=self.place[1], upto=end[0], upto_id=end[1])
        self.handed += done.rowcount
        self.place, self._next = end, None


def empty(conn: psycopg.Connection) -> Agenda:
    """Nothing is going to happen."""
    for create in TABLES:
        create(conn)
    return Agenda(conn)


def draw_up(
    live: psycopg.Connection, conn: psycopg.Connection, parts: list[Only], until: datetime, quiet: list[str]
) -> Agenda:
    """Read everything that has arrived by `until`, portion by portion. quiet: types of own events that nobody asks about."""
    agenda = empty(conn)
    for part in parts:
        pipe(live, conn, "agenda", sql.happened, part, ours=OURS, until=until)
        pipe(live, conn, "recorded", sql.fared, part)
        pipe(live, conn, "recorded_reply", sql.answered, part, ours=OURS)
        pipe(live, conn, "recorded_call", sql.called, part, ours=OURS)
        pipe(live, conn, "recorded_event", sql.recorded_events, part, ours=OURS, quiet=quiet)
    conn.execute("analyze agenda, recorded, recorded_reply, recorded_call, recorded_event")
    if sql.anything(conn).fetchone():
        for make in ALIKE:
            make(conn)
    return agenda
