"""Publishing a brand: immutable versions, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from yutang import definitions
from yutang.brand import load_brand, publish, shipped
from yutang.ingest import add_source, sources

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def versions(conn: psycopg.Connection) -> dict[tuple[str, str], tuple[int, bool]]:
    """By kind and name: the newest version, and whether it is in service."""
    rows = conn.execute(
        "select distinct on (kind, name) kind, name, version, retired_at is null from definition order by 1, 2, 3 desc"
    )
    return {(kind, name): (version, live) for kind, name, version, live in rows}


def test_everything_is_in_service_and_again_changes_nothing(conn: psycopg.Connection) -> None:
    brand = load_brand(shipped()["luckin"])
    counts = publish(conn, NOW, brand)
    assert counts == {
        "pond": 1, "segment": len(brand.segments), "offer": len(brand.offers), "message": len(brand.messages), "journey": len(brand.journeys), "store": 0,
    }  # fmt: skip
    assert definitions.pond(conn)["title"]["zh"] == "蓝鹿咖啡"
    assert {"app", "store"} <= {row.name for row in sources(conn)}
    first = versions(conn)
    publish(conn, NOW + timedelta(days=1), brand)
    assert versions(conn) == first
    assert set(first.values()) == {(1, True)}


def test_a_change_is_a_new_version_and_what_is_gone_is_retired(conn: psycopg.Connection) -> None:
    brand = load_brand(shipped()["luckin"])
    publish(conn, NOW, brand)
    old = definitions.current(conn, "journey", "welcome")
    welcome = brand.journeys["welcome"] | {"value_fen": 1}
    rest = {name: body for name, body in brand.journeys.items() if name != "dormant"}
    publish(conn, NOW + timedelta(days=1), replace(brand, journeys=rest | {"welcome": welcome}))
    now = versions(conn)
    assert now["journey", "welcome"] == (2, True)
    assert now["journey", "dormant"] == (1, False)
    assert now["journey", "repurchase"] == (1, True)
    assert old is not None
    assert definitions.at_version(conn, old.definition_id, 1).body["value_fen"] == 500
    publish(conn, NOW + timedelta(days=2), brand)
    assert versions(conn)["journey", "dormant"] == (2, True)


def test_a_source_that_the_brand_names_no_more_is_closed_and_one_of_ones_own_is_not(conn: psycopg.Connection) -> None:
    brand = load_brand(shipped()["luckin"])
    add_source(conn, NOW, "by_hand", "手工")
    publish(
        conn, NOW, replace(brand, pond=brand.pond | {"sources": ["old", "shop"]}, sources={"old": "旧", "shop": "店"})
    )
    publish(conn, NOW, replace(brand, pond=brand.pond | {"sources": ["shop"]}, sources={"shop": "店"}))
    state = {row.name: row.closed_at is None for row in sources(conn)}
    assert (state["old"], state["shop"], state["by_hand"]) == (False, True, True)
    publish(
        conn, NOW, replace(brand, pond=brand.pond | {"sources": ["old", "shop"]}, sources={"old": "旧", "shop": "店"})
    )
    assert {row.name for row in sources(conn) if row.closed_at} == set()


def test_a_brand_that_breaks_half_way_leaves_nothing(conn: psycopg.Connection) -> None:
    brand = load_brand(shipped()["luckin"])
    broken = replace(brand, journeys=brand.journeys | {"zz": {"no": object()}})
    with pytest.raises(TypeError):
        publish(conn, NOW, broken)
    assert versions(conn) == {}
    assert "app" not in {row.name for row in sources(conn)}
