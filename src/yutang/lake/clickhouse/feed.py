"""Makes a cluster hold what the lake's manifest names: each file once, and nothing else.

The rows themselves say which file they came from, so there is no second book that could disagree: a file that is there in
full is left alone, one that is missing is sent, and a part that has anything else in it (a file that is no longer live after
a merge, an erasure or a compaction; half a file after a crash) is put together anew beside it and takes its place.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from yutang.lake.clickhouse.client import Client
from yutang.lake.clickhouse.schema import FILE, LOADING, LOCAL, PART, named, statements
from yutang.lake.tables import TABLES, Table, listed
from yutang.model import YutangError

BLOCK = 500_000
"""Rows that are sent at once: about 100 MB of memory on a node. A file of more goes the way of a new part."""

LOAD = 5_000_000
"""Rows that are put together before they take their places: what a run that was cut off has to send again, and the room it takes."""

EMPTY_SOURCE = "allow_replace_partition_from_empty_source"
"""Newer servers ask for it where a shard has nobody left in a part; older ones do not know it."""

File = Mapping[str, Any]
"""One entry of the manifest: table, part, path, rows, bytes, version."""


Parts = dict[str, dict[str, File]]
"""part -> path -> file."""


class Change(NamedTuple):
    """What is to be done to a table: parts that go, files that come, parts that are put together anew."""

    drop: list[str]
    add: list[File]
    replace: Parts

    def busy(self) -> bool:
        return any(self)


class Fed(NamedTuple):
    """What one run did: files that were added, parts that were replaced, parts that were taken away, rows that were sent."""

    added: int
    replaced: int
    dropped: int
    rows: int


class Source(NamedTuple):
    """Where the files come from: DuckDB, and the SELECT of some files of a table in it."""

    conn: duckdb.DuckDBPyConnection
    select: Any


class Feed:
    """One cluster while it is fed."""

    def __init__(self, client: Client, source: Source) -> None:
        self.client, self.source, self.where = client, source, client.where
        self.nodes, self.count = reach(client)
        if client.knows(EMPTY_SOURCE):
            client.writing[EMPTY_SOURCE] = "1"

    def make(self) -> None:
        """The tables, where a node lacks some."""
        if self.made():
            return
        for statement in statements(self.where, self.nodes == (None,)):
            self.everywhere(statement)

    def made(self) -> bool:
        """Whether every node has every table."""
        names = [f"{table.name}{suffix}" for table in TABLES for suffix in ("", LOCAL, LOADING)]
        sql = (
            f"SELECT count() FROM clusterAllReplicas('{self.where.cluster}', system.tables) "
            "WHERE database = {database:String} AND name IN {names:Array(String)}"
        )
        found = self.client.ask(sql, {"database": self.where.database, "names": names}, inside=False)
        return found.rows[0][0] == len(names) * self.count

    def everywhere(self, sql: str) -> None:
        """Carry a change of tables out on every node; `{on}` is where ON CLUSTER stands if it takes that."""
        on = f"ON CLUSTER `{self.where.cluster}`" if self.nodes == (None,) else ""
        for node in self.nodes:
            self.client.tell(sql.replace("{on}", on), node)

    def run(self, files: list[File]) -> Fed:
        """Bring every table to these live files. Raises YutangError when it holds something else in the end."""
        done = Fed(0, 0, 0, 0)
        for table in TABLES:
            wanted: Parts = defaultdict(dict)
            for file in files:
                if file["table"] == table.name and file["rows"]:
                    wanted[file["part"]][file["path"]] = file
            for mend in (False, True):
                if not (change := planned(wanted, self.there(table), mend)).busy():
                    break
                done = Fed(*map(sum, zip(done, self.carry_out(table, change), strict=True)))
            else:
                self._check(table, wanted)
        return done

    def carry_out(self, table: Table, change: Change) -> Fed:
        """Bring one table to what was planned."""
        local = named(self.where, table.name + LOCAL)
        for part in change.drop:
            self.everywhere(f"ALTER TABLE {local} {{on}} DROP PARTITION '{part}'")
        for file in change.add:
            self.send(table, LOCAL, file, file["path"])
        for parts in _loads(change.replace):
            self.replace(table, parts)
        sent = [*change.add, *(file for part in change.replace.values() for file in part.values())]
        rows = sum(file["rows"] for file in sent)
        return Fed(len(change.add), len(change.replace), len(change.drop), rows)

    def replace(self, table: Table, parts: Parts) -> None:
        """Put the parts together beside the old ones; then they take their places, each on each shard at one instant."""
        loading, local = (named(self.where, table.name + suffix) for suffix in (LOADING, LOCAL))
        self.everywhere(f"TRUNCATE TABLE {loading} {{on}}")
        for files in parts.values():
            for file in files.values():
                self.send(table, LOADING, file)
        self._check(table, parts, LOADING)
        moves = ", ".join(f"REPLACE PARTITION '{part}' FROM {loading}" for part in parts)
        self.everywhere(f"ALTER TABLE {local} {{on}} {moves}")
        self.everywhere(f"TRUNCATE TABLE {loading} {{on}}")

    def send(self, table: Table, suffix: str, file: File, token: str = "") -> None:
        """The rows of a file, each to its shard."""
        target = f"INSERT INTO FUNCTION cluster('{self.where.cluster}', '{self.where.database}', '{table.name}{suffix}', bucket)"
        columns = listed([*table.names(), PART, FILE])
        for number, body in enumerate(self._bodies(table, file)):
            self.client.tell(f"{target} ({columns}) FORMAT Parquet", body=body, token=token and f"{token}:{number}")

    def _bodies(self, table: Table, file: File) -> Iterator[bytes]:
        """The file in pieces of at most about BLOCK rows, cut between buckets, each as Parquet with where it came from."""
        pieces = -(-file["rows"] // BLOCK)
        marks = ", ".join(f"'{file[key]}' as {name}" for key, name in (("part", PART), ("path", FILE)))
        for piece in range(pieces):
            with tempfile.TemporaryDirectory(prefix="yutang-feed-") as folder:
                path = Path(folder, "piece.parquet")
                self.source.conn.execute(
                    f"copy (select {listed(table.names())}, {marks} from ({self.source.select(table, [file])}) "
                    f"where bucket % {pieces} = {piece}) to '{path}' (format parquet, compression zstd)"
                )
                yield path.read_bytes()

    def there(self, table: Table, suffix: str = LOCAL) -> dict[str, dict[str, int]]:
        """part -> file -> rows, over all shards."""
        found = self.client.ask(
            f"SELECT {PART}, {FILE}, count() FROM cluster('{self.where.cluster}', '{self.where.database}', '{table.name}{suffix}') "
            "GROUP BY ALL",
            inside=False,
        )
        parts: dict[str, dict[str, int]] = defaultdict(dict)
        for name, file, count in found.rows:
            parts[name][file] = count
        return parts

    def _check(self, table: Table, wanted: Parts, suffix: str = LOCAL) -> None:
        if wrong := _differing(wanted, self.there(table, suffix)):
            raise YutangError(
                f"集群“{self.where.cluster}”里 {table.name}（{'、'.join(wrong)}）的内容与发去的不一致，可能还有别的程序在写；请等没有别人写入时再同步一次。 "
                f"the cluster '{self.where.cluster}' does not hold of {table.name} ({', '.join(wrong)}) what was sent; "
                "is somebody else feeding it? Feed it again when nobody does"
            )


def planned(wanted: Parts, there: Mapping[str, Mapping[str, int]], mend: bool) -> Change:
    """The least that makes a table hold what is wanted. mend: adding has not helped, so parts are replaced."""
    change = Change([], [], {})
    for part in _differing(wanted, there):
        files, held = wanted.get(part, {}), there.get(part, {})
        missing = [files[path] for path in sorted(files.keys() - held.keys())]
        grown = all(path in files and files[path]["rows"] == rows for path, rows in held.items())
        if not files:
            change.drop.append(part)
        elif grown and not mend and all(file["rows"] <= BLOCK for file in missing):
            change.add.extend(missing)
        else:
            change.replace[part] = files
    return change


def _differing(wanted: Parts, there: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The parts in which the files or the numbers of their rows differ."""
    counts = {part: {path: file["rows"] for path, file in files.items()} for part, files in wanted.items() if files}
    return sorted(part for part in counts.keys() | there.keys() if counts.get(part, {}) != there.get(part, {}))


def _loads(parts: Parts) -> Iterator[Parts]:
    """The parts in loads of about LOAD rows."""
    load: Parts = {}
    for part, files in parts.items():
        load[part] = files
        if sum(file["rows"] for files in load.values() for file in files.values()) >= LOAD:
            yield load
            load = {}
    if load:
        yield load


def reach(client: Client) -> tuple[tuple[str | None, ...], int]:
    """The nodes to which changes of tables must go one by one ((None,) when one call reaches them all), and how many there are.

    Raises YutangError when the cluster is not there, or has more nodes than the address and no way to reach them.
    """
    where = client.where
    sql = "SELECT count() FROM system.clusters WHERE cluster = {cluster:String}"
    found = client.ask(sql, {"cluster": where.cluster}, inside=False)
    count = found.rows[0][0]
    if not count:
        raise YutangError(
            f"{where.nodes[0]} 不认识集群“{where.cluster}”，请在那里查看 `SELECT * FROM system.clusters`。 "
            f"{where.nodes[0]} knows no cluster '{where.cluster}'; see `SELECT * FROM system.clusters` there"
        )
    if count == len(where.nodes):
        return where.nodes, count
    if len(where.nodes) == 1:
        return (None,), count
    raise YutangError(
        f"集群“{where.cluster}”有 {count} 个节点，地址里写了 {len(where.nodes)} 个；请只写一个（由它的 Keeper 把表的改动带给其他节点），或全部写上。 "
        f"the cluster '{where.cluster}' has {count} nodes and its address names {len(where.nodes)}; name one "
        "(its Keeper then carries changes of tables to the others) or all of them"
    )
