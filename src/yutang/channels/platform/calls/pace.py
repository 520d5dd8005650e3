"""The pace of calls: never more per minute and hour, nor more at once, than a platform allows, whoever makes them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang.channels.platform.calls.dialect import BURST, Limit
from yutang.channels.platform.calls.errors import Later
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)

WIDTH, NARROW = 5, 2
"""Calls at once per account and path; and for a minute after the platform said that these were too many."""
NARROW_FOR = timedelta(seconds=60)
LEASE = timedelta(seconds=120)
"""A slot that was not given back is free again after this: longer than any call lasts."""
CROWDED = timedelta(seconds=5)
"""How long a call that found no slot, or was one too many, stays away."""
WAITS = (0.02, 0.05, 0.1, *(0.2,) * 40)
"""Seconds between looks for a free slot."""


class Pace:
    """The budget of one account. A bucket per minute and hour: the steady pace is `Limit.share` of what is allowed, and what
    may be used in one go comes to less than the rest, so that no window of a minute or an hour, wherever it begins,
    holds more than the limit."""

    def __init__(
        self,
        conn: psycopg.Connection,
        source: str,
        clock: Callable[[], datetime],
        limit: Callable[[str, datetime], Limit],
        pause: Callable[[float], None],
    ) -> None:
        self.conn, self.source, self.clock, self.limit, self.pause = conn, source, clock, limit, pause
        self._made: set[str] = set()

    @contextmanager
    def turn(self, path: str) -> Iterator[None]:
        """One call of `path`: a slot for as long as the block runs, and a permit. Raises Later when there is none."""
        holder = secrets.token_hex(8)
        slot = self._slot(path, holder)
        try:
            self._permit(path)
            yield
        finally:
            sql.free_slot(self.conn, source=self.source, path=path, slot=slot, holder=holder)

    def too_often(self, path: str) -> datetime:
        """The platform wants to be left in peace; returns until when."""
        row = sql.pause(self.conn, source=self.source, path=path, now=self.clock()).fetchone()
        assert row is not None
        return row.until

    def too_many(self, path: str) -> datetime:
        """Too many at once: fewer for a minute. Returns when to try again."""
        now = self.clock()
        sql.narrow(self.conn, source=self.source, path=path, until=now + NARROW_FOR)
        return now + CROWDED

    def _slot(self, path: str, holder: str) -> int:
        if path not in self._made:
            sql.make_slots(self.conn, source=self.source, path=path, width=WIDTH)
            self._made.add(path)
        for wait in WAITS:
            now = self.clock()
            row = sql.take_slot(
                self.conn,
                source=self.source,
                path=path,
                holder=holder,
                now=now,
                until=now + LEASE,
                width=WIDTH,
                narrow=NARROW,
            ).fetchone()
            if row:
                return row.slot
            self.pause(wait)
        raise Later(self.clock() + CROWDED, Reason.QUOTA)

    def _permit(self, path: str) -> None:
        now = self.clock()
        limit = self.limit(path, now)
        bucket = _bucket("minute", limit.minute, 60, limit.share) | _bucket("hour", limit.hour, 3600, limit.share)
        if sql.permit(self.conn, source=self.source, path=path, now=now, **bucket).fetchone() is None:
            raise Later(self._next(path, now, bucket), Reason.QUOTA)

    def _next(self, path: str, now: datetime, bucket: dict[str, float]) -> datetime:
        rates = {name: bucket[name] for name in ("minute_rate", "hour_rate")}
        row = sql.refused_until(self.conn, source=self.source, path=path, **rates).fetchone()
        return max(row.until, now + timedelta(milliseconds=10)) if row else now + CROWDED


def _bucket(name: str, most: int, seconds: int, share: float) -> dict[str, Any]:
    """Its brim (at least one call fits) and how much flows in per second."""
    brim = max(1.0, most * BURST)
    return {f"{name}_brim": brim, f"{name}_rate": min(most * share, most + 0.999 - brim) / seconds}
