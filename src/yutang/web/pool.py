"""Connections for the threads that answer requests: lent one at a time, kept for the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import psycopg

from yutang.db.connect import connect


class Pool:
    """As many connections as requests are answered at once; the server's threads bound that number."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._idle: SimpleQueue[psycopg.Connection] = SimpleQueue()

    @contextmanager
    def lend(self) -> Iterator[psycopg.Connection]:
        """A connection for the block. Raises YutangError when the database cannot be reached."""
        conn = self._next()
        try:
            yield conn
        finally:
            if conn.closed or conn.broken or conn.info.transaction_status:
                conn.close()
            else:
                self._idle.put(conn)

    def close(self) -> None:
        """Close what is idle; call it when nobody borrows any more."""
        while (conn := self._take()) is not None:
            conn.close()

    def _next(self) -> psycopg.Connection:
        """An idle connection that still lives, else a new one: the database may have been restarted meanwhile."""
        while (conn := self._take()) is not None:
            try:
                conn.execute("")
                return conn
            except psycopg.OperationalError:
                conn.close()
        return connect(self.url)

    def _take(self) -> psycopg.Connection | None:
        try:
            return self._idle.get_nowait()
        except Empty:
            return None
