"""A pond of one's own beside the live one: a schema of the same database, with the ordinary tables and nobody else in it.

Everything a stage names is found by `search_path`, so the stages run in it unchanged and cannot name a live row. Tables
are unlogged: what a crash costs here is made again by the next run.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql as compose

from yutang.db.connect import connect
from yutang.db.migrate import migrate
from yutang.db.queries import Queries
from yutang.model import YutangError

sql = Queries(__package__)
PREFIX = "replay_"
MARK = "Yutang replay of "
"""How the comment on a schema of ours begins; a schema without it is never dropped. Behind it stands whose it is."""

ALONE = """
create function pg_snapshot_xmin(snapshot pg_snapshot) returns xid8 language sql stable
as 'select coalesce(pg_current_xact_id_if_assigned(), pg_snapshot_xmax(snapshot))'
"""
"""How far a reader of news may go. Nobody else writes here, so what the live pond has under way does not hold anything back:
the catalogue comes after this schema in the search path, and the readers find this in place of PostgreSQL's own."""


@dataclass(frozen=True)
class Scratch:
    """An open scratch schema and the one connection that works in it."""

    conn: psycopg.Connection
    schema: str


@contextmanager
def scratch(url: str, name: str | None = None) -> Iterator[Scratch]:
    """An empty, migrated pond, dropped at the end however it comes; what a killed run has left is dropped first.

    Raises YutangError when the user may not create a schema.
    """
    schema = PREFIX + (name or secrets.token_hex(4))
    sweep(url)
    try:
        with connect(url) as conn:
            _make(conn, schema)
            yield Scratch(conn, schema)
    finally:
        # The run's own connection may have been lost, or be in the middle of something.
        with connect(url) as admin:
            _drop(admin, schema)


def sweep(url: str) -> list[str]:
    """Drop the schemas of runs that are gone; returns their names."""
    with connect(url) as conn:
        left = [row.name for row in sql.orphans(conn, mark=MARK)]
        for schema in left:
            _drop(conn, schema)
    return left


def _make(conn: psycopg.Connection, schema: str) -> None:
    owner = sql.me(conn, mark=MARK).fetchone()
    assert owner is not None
    name = compose.Identifier(schema)
    try:
        with conn.transaction():
            conn.execute(compose.SQL("create schema {}").format(name))
            conn.execute(compose.SQL("comment on schema {} is {}").format(name, compose.Literal(owner.words)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise YutangError(
            "重放需要自己的 schema，请给数据库用户 CREATE 权限。 "
            "a replay needs a schema of its own: grant CREATE on the database to its user"
        ) from error
    conn.execute(compose.SQL("set search_path to {}, pg_catalog").format(name))
    # Nothing here is worth a wait for the disk, and a replay is one line of work: helpers only take it from others.
    conn.execute("set synchronous_commit to off")
    conn.execute("set max_parallel_workers_per_gather to 0")
    # What is asked here goes by keys: a rough idea of how much there is will do, and is found ten times as fast.
    conn.execute("set default_statistics_target to 10")
    conn.execute(ALONE)
    migrate(conn)
    with conn.transaction():
        for table in tables(conn):
            conn.execute(compose.SQL("alter table {} set unlogged").format(compose.Identifier(table.name)))


def tables(conn: psycopg.Connection) -> list[Any]:
    """The tables that grow in a replay: rows (name, columns)."""
    return sql.tables(conn).fetchall()


def analyze(conn: psycopg.Connection) -> None:
    """Let the planner look at what has grown; never at the live tables beside it."""
    conn.execute("analyze " + ", ".join(row.name for row in tables(conn)))  # type: ignore[arg-type]


def _drop(conn: psycopg.Connection, schema: str) -> None:
    conn.execute("set client_min_messages to warning")
    conn.execute(compose.SQL("drop schema if exists {} cascade").format(compose.Identifier(schema)))
