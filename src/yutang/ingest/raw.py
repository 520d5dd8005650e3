"""What platforms call back, kept as it came before anybody interprets it: an event of no person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

import msgspec
import psycopg

from yutang.ingest.record import sql

CALLBACK = "callback"
"""The type of these events, and the name of the hint that one has come."""


def keep_raw(
    conn: psycopg.Connection,
    now: datetime,
    source: str,
    message: bytes,
    at: datetime,
    seal: Callable[[str], str] | None = None,
) -> bool:
    """Keep a verified, decrypted message of `source`; committed on return, unless the caller has a transaction open.

    seal: how to encrypt it, where it holds personal data.

    Platforms send again what they think was lost, and give no ids: equal bytes of one source are one message. False when
    it was there before. Bytes that are not UTF-8, and NUL, become U+FFFD.
    """
    text = message.decode("utf-8", "replace").replace("\0", "\ufffd")
    with conn.transaction():
        kept = sql.keep_raw(
            conn,
            source=source,
            source_id=sha256(message).hexdigest(),
            type=CALLBACK,
            at=at,
            now=now,
            props=msgspec.json.encode({"text": text} if seal is None else {"sealed": seal(text)}).decode(),
        )
        if new := kept.rowcount > 0:
            sql.hint(conn, channel=CALLBACK)
    return new
