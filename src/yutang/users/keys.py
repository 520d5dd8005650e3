"""Keys of the API one by one: given out, used, revoked. What a key says is computed by the vault; here is only which of them hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.vault import EVERYBODY, Key

sql = Queries(__package__)


def give(conn: psycopg.Connection, now: datetime, name: str, *, new: bool = False) -> Key:
    """The newest key of this name that holds; new: one more beside it. Raises YutangError when all of them are revoked."""
    with conn.transaction():
        sql.lock_keys(conn)
        theirs = sql.keys_of(conn, name=name).fetchall()
        if theirs and not new and all(key.revoked_at for key in theirs):
            raise YutangError(
                f"{name} 的钥匙都已作废；要一把新的：`yutang key {name} --new`。 every key of {name} is revoked; for a new one: "
                f"`yutang key {name} --new`"
            )
        if theirs and not new:
            return Key(name, max(key.number for key in theirs if key.revoked_at is None))
        made = Key(name, max((key.number for key in theirs), default=0) + 1)
        sql.add_key(conn, name=name, number=made.number, now=now)
    return made


def used(conn: psycopg.Connection, now: datetime, key: Key) -> None:
    """Somebody came with it."""
    sql.use_key(conn, name=key.name, number=key.number, now=now)


def revoke(conn: psycopg.Connection, now: datetime, key: Key) -> None:
    """From now on nobody comes in with it; for good. Raises YutangError for the key that all share, and for one that was never given out."""
    if key.name == EVERYBODY:
        raise YutangError(
            "大家共用的钥匙不能单独作废：换掉 YUTANG_API_KEY 并重启，所有钥匙随之更换。 the key that all share cannot be revoked alone: "
            "set another YUTANG_API_KEY and restart; all keys change with it"
        )
    # The first key of a name may have been given out before any were written down.
    if key.number > 1 and all(one.number != key.number for one in sql.keys_of(conn, name=key.name)):
        raise YutangError(
            f"没有钥匙 {key}；`yutang keys` 列出所有钥匙。 there is no key {key}; `yutang keys` lists them"
        )
    sql.revoke_key(conn, name=key.name, number=key.number, now=now)


def revoked(conn: psycopg.Connection) -> frozenset[Key]:
    """The keys that hold no more."""
    return frozenset(Key(*row) for row in sql.revoked_keys(conn))


def every_key(conn: psycopg.Connection) -> list[Any]:
    """All that are known: rows (name, number, since, used_at, revoked_at), those that hold first."""
    return sql.every_key(conn).fetchall()
