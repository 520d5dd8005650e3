"""Media: pictures that WeCom must hold before a message can show them; it forgets them after three days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import httpx

from yutang.channels.wecom.desk import Desk
from yutang.db.queries import Queries

sql = Queries(__package__)
FRESH = timedelta(days=2, hours=12)
LARGEST = 10 * 2**20
SECONDS = 10
KINDS = {b"\xff\xd8\xff": "jpg", b"\x89PNG": "png"}
MESSAGE, MOMENT = "message", "moment"


class Unreadable(Exception):
    """A picture that cannot be had. temporary: it may be there later."""

    def __init__(self, why: str, temporary: bool = False) -> None:
        super().__init__(why)
        self.temporary = temporary


def ids(desk: Desk, refs: Sequence[str], place: str = MESSAGE) -> dict[str, str]:
    """The media_id of each picture (address or path), uploaded where WeCom does not hold it. Raises Unreadable, PlatformError."""
    digests = {ref: _digest(ref) for ref in refs}
    after = desk.clock() - FRESH
    rows = sql.media(desk.conn, account=desk.source, place=place, digests=list(digests.values()), after=after)
    known = {row.digest: row.media_id for row in rows}
    for ref, digest in digests.items():
        if digest not in known:
            known[digest] = _upload(desk, ref, place)
            sql.keep_media(
                desk.conn, account=desk.source, digest=digest, place=place, media_id=known[digest], now=desk.clock()
            )
    return {ref: known[digest] for ref, digest in digests.items()}


def forget(desk: Desk, refs: Sequence[str]) -> None:
    """WeCom does not know these any more; the next message uploads them again."""
    sql.forget_media(desk.conn, account=desk.source, digests=[_digest(ref) for ref in refs])


def trim(desk: Desk) -> int:
    """Forget what WeCom has forgotten; returns how many."""
    return sql.trim_media(desk.conn, account=desk.source, before=desk.clock() - 2 * FRESH).rowcount


def _digest(ref: str) -> str:
    """A file by what is in it, for it may be replaced; an address by itself."""
    return sha256(ref.encode() if _remote(ref) else _bytes(ref)).hexdigest()


def _upload(desk: Desk, ref: str, place: str) -> str:
    data = _bytes(ref)
    kind = next((kind for head, kind in KINDS.items() if data.startswith(head)), None)
    if kind is None or not 5 < len(data) <= LARGEST:
        raise Unreadable(f"{ref}：须为 10 MB 以内的 jpg 或 png 图片。 it must be a jpg or png of at most 10 MB")
    name, type = f"picture.{kind}", "image/jpeg" if kind == "jpg" else "image/png"
    return desk.wecom.upload("image", name, data, type, attachment_type=1 if place == MOMENT else None)


def _remote(ref: str) -> bool:
    return ref.startswith(("http://", "https://"))


def _bytes(ref: str) -> bytes:
    """What is behind an address or in a file. Raises Unreadable."""
    if not _remote(ref):
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
