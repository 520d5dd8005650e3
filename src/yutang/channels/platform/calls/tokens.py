"""Tokens: one kept for all workers, sealed; one fetch, however many find it missing at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from yutang.channels.platform.calls.errors import Later, Meaning, PlatformError
from yutang.db.queries import Queries
from yutang.model import Reason
from yutang.vault import Vault

sql = Queries(__package__)

ACCESS = "access"
EARLY = timedelta(seconds=300)
"""How long before its end a token is replaced."""
REST = {"config": timedelta(seconds=60), "bug": timedelta(seconds=60), "later": timedelta(seconds=60)}
REST_ELSE = timedelta(seconds=10)
"""How long a failed fetch is believed by everybody: platforms block for an hour whoever asks wrongly all the time."""


class Fresh(NamedTuple):
    """A token as it was fetched, and the seconds for which it is good."""

    token: str
    seconds: int


class Tokens:
    """The tokens of one account. `fingerprint` is of the secret: a token of another secret is not used.

    `meaning` says what an error code means, so that a kept failure reads like a new one.
    """

    def __init__(
        self, conn: psycopg.Connection, vault: Vault, source: str, fingerprint: str, meaning: Callable[[int], Meaning]
    ) -> None:
        self.conn, self.vault, self.source, self.fingerprint, self.meaning = conn, vault, source, fingerprint, meaning

    def get(self, now: datetime, fetch: Callable[[], Fresh], failed: str | None = None) -> str:
        """The access token. `failed`: the platform has just refused this one, so another is needed.

        The row stays locked while the one call to `fetch` is under way, against the rule that no transaction lasts as long
        as the network: the lock is what makes twenty workers who meet an expired token fetch one, on whatever machine
        they run, and it guards nothing else. Raises PlatformError as `fetch` does, or as it did a moment ago, and
        Later when another's fetch takes too long.
        """
        row = sql.token(self.conn, source=self.source, purpose=ACCESS).fetchone()
        if token := self._settled(row, now, failed):
            return token
        try:
            got = self._single(now, fetch, failed)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.IdleInTransactionSessionTimeout):
            raise Later(now + REST_ELSE, Reason.TEMPORARY) from None
        if isinstance(got, PlatformError):
            raise got
        return got

    def kept(self, now: datetime, purpose: str) -> str | None:
        """What is kept for another purpose, None when it is missing or about to run out."""
        row = sql.token(self.conn, source=self.source, purpose=purpose).fetchone()
        return self._usable(row, now, EARLY, None)

    def keep(self, now: datetime, purpose: str, fresh: Fresh) -> None:
        """Keep a token; `now`: when it was asked for."""
        sql.make_token(self.conn, source=self.source, purpose=purpose)
        sql.keep_token(
            self.conn,
            source=self.source,
            purpose=purpose,
            fingerprint=self.fingerprint,
            sealed=self.vault.seal_text(fresh.token),
            expires_at=now + timedelta(seconds=fresh.seconds),
        )

    def forgive(self) -> None:
        """Forget a failure: somebody has mended something and wants to know at once."""
        sql.forgive(self.conn, source=self.source)

    def _single(self, now: datetime, fetch: Callable[[], Fresh], failed: str | None) -> str | PlatformError:
        """An error is returned, not raised, so that its record is committed."""
        sql.make_token(self.conn, source=self.source, purpose=ACCESS)
        with self.conn.transaction():
            sql.patience(self.conn)
            sql.give_way(self.conn)
            row = sql.lock_token(self.conn, source=self.source, purpose=ACCESS).fetchone()
            try:
                if token := self._settled(row, now, failed):
                    return token
                fresh = fetch()
            except PlatformError as error:
                return self._keep_failure(now, row, error, failed)
            self.keep(now, ACCESS, fresh)
            return fresh.token

    def _keep_failure(self, now: datetime, row: Any, error: PlatformError, failed: str | None) -> str | PlatformError:
        """What is left of the old token will do, if there is some."""
        until = now + REST.get(error.sort, REST_ELSE)
        sql.keep_failure(
            self.conn,
            source=self.source,
            purpose=ACCESS,
            fingerprint=self.fingerprint,
            code=error.code,
            hint=error.hint,
            until=until,
        )
        return self._usable(row, now, timedelta(0), failed) or error

    def _settled(self, row: Any, now: datetime, failed: str | None) -> str | None:
        """The kept token, when it will do; None: one must be fetched. Raises PlatformError while a failure is believed."""
        if token := self._usable(row, now, EARLY, failed):
            return token
        if row is None or row.fingerprint != self.fingerprint or row.failed_until is None or row.failed_until <= now:
            return None
        if token := self._usable(row, now, timedelta(0), failed):
            return token
        raise PlatformError(row.failed_code, row.failed_hint, ACCESS, self.meaning(row.failed_code))

    def _usable(self, row: Any, now: datetime, margin: timedelta, failed: str | None) -> str | None:
        if row is None or row.sealed is None or row.fingerprint != self.fingerprint or row.expires_at - now <= margin:
            return None
        token = self.vault.unseal_text(row.sealed)
        return None if token == failed else token
