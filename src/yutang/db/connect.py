"""Connections to the database."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import namedtuple_row
from psycopg.types.array import ListDumper

from yutang import config
from yutang.db.copy import Column
from yutang.model import TryAgain, YutangError

OLDEST = 150000
TIMEOUT = 10
"""Seconds to wait for a server to answer, unless the URL says otherwise."""
PREPARED = 1_000
"""Statements that stay prepared; a pass of the loop has more than 200, and planning the largest takes 10 ms."""


class Numbers(ListDumper):
    """Lists of whole numbers, persons above all, written at once: the driver looks at each element three times, which is a sixth of
    what this side of a replay costs."""

    def dump(self, obj: list[Any]) -> Any:
        return f"{{{','.join(map(str, obj))}}}".encode() if all(type(one) is int for one in obj) else super().dump(obj)


def connect(url: str) -> psycopg.Connection:
    """An autocommit connection whose rows are named tuples; stages open their own transactions on it.

    Raises TryAgain when the server cannot be reached, YutangError when the URL is none or the server is older than PostgreSQL 15.
    """
    try:
        conn = psycopg.connect(_in_time(url), autocommit=True, row_factory=namedtuple_row, application_name="yutang")
    except psycopg.OperationalError as error:
        zh, en = _advice()
        raise TryAgain(f"连不上数据库，{zh}。 cannot reach the database: {str(error).strip()}; {en}") from error
    except psycopg.ProgrammingError as error:
        raise YutangError(
            "YUTANG_DATABASE_URL 写法不对，请写成 postgresql://用户:密码@主机/库名。 "
            "this is no address of a database; write postgresql://user:password@host/name"
        ) from error
    if conn.info.server_version < OLDEST:
        conn.close()
        raise YutangError(
            "数据库版本低于 PostgreSQL 15，请让 YUTANG_DATABASE_URL 指向更新的版本。 "
            "the database server is older than PostgreSQL 15; point YUTANG_DATABASE_URL at a newer one"
        )
    conn.prepared_max = PREPARED
    conn.adapters.register_dumper(list, Numbers)
    conn.adapters.register_dumper("numpy.ndarray", Column)
    conn.execute("set timezone to 'UTC'")
    # Journeys and caps read a handful of rows per person: compiling statements costs more than it saves.
    conn.execute("set jit to off")
    # Sets are hashed or probed: of a temporary table the planner knows nothing, and would sort both sides first.
    conn.execute("set enable_mergejoin to off")
    return conn


def _in_time(url: str) -> str:
    """A server that does not answer is given up, as one that refuses."""
    return make_conninfo(url, **{"connect_timeout": TIMEOUT, **conninfo_to_dict(url)})


def _advice() -> tuple[str, str]:
    """The embedded server comes back by itself."""
    if config.DATABASE_URL.value:
        return f"请检查 {config.DATABASE_URL.name}", f"check {config.DATABASE_URL.name}"
    return "它可能正在重启，请稍后再试", "it may be starting again; try again in a moment"
