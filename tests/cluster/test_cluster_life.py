"""From PostgreSQL to the cluster: a pond that lives, archived as the worker archives it, with the cluster as the lake."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from clusters import Cluster, everything
from histories import Town
from yutang import lake


def test_the_cluster_follows_orders_merges_splits_and_erasures(
    conn: psycopg.Connection, home: Path, two: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YUTANG_LAKE_URL", two.url)
    town = Town(conn, 1)

    def same() -> dict[str, list[Any]]:
        town.now += timedelta(days=1)
        town.settle()
        lake.keep(conn, town.now)
        with lake.opened() as cluster, lake.opened(home / "lake") as files:
            assert (cluster.dialect, files.dialect) == ("clickhouse", "duckdb")
            found = everything(cluster)
            assert found == everything(files)
        return found

    town.events(40)
    first = same()
    assert first["events"]
    for act in (town.undo, town.split, lambda: None):
        town.events(15)
        town.settle()
        act()
        same()
    victim = first["events"][0][1]
    lake.erase(conn, town.now, [victim])
    left = same()
    assert all(row[1] != victim for rows in left.values() for row in rows)
