"""The worker's loop on a thread of its own, with a connection of its own, through restarts of the database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import psycopg
import structlog

from yutang import chores, worker
from yutang.app import App
from yutang.db.connect import connect
from yutang.model import Counts, TryAgain, YutangError

AGAIN_SECONDS = 1.0
"""How long to wait before the database is tried again."""

STUCK_SECONDS = 10.0
"""How long to wait before what somebody must mend is looked at again."""

GRACE_SECONDS = 10.0
"""How long a pass may take to end. A platform that does not answer must not keep the program from ending: whatever was begun is
claimed in the database, and is taken up again as after any other crash."""

LOOK_SECONDS = 300.0
"""How often it is asked whether a chore is due; also how long a program that has just started is left alone."""

log = structlog.get_logger()


class Loop:
    """`run` blocks until `stop`; `start` runs it on a thread, which `stop` then waits for. `report` hears of each pass."""

    def __init__(
        self, app: App, url: str, clock: Callable[[], datetime], report: Callable[[Counts], None] = lambda _: None
    ) -> None:
        self._app, self._url, self._clock, self._report = app, url, clock, report
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self.run, name="worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(GRACE_SECONDS)
            self._thread = None

    def run(self) -> None:
        """Nothing is in memory: after a lost connection the next pass simply goes on."""
        ear = threading.Thread(target=self._keep_on, args=(self._listen,), name="ear", daemon=True)
        daily = threading.Thread(target=self._keep_on, args=(self._chores,), name="chores", daemon=True)
        ear.start()
        daily.start()
        self._keep_on(self._work)
        ear.join(GRACE_SECONDS)

    def _work(self, conn: psycopg.Connection) -> None:
        worker.loop(conn, self._app.channels, self._clock, self._stopping, self._report)

    def _listen(self, conn: psycopg.Connection) -> None:
        worker.ear(conn, self._app.channels, self._clock, self._stopping)

    def _chores(self, conn: psycopg.Connection) -> None:
        """What is due from time to time. Killed in the middle it loses nothing, so that nobody waits for it to end."""
        while not self._stopping.wait(LOOK_SECONDS):
            chores.do(conn, self._url, self._clock())

    def _keep_on(self, part: Callable[[psycopg.Connection], None]) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._url) as conn:
                    part(conn)
            except (psycopg.OperationalError, TryAgain) as error:
                log.warning(
                    "连不上数据库，正在重试。 the database cannot be reached; trying again", error=str(error).strip()
                )
                self._stopping.wait(AGAIN_SECONDS)
            except YutangError as error:
                log.error("工作循环停着，等人处理。 the loop stands still until somebody mends it", error=str(error))
                self._stopping.wait(STUCK_SECONDS)
