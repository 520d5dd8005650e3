"""Sessions: a browser that signed in holds a token, and the database its hash; so any of them can be ended from elsewhere."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import psycopg

from yutang.db.queries import Queries
from yutang.users.person import User, user_of

sql = Queries(__package__)

VALID = timedelta(days=7)
"""However often it is used."""
IDLE = timedelta(hours=12)
NOTED = timedelta(minutes=1)
"""How exactly it is known when a session was last used."""
LONGEST = 200


def begin(conn: psycopg.Connection, now: datetime, user: User, address: str, browser: str) -> str:
    """A new session; returns its token, which nobody else ever knows. Sessions that are over are swept away."""
    token = secrets.token_urlsafe(32)
    sql.over(conn, now=now, idle=now - IDLE)
    sql.begin(
        conn, token=_hash(token), user=user.user_id, now=now, until=now + VALID, address=address[:LONGEST],
        browser=browser[:LONGEST],
    )  # fmt: skip
    sql.seen(conn, token=_hash(token), now=now)
    return token


def find(conn: psycopg.Connection, now: datetime, token: str) -> User | None:
    """Who signed in with this token, if the session lasts and the user may still come in."""
    row = sql.session(conn, token=_hash(token), now=now, idle=now - IDLE).fetchone() if token else None
    if row is None:
        return None
    if now - row.seen_at >= NOTED:
        sql.seen(conn, token=_hash(token), now=now)
    return user_of(row, row.user_seen_at)


def end(conn: psycopg.Connection, token: str) -> None:
    """Sign out."""
    sql.end(conn, token=_hash(token))


def end_all(conn: psycopg.Connection, name: str, keep: str = "") -> int:
    """Sign a user out everywhere, but for the session of the token `keep`; returns how many sessions that ended."""
    return sql.end_all(conn, name=name, keep=_hash(keep)).rowcount


def open_sessions(conn: psycopg.Connection, now: datetime, name: str, token: str = "") -> list[Any]:
    """The sessions of a user: rows (made_at, seen_at, address, browser, own); own: that of this token."""
    return sql.open_sessions(conn, name=name, now=now, idle=now - IDLE, own=_hash(token)).fetchall()


def _hash(token: str) -> bytes:
    """A random token needs no slow hash."""
    return sha256(token.encode()).digest()
