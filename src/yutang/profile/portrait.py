"""Everything known of one person, for pages and for the chain of reasons."""

from __future__ import annotations

from typing import Any

import psycopg

from yutang.db.queries import Queries, Query
from yutang.model import bucket_of

sql = Queries(__package__)


def card(conn: psycopg.Connection, person_id: int) -> dict[str, Any]:
    """What is known of a person; empty parts when nothing is.

    ``{"person_id", "profile": {recency, frequency, monetary, life_stage, refreshed_at, recompute_at} or None,
    "traits": {name: {value, at}}, "tags": {tag: {at, expires_at}}, "consent": {channel: {given, at}},
    "activity": {type: {n, amount, first_at, last_at}}}``; money in fen, times aware.
    """
    profile = _rows(conn, sql.person, person_id)
    return {
        "person_id": person_id,
        "profile": profile[0] if profile else None,
        "traits": _by_first(_rows(conn, sql.traits_of, person_id)),
        "tags": _by_first(_rows(conn, sql.tags_of, person_id)),
        "consent": _by_first(_rows(conn, sql.consents_of, person_id)),
        "activity": _by_first(_rows(conn, sql.tallies_of, person_id)),
    }


def _rows(conn: psycopg.Connection, query: Query, person_id: int) -> list[dict[str, Any]]:
    return [row._asdict() for row in query(conn, bucket=bucket_of(person_id), person_id=person_id)]


def _by_first(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows as a mapping from their first column to the others."""
    return {key: rest for (_, key), *others in (row.items() for row in rows) for rest in (dict(others),)}
