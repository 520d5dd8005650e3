"""A cluster's lake as it is asked, and as it is fed."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import sqlglot
from sqlglot import exp

from yutang.lake.clickhouse.address import address
from yutang.lake.clickhouse.client import Answer, Client, Refused
from yutang.lake.clickhouse.dialect import translated
from yutang.lake.clickhouse.feed import Fed, Feed, File, Source
from yutang.lake.clickhouse.push import pushed, remote
from yutang.lake.place import Place
from yutang.model import YutangError, halves

DENIED = 288


class ClusterLake:
    """The tables of a lake on a cluster: `rows` asks them. All of a person's rows lie on one shard."""

    dialect = "clickhouse"

    def __init__(self, client: Client) -> None:
        self.client = client

    def rows(self, question: sqlglot.Expression | str, **params: Any) -> list[Any]:
        """The answer as named tuples; times are in UTC. Parameters stand as ``{name:Type}`` in ClickHouse's SQL, as placeholders in a tree.

        A tree means what it means on DuckDB, and its maps per person run where the people's rows lie; a text is asked as it
        stands. Raises YutangError when the cluster refuses, a shard is down, or the tree cannot mean the same here.
        """
        answer = self._asked(question if isinstance(question, str) else self.sql(question, params), params)
        row = _row(answer.names)
        return list(map(row._make, answer.rows))

    def ask(self, sql: str) -> Answer:
        """The answer to one question that a person typed in ClickHouse's SQL. Raises YutangError when it would change anything, or
        cannot be answered."""
        return self._asked(sql, {})

    def _asked(self, sql: str, params: dict[str, Any]) -> Answer:
        try:
            return self.client.ask(sql.strip().rstrip(";"), params)
        except Refused as error:
            if error.code != DENIED:
                raise
            raise YutangError(
                "这个问题把不同顾客的行跨分片连接了；请按 person_id 连接，或先各自汇总再连接。 "
                "the question joins rows of different people across the shards; join on person_id, "
                f"or join two aggregates ({halves(str(error))[1]})"
            ) from error

    def sql(self, question: sqlglot.Expression, params: dict[str, Any]) -> str:
        """The text that is asked for a tree."""
        return translated(pushed(question, self.client.where), params).sql(dialect=self.dialect)

    def seam(self, map: exp.Expression) -> exp.Expression:
        """The table that stands for a map per person: the map, run on every shard over its own people.

        Raises YutangError when it is none, for then the shards' answers together would not be the whole's.
        """
        return remote(map, self.client.where, "map")

    def close(self) -> None:
        self.client.close()


@contextmanager
def opened(url: str) -> Iterator[ClusterLake]:
    """The lake on the cluster that `url` names. Raises YutangError when the URL does not read as one."""
    client = Client(address(url))
    try:
        yield ClusterLake(client)
    finally:
        client.close()


def mirrored(url: str, place: Place, files: list[File] | None = None) -> Fed:
    """Bring the cluster to the live files of `place` (else those of its manifest); the tables are made where they lack.

    Repeating it changes nothing. Raises YutangError when a node cannot be reached; what was begun is mended by the next run.
    """
    from yutang.lake.engine import connection, scan

    client, conn = Client(address(url)), connection(place)
    try:
        feed = Feed(client, Source(conn, lambda table, some: scan(place, table, some)))
        feed.make()
        return feed.run(place.manifest()["files"] if files is None else files)
    finally:
        conn.close()
        client.close()


@cache
def _row(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)
