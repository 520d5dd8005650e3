"""What became of touches, told as events; with the names of journey and message, so that a rule or a wait can ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.ingest.record import follow_up

sql = Queries(__package__)

News = tuple[str, str, int, datetime, dict[str, Any]]
"""Key, event type, person, instant, and props that name the ``touch_id``."""


def tell(conn: psycopg.Connection, now: datetime, news: Sequence[News]) -> None:
    """Record what happened to touches, inside the caller's transaction; the same key again changes nothing."""
    persons, touches = [person for _, _, person, _, _ in news], [props["touch_id"] for *_, props in news]
    said = {row.touch_id: _names(conn, row) for row in sql.said(conn, persons=persons, touches=touches)}
    follow_up(conn, now, [(*head, props | said.get(props["touch_id"], {})) for *head, props in news])


def _names(conn: psycopg.Connection, row: Any) -> dict[str, str]:
    """A version that is not there has no name to tell."""
    keys = {"journey": (row.journey_id, row.version), "message": (row.message_id, row.message_version)}
    found = {kind: definitions.find(conn, *key) for kind, key in keys.items()}
    return {kind: d.name for kind, d in found.items() if d is not None}
