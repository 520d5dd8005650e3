"""The outbox of the channels: what they have to tell waits here, in the transaction that found it out, until it becomes an event."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from yutang.channels.contract import Answer, Fact
from yutang.db.queries import Queries

sql = Queries(__package__)
# An even number of backslashes before it: a NUL, not a backslash with "u0000" after it.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def tell(conn: psycopg.Connection, channel: str, news: Sequence[Fact | Answer]) -> None:
    """Put news of `channel` (its name) into the outbox, in the caller's transaction. The door keeps one of each key."""
    if news:
        sql.tell(
            conn,
            channel=channel,
            keys=[n.key for n in news],
            types=[n.type for n in news],
            ats=[n.at for n in news],
            handles=[_json(n.handles) if isinstance(n, Fact) else None for n in news],
            touches=[n.touch_id if isinstance(n, Answer) else None for n in news],
            persons=[n.person_id if isinstance(n, Answer) else None for n in news],
            props=[_json(n.props) for n in news],
        )


def take(conn: psycopg.Connection, channel: str, now: datetime, limit: int = 10_000) -> list[Fact | Answer]:
    """Take the oldest news of `channel` out of the outbox; they are back when the caller's transaction fails.

    Nothing is dated later than `now`.
    """
    return [_news(row) for row in sql.take(conn, channel=channel, now=now, limit=limit)]


def _news(row: Any) -> Fact | Answer:
    if row.touch_id is None:
        return Fact(row.key, row.type, row.at, row.handles, row.props)
    return Answer(row.touch_id, row.person_id, row.key, row.type, row.at, row.props)


def _json(value: Mapping[str, Any]) -> str:
    """JSON that the database can keep: it has no NUL."""
    return _NUL.sub(r"\1\\ufffd", msgspec.json.encode(value).decode())
