"""What people did in the console: one line for each deed, for ever."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from yutang.db.queries import Queries

sql = Queries(__package__)


class Deed(NamedTuple):
    """act: a word such as ``tag``; object: what it was done to, ``segment/silent``; detail: nothing personal."""

    audit_id: int
    at: datetime
    by: str
    act: str
    object: str
    detail: dict[str, Any]


def note(
    conn: psycopg.Connection, now: datetime, by: str, act: str, about: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Write a deed down, in the transaction of the deed itself."""
    sql.note(conn, now=now, by=by, act=act, object=about, detail=Jsonb(dict(detail or {})))


def given_another(conn: psycopg.Connection, name: str, since: datetime) -> bool:
    """Has somebody else given this user another password since then?"""
    row = sql.given_another(conn, object=f"user/{name}", name=name, since=since).fetchone()
    return bool(row and row.yes)


def deeds(
    conn: psycopg.Connection,
    *,
    about: str | None = None,
    by: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Deed]:
    """The newest first. about: an object, or its kind alone; since, until (exclusive): when; before: those older than this one."""
    rows = sql.deeds(conn, object=about, by=by, since=since, until=until, before=before, limit=limit)
    return [Deed(*row) for row in rows]
