"""One table of the lake takes in new rows: what is the same already is dropped, what has changed goes out of the files it is in.

All of it runs in DuckDB on temporary tables: ``new_T`` are rows that are to be there, ``gone_T`` keys that are to go, ``old_T`` what the
lake has under such keys.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from yutang.lake.engine import scan
from yutang.lake.manifest import File
from yutang.lake.place import Place
from yutang.lake.tables import EVENTS, VERSION, Table, listed

MOST_FILES = 8
"""A partition with more files than that is made one again."""
LARGE = 128 << 20
"""Bytes from which a file is left as it is when its partition is compacted."""
ROW_GROUP = 100_000


@dataclass
class Shelf:
    """What one run works on: a DuckDB, the place, the live files, and what it has written and left out so far."""

    duck: duckdb.DuckDBPyConnection
    place: Place
    folder: Path
    generation: int
    live: list[File]
    new: list[File] = field(default_factory=list)
    old: list[File] = field(default_factory=list)

    def files(self, table: Table) -> list[File]:
        """The files of `table` as they were before this run."""
        return [file for file in self.live if file.table == table.name]

    def source(self, table: Table, files: Iterable[File] | None = None) -> str:
        """A SELECT of the table's columns, and `path`, from these files."""
        chosen = self.files(table) if files is None else files
        return scan(self.place, table, [file.said() for file in chosen], named=True)


def prepare(shelf: Shelf, table: Table) -> None:
    """Empty ``new_T`` and ``gone_T``."""
    keys = ", ".join(f'"{c.name}" {c.type}' for c in table.columns if c.name in table.key)
    shelf.duck.execute(f"create or replace temp table new_{table.name} ({table.typed})")
    shelf.duck.execute(f"create or replace temp table gone_{table.name} ({keys})")


def compare(shelf: Shelf, table: Table, newest: int | None = None) -> None:
    """Fill ``old_T`` with what is to go, and leave in ``new_T`` only what the lake does not have.

    newest: the highest event_id of the lake, above which nothing need be looked for.
    """
    duck, name, keys = shelf.duck, table.name, listed(table.key)
    fresh = f" where event_id <= {newest}" if newest is not None else ""
    duck.execute(
        f"create or replace temp table probe as select {keys} from new_{name}{fresh} union select {keys} from gone_{name}"
    )
    found = [f"select s.* from ({shelf.source(table)}) s semi join {probe} using ({columns})"
             for probe, columns in (("probe", keys), ("gone_person", "person_id")) if _any(duck, probe)]  # fmt: skip
    duck.execute(f"create or replace temp table old_{name} as {' union '.join(found) or shelf.source(table, [])}")
    columns = listed(table.names())
    duck.execute(
        f"create or replace temp table same as select {columns} from old_{name} intersect select {columns} from new_{name}"
    )
    for side in ("old", "new"):
        duck.execute(f"delete from {side}_{name} as t using same where {_equal(table, 't', 'same')}")


def write(shelf: Shelf, table: Table) -> int:
    """Write the partitions that ``new_T`` and ``old_T`` concern, and those that have too many files. Returns the new rows."""
    duck, name = shelf.duck, table.name
    stale = {row[0] for row in duck.execute(f"select distinct path from old_{name}").fetchall()}
    fresh = dict(duck.execute(f"select {table.part} as part, count(*) from new_{name} group by part").fetchall())
    files: dict[str, list[File]] = {}
    for file in shelf.files(table):
        files.setdefault(file.part, []).append(file)
    for part in sorted(fresh.keys() | files.keys()):
        inputs = _inputs(files.get(part, []), stale, part in fresh)
        if inputs or part in fresh:
            _write_part(shelf, table, part, inputs)
    return sum(fresh.values())


def _inputs(files: list[File], stale: set[str], fresh: bool) -> list[File]:
    """The files of a partition that are written again: those with rows to go, and all small ones when there are too many."""
    crowded = len(files) + fresh > MOST_FILES
    small = [file for file in files if file.bytes < LARGE] if crowded else []
    return [file for file in files if file.path in stale or (file in small and len(small) > 1)]


def _write_part(shelf: Shelf, table: Table, part: str, inputs: list[File]) -> None:
    columns = listed(table.names())
    kept = f"select {columns} from ({shelf.source(table, inputs)}) k anti join old_{table.name} using ({listed(table.key)})"
    rows = f"{kept} union all select {columns} from new_{table.name} where {table.part} = '{part}'"
    path = f"{table.name}/{part}/{shelf.generation:08d}-{secrets.token_hex(4)}.parquet"
    local = shelf.folder / path.rsplit("/", 1)[1]
    count = _save(shelf.duck, table, rows, local)
    shelf.old += inputs
    if count:
        newest = shelf.duck.execute(f"select max(event_id) from '{local}'").fetchone() if table is EVENTS else None
        shelf.new.append(
            File(table.name, part, path, VERSION, count, local.stat().st_size, newest[0] if newest else None)
        )
        shelf.place.put(path, local)


def _save(duck: duckdb.DuckDBPyConnection, table: Table, rows: str, local: Path) -> int:
    """Write a Parquet file in the order of the table. Returns its rows."""
    saved = duck.execute(
        f"copy (select * from ({rows}) order by {listed(table.order)}) to '{local}' (format parquet, compression zstd, "
        f"row_group_size {ROW_GROUP}, kv_metadata {{yutang_table: '{table.name}', yutang_version: '{VERSION}'}})"
    ).fetchone()
    return saved[0] if saved else 0


def _any(duck: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(duck.execute(f"select 1 from {table} limit 1").fetchall())


def _equal(table: Table, a: str, b: str) -> str:
    return " and ".join(f'{a}."{key}" = {b}."{key}"' for key in table.key)
