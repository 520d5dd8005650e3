"""The thread that plays what was asked for over HTTP, one rehearsal after the other, beside the requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from yutang.channels.contract import Channel
from yutang.db.connect import connect
from yutang.replay import book

log = structlog.get_logger()
REST_SECONDS = 60
"""How long it sleeps when nobody wakes it: what another process has left undone is found then."""


class Rehearsals:
    """Begins with the first `wake`. What it is playing when the process ends is begun anew by the next one."""

    def __init__(self, url: str, clock: Callable[[], datetime], channels: Callable[[], Mapping[str, Channel]]) -> None:
        self._url, self._clock, self._channels = url, clock, channels
        self._news, self._closed = threading.Event(), False
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Something waits."""
        self._news.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="rehearsals", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Begin nothing new."""
        self._closed = True
        self._news.set()

    def _run(self) -> None:
        while not self._closed:
            self._news.clear()
            try:
                while not self._closed and book.work(self._url, self._clock, self._channels()):
                    pass
            except Exception:
                log.exception("预演暂停片刻。 rehearsals rest for a while")
            self._news.wait(REST_SECONDS)


def channels_of(url: str, channels: Callable[..., Mapping[str, Channel]]) -> Callable[[], Mapping[str, Channel]]:
    """The channels as they are now, read through a connection of its own."""

    def read() -> Mapping[str, Channel]:
        with connect(url) as conn:
            return channels(conn)

    return read
