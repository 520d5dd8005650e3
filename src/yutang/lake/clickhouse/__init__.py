"""The lake's tables on an existing ClickHouse cluster, for when one machine is too small. ``docs/clickhouse.md`` tells how."""

from yutang.lake.clickhouse.lake import ClusterLake, mirrored, opened

__all__ = ["ClusterLake", "mirrored", "opened"]
