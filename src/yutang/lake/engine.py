"""The lake as it is asked: DuckDB over the Parquet files that the manifest names."""

from __future__ import annotations

from collections import defaultdict, namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import sqlglot

from yutang import config
from yutang.lake.place import Place, placed
from yutang.lake.tables import TABLES, Table
from yutang.model import YutangError

THREADS = 2


READING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


class Answer(NamedTuple):
    """The names of the columns, and the rows."""

    names: list[str]
    rows: list[list[Any]]


class Lake:
    """The tables of a lake: `rows` asks them. All of a person's rows lie in one bucket."""

    dialect = "duckdb"

    def __init__(self, conn: duckdb.DuckDBPyConnection) -> None:
        self.conn = conn

    def rows(self, question: sqlglot.Expression | str, **params: Any) -> list[Any]:
        """The answer as named tuples; times are in UTC. Parameters stand as ``$name`` in DuckDB's SQL, as placeholders in a tree.

        Raises YutangError when DuckDB refuses the question.
        """
        names, rows = self._asked(question if isinstance(question, str) else question.sql(dialect=self.dialect), params)
        row = _row(tuple(names))
        return [row(*values) for values in rows]

    def ask(self, sql: str) -> Answer:
        """The answer to one question that a person typed, under the names as he gave them. Raises YutangError when it is not one
        question, would change anything, or cannot be answered."""
        try:
            kinds = [statement.type for statement in self.conn.extract_statements(sql)]
        except duckdb.Error as error:
            raise YutangError(
                f"这不是 DuckDB 能读懂的 SQL，请改正。 this is not SQL that DuckDB understands: {error}"
            ) from error
        if len(kinds) != 1 or kinds[0] not in READING:
            raise YutangError(
                "数据湖只回答查询：请写一条 SELECT（或 DESCRIBE、EXPLAIN），不能写入。 "
                "the lake only answers: write one SELECT (or DESCRIBE, EXPLAIN), nothing that writes"
            )
        return Answer(*self._asked(sql, {}))

    def _asked(self, sql: str, params: dict[str, Any]) -> tuple[list[str], list[list[Any]]]:
        try:
            found = self.conn.execute(_plain_times(self.conn, sql, params), params or None)
            head, rows = found.description or [], found.fetchall()
        except duckdb.Error as error:
            raise YutangError(f"数据湖答不了这条查询，请按后面的提示改正。 the lake cannot answer: {error}") from error
        return [column[0] for column in head], [[_aware(value) for value in row] for row in rows]

    def close(self) -> None:
        self.conn.close()


@contextmanager
def opened(url: str | Path | None = None) -> Iterator[Lake]:
    """The lake at `url` (a folder, ``s3://bucket/prefix`` or ``clickhouse://…``; else YUTANG_LAKE_URL). Of files, as its manifest was
    when it was opened; one that has no manifest yet is empty. Raises YutangError when it cannot be reached.
    """
    if (named := str(url or config.LAKE_URL.value)).startswith("clickhouse"):
        from yutang.lake import clickhouse

        with clickhouse.opened(named) as cluster:
            yield cluster  # type: ignore[misc]
        return
    lake = Lake(connection(place := placed(url)))
    try:
        show(lake.conn, place, place.manifest())
        yield lake
    finally:
        lake.close()


def connection(place: Place, memory: str | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB of our own, on UTC, that can read the files of `place` and fetches nothing from the network by itself."""
    conn = duckdb.connect(config={"threads": THREADS, "autoinstall_known_extensions": False})
    conn.execute("set timezone = 'UTC'")
    conn.execute("set enable_progress_bar = false")
    if memory:
        conn.execute(f"set memory_limit = '{memory}'")
    place.attach(conn)
    return conn


def show(conn: duckdb.DuckDBPyConnection, place: Place, manifest: dict[str, Any]) -> None:
    """Make the views of the files that `manifest` names."""
    for table in TABLES:
        files = [file for file in manifest["files"] if file["table"] == table.name]
        conn.execute(f"create or replace view {table.name} as {scan(place, table, files)}")


def scan(place: Place, table: Table, files: list[dict[str, Any]], *, named: bool = False) -> str:
    """A SELECT of all columns of `table` from these files, whatever version each was written in. named: and of each row's `path`."""
    by_version = defaultdict(list)
    for file in files:
        by_version[file["version"]].append(file["path"])
    parts = [_scan_version(place, table, version, paths, named) for version, paths in sorted(by_version.items())]
    return " union all ".join(parts) or _nothing(table, named)


def _scan_version(place: Place, table: Table, version: int, paths: list[str], named: bool) -> str:
    known = set(table.names(version))
    columns = [f'"{c.name}"' if c.name in known else f'null::{c.type} as "{c.name}"' for c in table.columns]
    if named:
        columns.append("array_to_string(string_split(filename, '/')[-3:], '/') as path")
    listed = ", ".join("'" + place.address(path).replace("'", "''") + "'" for path in paths)
    return f"select {', '.join(columns)} from read_parquet([{listed}], hive_partitioning = false, filename = {named})"


def _nothing(table: Table, named: bool) -> str:
    columns = [f'null::{c.type} as "{c.name}"' for c in table.columns] + ["null::varchar as path"] * named
    return f"select {', '.join(columns)} where false"


def _plain_times(conn: duckdb.DuckDBPyConnection, sql: str, params: dict[str, Any]) -> str:
    """Times with a zone as plain ones in UTC: DuckDB would ask for another library to hand them out."""
    statement = sql.strip().rstrip(";")
    if not statement.lower().startswith(("select", "with", "from", "(")):
        return statement
    shape = conn.execute(f"describe {statement}", params or None).fetchall()
    if not any(kind == "TIMESTAMP WITH TIME ZONE" for _, kind, *_ in shape):
        return statement
    columns = ", ".join(
        f"timezone('UTC', {_quoted(name)}) as {_quoted(name)}" if kind == "TIMESTAMP WITH TIME ZONE" else _quoted(name)
        for name, kind, *_ in shape
    )
    return f"select {columns} from ({statement})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


@cache
def _row(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)
