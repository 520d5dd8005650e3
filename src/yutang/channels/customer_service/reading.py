"""Reading: what was said, from the kept cursor on. Cursor and what was read are committed together, so nothing is read past."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog

from yutang.channels.customer_service import pictures, receive
from yutang.channels.customer_service.dialect import BAD_TOKEN, SYNC
from yutang.channels.platform.calls import Caller, Later, PlatformError
from yutang.db.queries import Queries

sql = Queries(__package__)
log = structlog.get_logger()

PAGE = 1000
PAGES = 20
"""Pages per call; the rest has its turn a little later."""
LEASE = timedelta(minutes=5)
TOKEN_LASTS = timedelta(minutes=10)
LOOK = timedelta(minutes=30)
"""Callbacks get lost. Asking without one's token is strictly limited, and messages are kept for three days."""
AGAIN = {"busy": timedelta(seconds=30), "later": timedelta(minutes=1)}
CONFIGURED = timedelta(minutes=10)
"""How long to wait for somebody to change something."""
WELCOMES_KEPT = timedelta(days=30)


def is_due(conn: psycopg.Connection, now: datetime, open_kfid: str, channel: str) -> bool:
    """Asked at every turn of the loop; writes nothing."""
    row = sql.due(conn, kf=open_kfid, channel=channel, now=now).fetchone()
    return bool(row and row.due)


def tend(conn: psycopg.Connection, now: datetime, caller: Caller) -> int:
    """Read what is there, when a callback or the clock says so. Returns the number of messages and events read."""
    kf = caller.account.get("open_kfid")
    sql.make_account(conn, kf=kf, now=now)
    claimed = sql.claim(conn, kf=kf, now=now, until=now + LEASE).fetchone()
    if claimed is None:
        return 0
    token = claimed.token if claimed.token_at and claimed.token_at > now - TOKEN_LASTS else None
    try:
        return _read(conn, caller, kf, claimed, token)
    except Later as later:
        sql.put_off(conn, kf=kf, at=later.until)
    except PlatformError as error:
        _refused(conn, caller, kf, token, error)
    return 0


def _read(conn: psycopg.Connection, caller: Caller, kf: str, claimed: Any, token: str | None) -> int:
    """Page by page; on while there is more, even behind an empty page."""
    cursor, count = claimed.cursor, 0
    for _ in range(PAGES):
        answer = caller.call(SYNC, _asked(kf, cursor, token))
        after, rows = str(answer.get("next_cursor") or cursor), list(answer.get("msg_list") or [])
        with conn.transaction():
            moved = after == cursor or sql.move_cursor(conn, kf=kf, before=cursor, after=after).fetchone()
            if moved:
                receive.keep(conn, caller.account, rows)
        if not moved:
            return count
        cursor, count = after, count + len(rows)
        if not answer.get("has_more"):
            _rest(conn, caller, kf, claimed.asked)
            return count
    sql.put_off(conn, kf=kf, at=caller.clock())
    return count


def _asked(kf: str, cursor: str, token: str | None) -> Mapping[str, Any]:
    given = {"open_kfid": kf, "limit": PAGE, "voice_format": 0}
    return given | ({"cursor": cursor} if cursor else {}) | ({"token": token} if token else {})


def _rest(conn: psycopg.Connection, caller: Caller, kf: str, asked: int) -> None:
    now = caller.clock()
    sql.rest(conn, kf=kf, asked=asked, now=now, next=now + LOOK)
    sql.trim_welcomes(conn, kf=kf, before=now - WELCOMES_KEPT)
    pictures.trim(conn, caller.account.source, now)


def _refused(conn: psycopg.Connection, caller: Caller, kf: str, token: str | None, error: PlatformError) -> None:
    now = caller.clock()
    if error.code == BAD_TOKEN and token:
        sql.forget_token(conn, kf=kf, token=token)
        sql.put_off(conn, kf=kf, at=now)
        return
    log.warning("messages cannot be read; it is tried again", channel=caller.account.channel, error=str(error))
    sql.put_off(conn, kf=kf, at=now + AGAIN.get(error.sort, CONFIGURED))
