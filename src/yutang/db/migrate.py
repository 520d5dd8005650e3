"""Forward-only migrations: ``schema/NNNN_name.sql`` in order, each once, in a transaction of its own."""

from __future__ import annotations

from importlib import resources

import psycopg

from yutang.model import YutangError

LEDGER = """create table if not exists schema_version (
    version int primary key, name text not null, applied_at timestamptz not null default now())"""


def steps() -> list[tuple[int, str, str]]:
    """Every migration in the package: (number, file name, SQL), in order."""
    files = sorted(f.name for f in (resources.files(__package__) / "schema").iterdir() if f.name.endswith(".sql"))
    return [(int(n[:4]), n, (resources.files(__package__) / "schema" / n).read_text("utf-8")) for n in files]


def migrate(conn: psycopg.Connection) -> list[str]:
    """Apply what is missing; returns the names applied. Two processes may call it at once: one waits for the other.

    Raises YutangError when the database was made by a newer program.
    """
    applied = []
    while (step := _next(conn)) is not None:
        applied.append(step)
    return applied


def _next(conn: psycopg.Connection) -> str | None:
    """Apply the first missing migration. The ledger is created and locked first, so the loser of a race sees the winner's row."""
    with conn.transaction():
        _create_ledger(conn)
        conn.execute("lock table schema_version in exclusive mode")
        done = {version for (version,) in conn.execute("select version from schema_version")}
        known = steps()
        if unknown := done - {version for version, _, _ in known}:
            raise YutangError(
                f"数据库比程序新（表结构第 {max(unknown)} 步，程序只认到第 {known[-1][0]} 步），请升级程序。 "
                f"the database is newer than this program (schema step {max(unknown)}, known up to {known[-1][0]}); "
                "upgrade the program"
            )
        missing = [step for step in known if step[0] not in done]
        if not missing:
            return None
        version, name, sql = missing[0]
        conn.execute(sql)  # type: ignore[arg-type]
        conn.execute("insert into schema_version (version, name) values (%s, %s)", (version, name))
        return name


def _create_ledger(conn: psycopg.Connection) -> None:
    """``if not exists`` still races on the catalogue's unique index: the loser's error means that the table is there."""
    try:
        with conn.transaction():
            conn.execute(LEDGER)
    except psycopg.errors.UniqueViolation:
        pass
