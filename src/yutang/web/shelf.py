"""Figures that take a while: made in a thread beside the requests, kept, and shown while newer ones are made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NamedTuple

import psycopg
import structlog

from yutang.web.pool import Pool

log = structlog.get_logger()
REST = 20
"""Making figures takes about one twentieth of the time: what took a second is kept for twenty."""
SHORTEST, LONGEST = 1.0, 600.0
"""Seconds for which figures are kept, at least and at most."""
PATIENCE = 0.3
"""Seconds that a request waits for newer ones."""
MOST = 200
"""Figures on the shelf."""

Make = Callable[[psycopg.Connection], Any]


class Found(NamedTuple):
    """What there is: None while the first are being made. coming: newer ones are being made."""

    value: Any
    coming: bool


@dataclass
class _Entry:
    value: Any = None
    good_until: float = 0.0
    done: threading.Event | None = None
    """Set when those that are being made are there; None while none are."""


@dataclass
class Shelf:
    """One for an edge."""

    pool: Pool
    patience: float = PATIENCE
    _entries: dict[Hashable, _Entry] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def get(self, key: Hashable, make: Make, patience: float | None = None) -> Found:
        """The figures of this key, which names all that they depend on; `make` is asked where they are too old."""
        with self._lock:
            entry = self._entry(key)
            if entry.done is None and monotonic() >= entry.good_until and not self._closed:
                entry.done = threading.Event()
                threading.Thread(target=self._make, args=(key, entry, make), name="figures", daemon=True).start()
            done = entry.done
        there = done is None or done.wait(self.patience if patience is None else patience)
        return Found(entry.value, not there)

    def several(self, makes: Mapping[Hashable, Make]) -> dict[Hashable, Found]:
        """All of these, made side by side; the request waits for them together."""
        until = monotonic() + self.patience
        for key, make in makes.items():
            self.get(key, make, 0)
        return {key: self.get(key, make, max(0.0, until - monotonic())) for key, make in makes.items()}

    def close(self) -> None:
        """Begin nothing new, and wait a moment for what is being made."""
        self._closed = True
        for entry in list(self._entries.values()):
            if (done := entry.done) is not None:
                done.wait(5)

    def _entry(self, key: Hashable) -> _Entry:
        if key not in self._entries and len(self._entries) >= MOST:
            del self._entries[next(iter(self._entries))]
        return self._entries.setdefault(key, _Entry())

    def _make(self, key: Hashable, entry: _Entry, make: Make) -> None:
        begun = monotonic()
        try:
            with self.pool.lend() as conn:
                entry.value = make(conn)
        except Exception:
            log.exception(
                "统计没有算成，稍后重算。 figures could not be made; they are made anew later", figures=str(key)
            )
        finally:
            cost = monotonic() - begun
            done, entry.done = entry.done, None
            entry.good_until = monotonic() + min(max(SHORTEST, cost * REST), LONGEST)
            assert done is not None
            done.set()
