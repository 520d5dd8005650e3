"""Keys of the API one by one: given out, used, revoked. What a key says is computed by the vault; here is only which of them hold."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import psycopg

from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.vault import EVERYBODY, Key

sql = Queries(__package__)


def give(conn: psycopg.Connection, now: datetime, name: str, *, new: bool = False) -> Key:
    """The newest key of this name that holds; new: one more beside it. Raises YutangError when all of them are revoked, and for what is no name."""
    _check_name(name)
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
        # Whoever has acted before keys were written down holds the first.
        first = int(sql.has_acted(conn, name=name).fetchone().yes) if new else 0
        made = Key(name, max((key.number for key in theirs), default=first) + 1)
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
    _check_name(key.name)
    if not _known(conn, key):
        raise YutangError(
            f"没有钥匙 {key}；`yutang keys` 列出所有钥匙。 there is no key {key}; `yutang keys` lists them"
        )
    sql.revoke_key(conn, name=key.name, number=key.number, now=now)


def _check_name(name: str) -> None:
    """Raises YutangError for what no key can be called."""
    if not re.fullmatch(r"[a-z0-9_-]{1,32}", name) or name == EVERYBODY:
        raise YutangError(
            f"名字 '{name}'：用 1–32 个小写字母、数字、_ 或 -，且不是 {EVERYBODY}。 write 1 to 32 lower-case letters, digits, _ or -, "
            f"and not {EVERYBODY}"
        )


def _known(conn: psycopg.Connection, key: Key) -> bool:
    """Was it given out? The first of a name may have been before keys were written down: then a deed of that name is the sign."""
    numbers = {one.number for one in sql.keys_of(conn, name=key.name)}
    return key.number in numbers or (
        key.number == 1 and (bool(numbers) or sql.has_acted(conn, name=key.name).fetchone().yes)
    )


def revoked(conn: psycopg.Connection) -> frozenset[Key]:
    """The keys that hold no more."""
    return frozenset(Key(*row) for row in sql.revoked_keys(conn))


def every_key(conn: psycopg.Connection) -> list[Any]:
    """All that are known: rows (name, number, since, used_at, revoked_at), those that hold first."""
    return sql.every_key(conn).fetchall()
