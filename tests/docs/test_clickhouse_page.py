"""What docs/clickhouse.md tells an operator to type is what the tests of a cluster do."""

from __future__ import annotations

import re
from pathlib import Path

from clusters import RIGHTS
from yutang.lake.clickhouse.address import address
from yutang.lake.clickhouse.schema import statements
from yutang.lake.tables import TABLES

TEXT = (Path(__file__).parents[2] / "docs/clickhouse.md").read_text("utf-8")


def test_the_rights_are_those_that_the_tests_get_by_with() -> None:
    assert set(re.findall(r"GRANT (.*) TO yutang;", TEXT)) == set(RIGHTS)


def test_the_address_reads_as_one() -> None:
    there = address(re.search(r"YUTANG_LAKE_URL='(.*)'", TEXT)[1])
    assert (len(there.nodes), there.database, there.cluster) == (2, "yutang", "pond")


def test_every_table_is_named() -> None:
    assert all(f"`{table.name}`" in TEXT for table in TABLES)
    made = " ".join(statements(address("clickhouse://u@h/yutang?cluster=pond"), on_cluster=False))
    for name in ("events_local", "events_loading", "lake_part", "lake_file"):
        assert f"`{name}`" in made
        assert f"`{name}`" in TEXT
