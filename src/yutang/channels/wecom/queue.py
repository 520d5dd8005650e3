"""Errands: work that needs the network waits in a table, is claimed for some minutes, and is done at least once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from yutang.db.queries import Queries

sql = Queries(__package__)

LEASE = timedelta(seconds=300)


@dataclass(frozen=True)
class Errand:
    """One piece of work. The same kind and key asked for again is done once, unless it has been begun already.

    `tries` and `asked` are of the claimed one: how often it was begun, and how often it had been asked for by then.
    """

    kind: str
    key: str
    due_at: datetime
    args: Mapping[str, Any] = field(default_factory=dict)
    tries: int = 0
    asked: int = 1
    token: str = ""


def add(conn: psycopg.Connection, account: str, now: datetime, errands: Sequence[Errand]) -> None:
    """Ask for errands, in the caller's transaction. One that failed for good is tried afresh."""
    unique = {(one.kind, one.key): one for one in sorted(errands, key=lambda one: one.due_at, reverse=True)}
    if not unique:
        return
    wanted = [unique[key] for key in sorted(unique)]
    sql.add_errands(
        conn,
        account=account,
        now=now,
        kinds=[one.kind for one in wanted],
        keys=[one.key for one in wanted],
        args=[Jsonb(dict(one.args)) for one in wanted],
        dues=[one.due_at for one in wanted],
    )


def claim(conn: psycopg.Connection, account: str, now: datetime, kinds: Sequence[str], limit: int) -> list[Errand]:
    """Up to `limit` errands of these kinds that are due, oldest first; they belong to the caller until the lease runs out."""
    token = secrets.token_hex(8)
    with conn.transaction():
        rows = sql.claim_errands(
            conn, account=account, now=now, kinds=list(kinds), limit=limit, token=token, until=now + LEASE
        ).fetchall()
    found = [Errand(r.kind, r.key, r.wanted_at, r.args, r.tries, r.asked, token) for r in rows]
    return sorted(found, key=lambda one: one.due_at)


def done(conn: psycopg.Connection, account: str, now: datetime, errand: Errand) -> None:
    """It is done; asked for again in the meantime, it waits for its next turn."""
    with conn.transaction():
        sql.end_errand(
            conn, account=account, now=now, kind=errand.kind, key=errand.key, token=errand.token, asked=errand.asked
        )
        sql.remove_errand(conn, account=account, kind=errand.kind, key=errand.key, token=errand.token)


def postpone(
    conn: psycopg.Connection, account: str, errand: Errand, until: datetime, error: str = "", *, free: bool = False
) -> None:
    """Again at `until`. free: it was not tried, so this costs no try."""
    sql.postpone_errand(conn, account=account, kind=errand.kind, key=errand.key, token=errand.token, until=until,
                        error=error, free=free)  # fmt: skip


def fail(conn: psycopg.Connection, account: str, errand: Errand, error: str) -> None:
    """Nobody tries again by himself; operators see it, with `error`."""
    sql.fail_errand(conn, account=account, kind=errand.kind, key=errand.key, token=errand.token, error=error)


class Again(Exception):
    """Raised by an errand's work: not yet, again at `at`. It counts as a try, unless it is `free`."""

    def __init__(self, at: datetime, *, free: bool = False) -> None:
        self.at, self.free = at, free
        super().__init__(f"again at {at.isoformat()}")
