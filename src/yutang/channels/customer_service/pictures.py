"""Pictures of cards: the platform must hold them before a message can show them, and forgets them after three days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import psycopg

from yutang.channels.customer_service.dialect import UPLOAD
from yutang.channels.platform.calls import Caller
from yutang.db.queries import Queries

sql = Queries(__package__)

FRESH = timedelta(days=2, hours=12)
LARGEST = 2 * 2**20
SECONDS = 10
KINDS = {b"\xff\xd8\xff": ("picture.jpg", "image/jpeg"), b"\x89PNG": ("picture.png", "image/png")}


class Unreadable(Exception):
    """A picture that cannot be had. temporary: it may be there later."""

    def __init__(self, why: str, temporary: bool = False) -> None:
        super().__init__(why)
        self.temporary = temporary


def ids(conn: psycopg.Connection, caller: Caller, refs: Sequence[str]) -> dict[str, str]:
    """The media_id of each picture (address or path), uploaded where the platform does not hold it.

    Raises Unreadable, PlatformError, Later.
    """
    if not refs:
        return {}
    source, now = caller.account.source, caller.clock()
    rows = sql.media(conn, source=source, digests=[_digest(ref) for ref in refs], after=now - FRESH)
    known = {row.digest: row.media_id for row in rows}
    for ref in refs:
        if (digest := _digest(ref)) not in known:
            known[digest] = _upload(caller, ref)
            sql.keep_media(conn, source=source, digest=digest, media_id=known[digest], now=now)
    return {ref: known[_digest(ref)] for ref in refs}


def forget(conn: psycopg.Connection, source: str, refs: Sequence[str]) -> None:
    """The platform does not know these any more; the next message uploads them again."""
    sql.forget_media(conn, source=source, digests=[_digest(ref) for ref in refs])


def trim(conn: psycopg.Connection, source: str, now: datetime) -> None:
    """Forget what the platform has forgotten."""
    sql.trim_media(conn, source=source, before=now - 2 * FRESH)


def _digest(ref: str) -> str:
    return sha256(ref.encode()).hexdigest()


def _upload(caller: Caller, ref: str) -> str:
    data = _bytes(ref)
    kind = next((kind for head, kind in KINDS.items() if data.startswith(head)), None)
    if kind is None or not 5 < len(data) <= LARGEST:
        raise Unreadable(f"{ref}：须为 2 MB 以内的 jpg 或 png 图片。 it must be a jpg or png of at most 2 MB")
    name, type = kind
    return str(caller.call(UPLOAD, query={"type": "image"}, files={"media": (name, data, type)})["media_id"])


def _bytes(ref: str) -> bytes:
    """What is behind an address or in a file. Raises Unreadable."""
    if not ref.startswith(("http://", "https://")):
        try:
            return Path(ref).read_bytes()
        except OSError as error:
            raise Unreadable(f"{ref}：读不到图片文件，请检查路径。 cannot read this picture; check its path") from error
    try:
        found = httpx.get(ref, timeout=SECONDS, follow_redirects=True)
    except httpx.HTTPError as error:
        raise Unreadable(f"{ref}：图片地址连不上。 cannot reach this picture", temporary=True) from error
    if found.status_code != httpx.codes.OK:
        raise Unreadable(
            f"{ref}：图片地址返回 {found.status_code}。 it answered {found.status_code}", found.is_server_error
        )
    return found.content
