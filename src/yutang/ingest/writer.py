"""The web edge's writer: one thread that writes whatever calls are waiting in one transaction and then answers them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime

import psycopg

from yutang.db.connect import connect
from yutang.ingest.record import Answer, keep, open_door, read
from yutang.model import TryAgain, YutangError, halves
from yutang.vault import Vault

MAX_GROUP = 5_000_000
"""Bytes in one commit, about 20,000 events; beyond, a longer commit buys no speed and every caller waits for it."""

Call = tuple[bytes, Future[Answer]]


class GroupWriter:
    """Takes bodies from any thread, and answers each after the commit that made it durable.

    Events per commit grow with the load: while one commit runs, the next group gathers.
    """

    def __init__(self, url: str, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._url, self._vault, self._clock = url, vault, clock
        self._waiting: deque[Call] = deque()
        self._news = threading.Condition()
        self._closed = False
        self._conn: psycopg.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="ingest-writer", daemon=True)
        self._thread.start()

    def submit(self, body: bytes) -> Future[Answer]:
        """Hand in the body of a call. The future gives the Answer, or raises TryAgain. Raises TryAgain after `close`."""
        future: Future[Answer] = Future()
        with self._news:
            if self._closed:
                raise TryAgain(
                    "服务正在关闭，重启后请再发一次。 the writer is closing; send the call again after the restart"
                )
            self._waiting.append((body, future))
            self._news.notify()
        return future

    def close(self) -> None:
        """Write what is waiting, answer it, and end the thread."""
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join()

    def _run(self) -> None:
        while calls := self._take():
            try:
                answers = self._write([body for body, _ in calls])
            except Exception as error:
                self._give_up(calls, error)
            else:
                for (_, future), answer in zip(calls, answers, strict=True):
                    future.set_result(answer)
        self._disconnect()

    def _take(self) -> list[Call]:
        """Sleep until there are calls, and take as many as one commit should hold; none when closed and all is written."""
        calls: list[Call] = []
        size = 0
        with self._news:
            while not calls and (self._waiting or not self._closed):
                self._news.wait_for(lambda: self._waiting or self._closed)
                while self._waiting and size < MAX_GROUP:
                    body, future = self._waiting.popleft()
                    if future.set_running_or_notify_cancel():
                        calls.append((body, future))
                        size += len(body)
        return calls

    def _write(self, bodies: list[bytes]) -> list[Answer]:
        if self._conn is None:
            self._conn = connect(self._url)
        now = self._clock()
        door = open_door(self._conn, self._vault, now)
        return keep(self._conn, now, self._vault, [read(door, body) for body in bodies], None)

    def _give_up(self, calls: list[Call], error: Exception) -> None:
        """Nothing was committed, or it cannot be known: the ids make a second try harmless. The next group reconnects."""
        self._disconnect()
        outside = isinstance(error, psycopg.Error | YutangError)
        answer = (
            TryAgain(
                "数据库出错，请把这次调用原样再发一次。 "
                f"the database failed: {halves(str(error).strip())[1]}; send the call again as it is"
            )
            if outside
            else error
        )
        for _, future in calls:
            future.set_exception(answer)

    def _disconnect(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None
