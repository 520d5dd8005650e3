"""Notices: a text for members of staff, in the app of the corp. The same key is sent once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import psycopg

from yutang.channels.platform.account import Account
from yutang.channels.wecom.desk import Desk, open_desk
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.vault import Vault

sql = Queries(__package__)
TEXT_BYTES, MOST = 2048, 1000
KEPT = timedelta(days=30)


def notify(
    conn: psycopg.Connection,
    vault: Vault,
    account: Account,
    clock: Callable[[], datetime],
    *,
    key: str,
    staff: Sequence[str],
    text: str,
) -> str:
    """Tell up to 1,000 members of staff; returns WeCom's id of the message, also when it was sent before.

    One that was begun and never answered is asked for again: WeCom drops what it has sent within the last half hour.
    Raises YutangError when it cannot go out as it is, and what `Caller.call` raises.
    """
    if not 0 < len(staff) <= MOST or not 0 < len(text.encode()) <= TEXT_BYTES:
        raise YutangError(
            f"通知须有 1–{MOST} 位员工、1–{TEXT_BYTES} 字节正文。 a notice has 1 to {MOST} members of staff and 1 to {TEXT_BYTES} bytes"
        )
    sql.begin_notice(conn, account=account.source, key=key, now=clock())
    row = sql.notice(conn, account=account.source, key=key).fetchone()
    if row is not None and row.state == "sent":
        return row.msgid
    desk = open_desk(conn, vault, account, clock)
    answer = desk.wecom.notify(staff, {"msgtype": "text", "text": {"content": text}})
    msgid = str(answer.get("msgid") or "")
    sql.end_notice(conn, account=account.source, key=key, msgid=msgid, now=clock())
    return msgid


def trim(desk: Desk) -> int:
    """Forget old notices; returns how many."""
    return sql.trim_notices(desk.conn, account=desk.source, before=desk.clock() - KEPT).rowcount
