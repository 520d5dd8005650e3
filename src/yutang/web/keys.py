"""Which keys of the API hold, as the edge knows it: the database is asked once a second at most, and told once a minute of each use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

import psycopg

from yutang import users
from yutang.model import TryAgain
from yutang.vault import Key
from yutang.web.pool import Pool

FRESH = 1.0
"""Seconds within which a key that was revoked elsewhere opens nothing any more."""
NOTED = 60.0
"""How exactly it is known when a key was last used, in seconds."""


@dataclass
class Keys:
    """One for an edge."""

    pool: Pool
    clock: Callable[[], datetime]
    _revoked: frozenset[Key] | None = None
    _looked: float = 0.0
    _noted: dict[Key, float] = field(default_factory=dict)

    def due(self, key: Key) -> bool:
        """Must the database be asked, or told, before this key is answered?"""
        return self._revoked is None or monotonic() - self._looked >= FRESH or self._unnoted(key)

    def hold(self, key: Key) -> bool:
        """May somebody come in with it? Asks the database where it is due; while that cannot be reached, what was known holds.

        Raises TryAgain, or what the database said, when nothing was known yet.
        """
        if self.due(key):
            try:
                self._look(key)
            except (TryAgain, psycopg.OperationalError):
                if self._revoked is None:
                    raise
        return key not in (self._revoked or ())

    def _look(self, key: Key) -> None:
        self._looked = monotonic()
        with self.pool.lend() as conn:
            self._revoked = users.revoked(conn)
            if self._unnoted(key):
                self._noted[key] = monotonic()
                users.used(conn, self.clock(), key)

    def _unnoted(self, key: Key) -> bool:
        return monotonic() - self._noted.get(key, -NOTED) >= NOTED
