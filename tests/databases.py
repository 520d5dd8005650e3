"""Databases for tests: one is used again and again, emptied after each test; one whose tables were changed is thrown away.

A new database costs from 0.1 to 0.8 s, emptying one a few hundredths.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

SMALL = 1 << 18
"""Bytes: a table up to this size is emptied row by row, which makes no new files."""

SHAPE = """
select md5(string_agg(thing, ',' order by thing)) from (
    select concat_ws(' ', c.oid, c.relname, c.relkind, c.relnatts, c.relnamespace) as thing from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    union all select concat('constraint ', oid) from pg_constraint where oid >= 16384
    union all select concat('trigger ', oid) from pg_trigger where oid >= 16384
    union all select concat('function ', oid) from pg_proc where oid >= 16384
    union all select concat('column ', attrelid, ' ', attname, ' ', atttypid, ' ', attnotnull) from pg_attribute
    where attrelid >= 16384 and attnum > 0) things
"""
TABLES = "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname"
LEAVE = "select pg_terminate_backend(pid, 5000::bigint) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
REWIND = "select setval(format('%I.%I', schemaname, sequencename), start_value, false) from pg_sequences"


@dataclass
class Ponds:
    """The databases of one server. `template`: a migrated database that nobody is connected to."""

    server: str
    template: str
    _free: list[str] = field(default_factory=list)
    _shapes: dict[str, str] = field(default_factory=dict)
    _seeds: dict[str, bytes] = field(default_factory=dict)
    _numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    def borrow(self) -> str:
        """The URL of a database as the migrations leave it."""
        return self._free.pop() if self._free else self._make()

    def give_back(self, url: str) -> None:
        """Empty it for the next test, or drop it if its tables are no longer those that were borrowed."""
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(LEAVE)
            same = _value(conn, SHAPE) == self._shapes[url]
            if same:
                self._empty(conn)
        if same:
            self._free.append(url)
        else:
            self._drop(url)

    def _make(self) -> str:
        name = f"pond_{next(self._numbers)}"
        with psycopg.connect(self.server, autocommit=True) as admin:
            admin.execute(
                sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(self.template))
            )
        url = make_conninfo(self.server, dbname=name)
        with psycopg.connect(url, autocommit=True) as conn:
            self._shapes[url] = _value(conn, SHAPE)
            self._seeds = self._seeds or {table: _rows(conn, table) for table in _dirty(conn)}
        return url

    def _drop(self, url: str) -> None:
        name = conninfo_to_dict(url)["dbname"]
        with psycopg.connect(self.server, autocommit=True) as admin:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def _empty(self, conn: psycopg.Connection) -> None:
        with conn.transaction():
            for table in _dirty(conn):
                small = _value(conn, "select pg_relation_size(%s::regclass)", [table]) <= SMALL
                words = "delete from {}" if small else "truncate {}"
                conn.execute(sql.SQL(words).format(sql.Identifier(table)))
            for table, rows in self._seeds.items():
                with conn.cursor().copy(sql.SQL("copy {} from stdin").format(sql.Identifier(table))) as copy:
                    copy.write(rows)
            conn.execute(REWIND)


def _dirty(conn: psycopg.Connection) -> list[str]:
    """The tables that hold something."""
    tables = [name for (name,) in conn.execute(TABLES)]
    looks = [
        sql.SQL("select {} where exists (select from {})").format(sql.Literal(table), sql.Identifier(table))
        for table in tables
    ]
    return [name for (name,) in conn.execute(sql.SQL(" union all ").join(looks))]


def _rows(conn: psycopg.Connection, table: str) -> bytes:
    with conn.cursor().copy(sql.SQL("copy {} to stdout").format(sql.Identifier(table))) as copy:
        return b"".join(copy)


def _value(conn: psycopg.Connection, query: str, params: list | None = None) -> object:
    row = conn.execute(query, params).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


def held_up(conn: psycopg.Connection) -> bool:
    """Does another transaction, such as a vacuum of the server's own, keep readers of news from what is there? To be asked before they read."""
    asked = "select pg_snapshot_xmin(s) < pg_snapshot_xmax(s) from pg_current_snapshot() s"
    return bool(conn.execute(asked).fetchone()[0])  # type: ignore[index]
