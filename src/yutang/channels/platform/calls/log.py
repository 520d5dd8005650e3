"""The record of calls: every try, and nothing of what was said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import psycopg

from yutang.db.queries import Queries
from yutang.vault import Vault

sql = Queries(__package__)

KEPT = timedelta(days=14)


@dataclass(frozen=True)
class Try:
    """One try of a call. errcode: None when there was no answer; hint: the platform's reference, or the kind of failure."""

    path: str
    at: datetime
    ms: int
    number: int
    errcode: int | None
    hint: str


def record(conn: psycopg.Connection, source: str, one: Try, body_hash: bytes) -> None:
    sql.record(
        conn, source=source, path=one.path, at=one.at, ms=one.ms, number=one.number,
        errcode=one.errcode, hint=one.hint, body_hash=body_hash,
    )  # fmt: skip


def trim(conn: psycopg.Connection, now: datetime) -> int:
    """Forget the calls of more than 14 days ago; returns how many."""
    return sql.trim(conn, before=now - KEPT).rowcount


def hash_of(vault: Vault, query: Mapping[str, str], content: bytes) -> bytes:
    """Tells equal requests from others. Keyed, for a mobile number is guessed in no time from a plain hash."""
    return blake2b(
        json.dumps(dict(query)).encode() + content, key=vault.derive("channel call"), digest_size=16
    ).digest()


def content_of(body: Mapping[str, Any] | None) -> bytes:
    """A body as the platforms want it: UTF-8 as it is, for escapes are refused by some of them."""
    return b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
