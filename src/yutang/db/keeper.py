"""The embedded server is started again when it ends by itself: somebody killed it, or memory ran out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen

import structlog

from yutang import config
from yutang.db.server import Server
from yutang.model import YutangError

log = structlog.get_logger()

LONGEST = 30.0
"""Seconds of rest before a server that ends again and again is started once more; the first time it is one."""
STEADY = 60.0
"""A server that has lived so many seconds has started well, and is started again at once."""
LOOK = 1.0
"""Seconds between a guest's looks whether its host has left."""


@contextmanager
def database() -> Iterator[str]:
    """The URL of the database in force: ``YUTANG_DATABASE_URL``, else the embedded server for as long as the block runs."""
    if config.DATABASE_URL.value:
        yield config.DATABASE_URL.value
        return
    home = config.home()
    with config.at_home(home):
        server = Server(home)
    with kept(server) as url:
        yield url


@contextmanager
def kept(server: Server) -> Iterator[str]:
    """The URL of the server, which runs for as long as the block does, also where it was a guest's and its host leaves first."""
    with config.at_home(server.home):
        url = server.start()
    leaving, busy = threading.Event(), threading.Lock()
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
    while not leaving.is_set():
        rest = LOOK if (process := server.process) is None else _after(process, rest)
        leaving.wait(rest)
        with busy:
            if not leaving.is_set():
                _mend(server)


def _after(process: Popen[bytes], rest: float) -> float:
    """Wait until the server has ended; how long to rest then, after so long a rest before."""
    began = time.monotonic()
    process.wait()
    return 0.0 if time.monotonic() - began > STEADY else min(LONGEST, 2 * rest + 1)


def _mend(server: Server) -> None:
    try:
        if server.process is None:
            server.inherit()
        else:
            log.error(
                "数据库自己停了，正在重新启动。 the database server ended by itself; it is started again",
                code=server.process.returncode,
            )
            server.again()
    except (YutangError, OSError) as error:
        log.error(
            "数据库启动不了，稍后再试。 the database server cannot be started; it is tried again", error=str(error)
        )
