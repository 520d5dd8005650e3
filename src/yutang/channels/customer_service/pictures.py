"""Pictures of cards: the platform must hold them before a message can show them, and forgets them after three days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg

from yutang.channels.customer_service.dialect import UPLOAD
from yutang.channels.platform.calls import Caller
from yutang.channels.platform.pictures import digest, upload_of
from yutang.db.queries import Queries

sql = Queries(__package__)

FRESH = timedelta(days=2, hours=12)
MEGABYTES = 2


def ids(conn: psycopg.Connection, caller: Caller, refs: Sequence[str]) -> dict[str, str]:
    """The media_id of each picture (address or path), uploaded where the platform does not hold it.

    Raises Unreadable, PlatformError, Later.
    """
    if not refs:
        return {}
    source, now = caller.account.source, caller.clock()
    digests = {ref: digest(ref) for ref in refs}
    rows = sql.media(conn, source=source, digests=list(digests.values()), after=now - FRESH)
    known = {row.digest: row.media_id for row in rows}
    for ref, key in digests.items():
        if key not in known:
            known[key] = _upload(caller, ref)
            sql.keep_media(conn, source=source, digest=key, media_id=known[key], now=now)
    return {ref: known[key] for ref, key in digests.items()}


def forget(conn: psycopg.Connection, source: str, refs: Sequence[str]) -> None:
    """The platform does not know these any more; the next message uploads them again."""
    sql.forget_media(conn, source=source, digests=[digest(ref) for ref in refs])


def trim(conn: psycopg.Connection, source: str, now: datetime) -> None:
    """Forget what the platform has forgotten."""
    sql.trim_media(conn, source=source, before=now - 2 * FRESH)


def _upload(caller: Caller, ref: str) -> str:
    upload = upload_of(ref, MEGABYTES)
    return str(caller.call(UPLOAD, query={"type": "image"}, files={"media": upload})["media_id"])
