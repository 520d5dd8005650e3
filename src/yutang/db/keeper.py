"""The embedded server is started again when it ends by itself: somebody killed it, or memory ran out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from yutang import config
from yutang.db.server import Server
from yutang.model import YutangError

log = structlog.get_logger()

LONGEST = 30.0
"""Seconds of rest before a server that ends again and again is started once more; the first time there is none."""
STEADY = 60.0
"""A server that has lived so many seconds has started well."""


@contextmanager
def database() -> Iterator[str]:
    """The URL of the database in force: ``YUTANG_DATABASE_URL``, else the embedded server for as long as the block runs."""
    if config.DATABASE_URL.value:
        yield config.DATABASE_URL.value
        return
    with kept(Server(config.home())) as url:
        yield url


@contextmanager
def kept(server: Server) -> Iterator[str]:
    """The URL of the server, which runs for as long as the block does. A guest's server is its owner's to keep."""
    url = server.start()
    leaving, busy = threading.Event(), threading.Lock()
    if server.process is not None:
        # The kernel ties the server's life to the thread that starts it, so one thread keeps it to the end.
        threading.Thread(target=_keep, args=(server, leaving, busy), name="database", daemon=True).start()
    try:
        yield url
    finally:
        leaving.set()
        with busy:
            server.stop()


def _keep(server: Server, leaving: threading.Event, busy: threading.Lock) -> None:
    rest = 0.0
    while (process := server.process) is not None and not leaving.is_set():
        began = time.monotonic()
        code = process.wait()
        rest = 0.0 if time.monotonic() - began > STEADY else rest
        leaving.wait(rest)
        with busy:
            if not leaving.is_set():
                _again(server, code)
        rest = min(LONGEST, max(1.0, 2 * rest))


def _again(server: Server, code: int) -> None:
    log.error("the database server ended by itself; it is started again", code=code)
    try:
        server.again()
    except (YutangError, OSError) as error:
        log.error("the database server cannot be started; it is tried again", error=str(error))
