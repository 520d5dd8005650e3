"""The lake's tables on a cluster: one of its own on every node, and over them one that knows all.

For a table such as `events` there are
- `events_local`: the rows of this shard, parted as the lake's files are, in the order of its people;
- `events_loading`: of the same shape, where a part is put together before it takes the place of the old one;
- `events`: what questions name; it spreads over the shards, a person's bucket choosing the shard.
"""

from __future__ import annotations

from yutang.lake.clickhouse.address import Address
from yutang.lake.tables import TABLES, Column, Table

LOCAL, LOADING = "_local", "_loading"
PART, FILE = "lake_part", "lake_file"
"""Where a row came from: the part of the lake, and the file in it. Questions do not see these two."""

TOKENS = 1000
"""How many files a shard remembers by their token, so that one sent again straight away is there once."""

TYPES = {
    "SMALLINT": "Int16",
    "BIGINT": "Int64",
    "VARCHAR": "String",
    "TIMESTAMPTZ": "DateTime64(6, 'UTC')",
    "DATE": "Date",
}
ALWAYS = {"type", "at", "day", "verdict", "segment"}
"""Columns beside the keys in which every row has a value."""
FEW = {
    "type",
    "journey",
    "step",
    "message",
    "offer",
    "channel",
    "verdict",
    "reason",
    "state",
    "arm",
    "segment",
    "store",
}
FEW |= {"owner", "first_source", "first_code", "life_stage", "coupon"}
"""Texts of which there are few; kept as numbers into a dictionary."""


def statements(where: Address, on_cluster: bool) -> list[str]:
    """What makes the tables on a node, or on all of them when the cluster carries changes around by itself."""
    on = f" ON CLUSTER `{where.cluster}`" if on_cluster else ""
    made = [f"CREATE DATABASE IF NOT EXISTS `{where.database}`{on}"]
    for table in TABLES:
        made += [_own(where, table, LOCAL, TOKENS, on), _own(where, table, LOADING, 0, on)]
        made.append(_over_all(where, table, on))
    return made


def _own(where: Address, table: Table, suffix: str, tokens: int, on: str) -> str:
    columns = [f"`{column.name}` {kind(table, column)}" for column in table.columns]
    columns += [f"`{name}` LowCardinality(String)" for name in (PART, FILE)]
    return (
        f"CREATE TABLE IF NOT EXISTS {named(where, table.name + suffix)}{on} ({', '.join(columns)})\n"
        f"ENGINE = MergeTree ORDER BY ({', '.join(table.order)}) PARTITION BY {PART}\n"
        f"SETTINGS non_replicated_deduplication_window = {tokens}"
    )


def _over_all(where: Address, table: Table, on: str) -> str:
    columns = ", ".join(f"`{column.name}` {kind(table, column)}" for column in table.columns)
    target = f"`{where.cluster}`, `{where.database}`, `{table.name}{LOCAL}`"
    return (
        f"CREATE TABLE IF NOT EXISTS {named(where, table.name)}{on} ({columns}) ENGINE = Distributed({target}, bucket)"
    )


def kind(table: Table, column: Column) -> str:
    """The ClickHouse type of a column."""
    plain = TYPES[column.type]
    if column.name not in {*table.key, *table.order, *ALWAYS}:
        plain = f"Nullable({plain})"
    return f"LowCardinality({plain})" if column.name in FEW else plain


def named(where: Address, table: str) -> str:
    """A table with its database, quoted."""
    return f"`{where.database}`.`{table}`"
