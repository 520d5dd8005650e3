"""Rows out of PostgreSQL into DuckDB: COPY writes a text file, DuckDB reads it. Of a row Python sees one block of bytes, unread."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from yutang.db.queries import Query

LONGEST_LINE = 16 << 20


def pour(
    conn: psycopg.Connection, query: Query, duck: duckdb.DuckDBPyConnection, into: str, folder: Path, **params: Any
) -> int:
    """Append what `query` gives to the DuckDB table `into`, whose columns have the same names and order. Returns the bytes moved."""
    columns = {name: kind for name, kind, *_ in duck.execute(f"describe {into}").fetchall()}
    path = folder / f"{into}.csv"
    text = psycopg.ClientCursor(conn).mogrify(f"copy ({query.text()}) to stdout (format csv)", params)  # type: ignore[arg-type]
    try:
        with path.open("wb") as file:
            _copy_out(conn, text, file)
        size = path.stat().st_size
        if size:
            duck.execute(f"insert into {into} {_reading(path, columns)}")
        return size
    finally:
        path.unlink(missing_ok=True)


def _copy_out(conn: psycopg.Connection, text: str, file: BinaryIO) -> None:
    """What ``cursor.copy`` does, without its six calls per row, which cost a third as much as everything else of a run."""
    wire, write = conn.pgconn, file.write
    _expect(wire.exec_(text.encode()), ExecStatus.COPY_OUT)
    try:
        while (got := wire.get_copy_data(0))[0] > 0:
            write(got[1])
    except BaseException:  # leave the connection in order, whatever broke in
        conn.cancel()
        with contextlib.suppress(psycopg.Error):
            while wire.get_copy_data(0)[0] > 0:
                pass
        raise
    finally:
        ended = list(iter(wire.get_result, None))
    for result in ended:
        _expect(result, ExecStatus.COMMAND_OK)


def _expect(result: PGresult, status: ExecStatus) -> None:
    if result.status != status:
        raise psycopg.errors.error_from_result(result)


def _reading(path: Path, columns: dict[str, str]) -> str:
    shapes = ", ".join(f"'{name}': '{_wire(kind)}'" for name, kind in columns.items())
    picked = ", ".join(
        f"timezone('UTC', \"{name}\")" if _wire(kind) != kind else f'"{name}"' for name, kind in columns.items()
    )
    return (
        f"select {picked} from read_csv('{path}', auto_detect = false, header = false, delim = ',', quote = '\"', escape = '\"', "
        f"nullstr = '', allow_quoted_nulls = false, max_line_size = {LONGEST_LINE}, columns = {{{shapes}}})"
    )


def _wire(kind: str) -> str:
    return "TIMESTAMP" if kind == "TIMESTAMP WITH TIME ZONE" else kind
