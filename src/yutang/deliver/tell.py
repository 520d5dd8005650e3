"""What became of touches, told as events; with the names of journey and message, so that a rule or a wait can ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.ingest.record import follow_up

sql = Queries(__package__)

News = tuple[str, str, int, datetime, dict[str, Any]]
"""Key, event type, person, instant, and props that name the ``touch_id``."""
Names = Mapping[int, Mapping[str, str]]
"""Of touches by id the names of journey and message."""


def end_key(state: str, touch: int, round: int) -> str:
    """The key of the news of how a letter ended. Whoever has it tried again begins another round, which has an end of its own."""
    return f"{state}:{touch}" if round == 1 else f"{state}:{touch}:{round}"


def tell(conn: psycopg.Connection, now: datetime, news: Iterable[News], names: Names | None = None) -> None:
    """Record what happened to touches, inside the caller's transaction; the same key again changes nothing.

    names: of touches that the caller has just read; without them they are looked up.
    """
    if names is None:
        news = list(news)
        names = _looked_up(conn, news)
    follow_up(conn, now, ((*head, props | names.get(props["touch_id"], {})) for *head, props in news))


def _looked_up(conn: psycopg.Connection, news: Sequence[News]) -> Names:
    persons, touches = [person for _, _, person, _, _ in news], [props["touch_id"] for *_, props in news]
    return names_of(conn, sql.said(conn, persons=persons, touches=touches).fetchall())


def names_of(conn: psycopg.Connection, rows: Sequence[Any]) -> Names:
    """rows: ``touch_id``, ``journey_id``, ``version``, ``message_id``, ``message_version``; few different ones."""
    speakers = {(row.journey_id, row.version, row.message_id, row.message_version) for row in rows}
    named = {speaker: _named(conn, *speaker) for speaker in speakers}
    return {row.touch_id: named[row.journey_id, row.version, row.message_id, row.message_version] for row in rows}


def _named(conn: psycopg.Connection, journey: int, version: int, message: int, message_version: int) -> dict[str, str]:
    """A version that is not there has no name to tell."""
    keys = {"journey": (journey, version), "message": (message, message_version)}
    found = {kind: definitions.find(conn, *key) for kind, key in keys.items()}
    return {kind: d.name for kind, d in found.items() if d is not None}
