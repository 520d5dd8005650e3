"""Connections to the database."""

from __future__ import annotations

import psycopg
from psycopg.rows import namedtuple_row

from yutang.model import YutangError

OLDEST = 150000


def connect(url: str) -> psycopg.Connection:
    """An autocommit connection whose rows are named tuples; stages open their own transactions on it.

    Raises YutangError when the server cannot be reached or is older than PostgreSQL 15.
    """
    try:
        conn = psycopg.connect(url, autocommit=True, row_factory=namedtuple_row, application_name="yutang")
    except psycopg.OperationalError as error:
        raise YutangError(f"cannot reach the database: {str(error).strip()}; check YUTANG_DATABASE_URL") from error
    if conn.info.server_version < OLDEST:
        conn.close()
        raise YutangError("the database server is older than PostgreSQL 15; point YUTANG_DATABASE_URL at a newer one")
    conn.execute("set timezone to 'UTC'")
    # Journeys and caps read a handful of rows per person: compiling statements costs more than it saves.
    conn.execute("set jit to off")
    return conn
