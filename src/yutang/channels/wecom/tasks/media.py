"""Media: pictures that WeCom must hold before a message can show them; it forgets them after three days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from yutang.channels.platform.pictures import digest, upload_of
from yutang.channels.wecom.desk import Desk
from yutang.db.queries import Queries

sql = Queries(__package__)
FRESH = timedelta(days=2, hours=12)
MEGABYTES = 10
MESSAGE, MOMENT = "message", "moment"


def ids(desk: Desk, refs: Sequence[str], place: str = MESSAGE) -> dict[str, str]:
    """The media_id of each picture (address or path), uploaded where WeCom does not hold it. Raises Unreadable, PlatformError."""
    digests = {ref: digest(ref) for ref in refs}
    after = desk.clock() - FRESH
    rows = sql.media(desk.conn, account=desk.source, place=place, digests=list(digests.values()), after=after)
    known = {row.digest: row.media_id for row in rows}
    for ref, key in digests.items():
        if key not in known:
            known[key] = _upload(desk, ref, place)
            sql.keep_media(
                desk.conn, account=desk.source, digest=key, place=place, media_id=known[key], now=desk.clock()
            )
    return {ref: known[key] for ref, key in digests.items()}


def forget(desk: Desk, refs: Sequence[str]) -> None:
    """WeCom does not know these any more; the next message uploads them again."""
    sql.forget_media(desk.conn, account=desk.source, digests=[digest(ref) for ref in refs])


def trim(desk: Desk) -> int:
    """Forget what WeCom has forgotten; returns how many."""
    return sql.trim_media(desk.conn, account=desk.source, before=desk.clock() - 2 * FRESH).rowcount


def _upload(desk: Desk, ref: str, place: str) -> str:
    name, data, type = upload_of(ref, MEGABYTES)
    return desk.wecom.upload("image", name, data, type, attachment_type=1 if place == MOMENT else None)
