"""The counter where many clients redeem at once: their requests are grouped, one commit serves all who wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue

import psycopg

from yutang.db.connect import connect
from yutang.model import YutangError
from yutang.offer.redemption import redeem
from yutang.offer.till import Redeem, Redeemed

GROUP = 500
"""Most requests in one commit."""
PAUSE = 0.001
"""Seconds without a new call after which a group is closed: without it, who asks first leaves alone, and commits double."""
TRIES = 5


@dataclass(slots=True)
class _Call:
    """One waiting client. A bare lock wakes it at a fraction of what a Future costs."""

    request: Redeem
    done: threading.Lock = field(default_factory=threading.Lock)
    answer: Redeemed | None = None
    error: Exception | None = None


class RedeemCounter:
    """Redeems for the threads of one process, over one connection of its own. Close it, or use it in ``with``."""

    def __init__(self, url: str, now: Callable[[], datetime]) -> None:
        """Raises YutangError when the database cannot be reached."""
        self._url, self._now = url, now
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._conn, self._closed = connect(url), False
        self._writer = threading.Thread(target=self._write, name="redeem-counter", daemon=True)
        self._writer.start()

    def redeem(self, request: Redeem) -> Redeemed:
        """Blocks until the answer is durable. Raises psycopg.Error when the database fails; asking again is harmless."""
        if self._closed:
            raise YutangError("核销台已关闭，请另开一个。 the counter is closed; open another one")
        call = _Call(request)
        call.done.acquire()
        self._calls.put(call)
        call.done.acquire()
        if call.answer is None:
            assert call.error is not None
            raise call.error
        return call.answer

    def close(self) -> None:
        """Serve who waits, then stop."""
        self._closed = True
        self._calls.put(None)
        self._writer.join()
        self._conn.close()

    def __enter__(self) -> RedeemCounter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self) -> None:
        while (group := self._next_group()) is not None:
            self._serve(group)

    def _next_group(self) -> list[_Call] | None:
        """Waits for one call, then takes all that come with it; None at the end."""
        call = self._calls.get()
        group: list[_Call] = []
        while call is not None:
            group.append(call)
            if len(group) == GROUP:
                return group
            try:
                call = self._calls.get(timeout=PAUSE)
            except Empty:
                return group
        if group:
            self._calls.put(None)
        return group or None

    def _serve(self, group: list[_Call]) -> None:
        try:
            for call, answer in zip(group, self._redeem([call.request for call in group]), strict=True):
                call.answer = answer
        except Exception as error:
            # Whoever waits must hear of it; the writer itself goes on with the next group.
            for call in group:
                call.error = error
        for call in group:
            call.done.release()

    def _redeem(self, requests: list[Redeem]) -> list[Redeemed]:
        """A stage may hold coupons in another order for a moment (a merge moves rows): the loser of that tries again."""
        for _ in range(TRIES - 1):
            try:
                return redeem(self._connection(), self._now(), requests)
            except (psycopg.errors.DeadlockDetected, psycopg.OperationalError):
                continue
        return redeem(self._connection(), self._now(), requests)

    def _connection(self) -> psycopg.Connection:
        if self._conn.broken or self._conn.closed:
            self._conn = connect(self._url)
        return self._conn
