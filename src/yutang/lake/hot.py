"""Events that are old, archived and only counted leave PostgreSQL. What anybody may still ask of by itself stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from yutang import definitions
from yutang.clock import business_day
from yutang.identity.past import drop_facts
from yutang.ingest import past
from yutang.ingest.catalog import CATALOG
from yutang.lake.manifest import sql
from yutang.model import BUCKETS, Counts, Only

COUNTED = ("viewed",)
"""Types of the catalogue of which our own stages want nothing but the count. The others are read one by one, for as long as they matter: orders by
offers and experiments, words on consent and tags by profiles, answers by journeys."""
SET = 16
"""Buckets of one transaction."""


def drop_old(conn: psycopg.Connection, now: datetime) -> Counts:
    """Let go of what `[history] hot_days` says; nothing where it says nothing. Profiles, segments and tallies stay the same."""
    pond, state = definitions.pond(conn), sql.state(conn).fetchone()
    days = pond["history"]["hot_days"]
    if days is None or state.at is None:
        return Counts()
    zone = ZoneInfo(pond["time_zone"])
    before = datetime.combine(business_day(now, pond["time_zone"]) - timedelta(days=days), time(), zone)
    types = droppable(conn, before)
    if not types:
        return Counts()
    past.close_before(conn, before)
    done = Counts()
    for lo in range(0, BUCKETS, SET):
        with conn.transaction():
            events = drop_facts(conn, Only(lo, lo + SET - 1), types, before, state.xid)
            done["dropped"] += past.drop(conn, events)
    return done


def droppable(conn: psycopg.Connection, before: datetime) -> list[str]:
    """The types that are only counted: unknown to the catalogue or counted by it, and of which no rule, trigger or step in service
    asks by a field or in a sequence."""
    ours = {one.name for one in CATALOG} - set(COUNTED)
    asked = set().union(*(closely_asked(row.body) for row in sql.in_service(conn)))
    found = [row.type for row in sql.old_types(conn, before=before)]
    return [type for type in found if type not in ours | asked]


def closely_asked(body: Any) -> set[str]:
    """Every text of a definition that stands in or beside a question by field or order (`where`, `then`, `then_not`): types are among them."""
    return {text for node in _nodes(body) if node.keys() & {"where", "then", "then_not"} for text in _texts(node)}


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(part)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in (
        [*value.keys(), *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from _texts(part)
