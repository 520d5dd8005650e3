"""Who followers are: after a subscription the platform is asked for the unionid, which joins them to what is known elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang.channels.contract import Fact
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.caller import Caller
from yutang.channels.platform.calls.errors import Later, PlatformError
from yutang.db.queries import Queries

sql = Queries(__package__)

INFO = "cgi-bin/user/info"
AT_ONCE = 20
"""How many followers one call of `tend` asks for."""
LEASE = timedelta(minutes=5)
RECEIPTS_KEPT = timedelta(days=3)


def tend(conn: psycopg.Connection, now: datetime, account: Account, caller: Caller) -> int:
    """Ask for some of those who are not known yet; returns how many were learnt about."""
    sql.forget_receipts(conn, account=account.name, before=now - RECEIPTS_KEPT)
    strangers = sql.claim_strangers(conn, account=account.name, now=now, again=now + LEASE, limit=AT_ONCE).fetchall()
    return sum(_ask(conn, now, account, caller, one) for one in strangers)


def _ask(conn: psycopg.Connection, now: datetime, account: Account, caller: Caller, stranger: Any) -> bool:
    """A platform that is busy is asked again when the lease has run out."""
    try:
        answer = caller.call(INFO, query={"openid": stranger.openid, "lang": "zh_CN"})
    except PlatformError as error:
        if error.sort in ("bug", "gone"):
            _know(conn, account, stranger, None, True)
        return False
    except Later:
        return False
    with conn.transaction():
        unionid = answer.get("unionid") or None
        _know(conn, account, stranger, unionid, bool(answer.get("subscribe")))
        if unionid:
            news.tell(conn, account.channel, [_same_person(now, account, stranger.openid, unionid)])
    return True


def _know(conn: psycopg.Connection, account: Account, stranger: Any, unionid: str | None, following: bool) -> None:
    sql.know(
        conn,
        account=account.name,
        openid=stranger.openid,
        seen=stranger.at,
        unionid=unionid,
        following=following,
    )


def _same_person(now: datetime, account: Account, openid: str, unionid: str) -> Fact:
    """Nothing about the person changes but by which names they are known."""
    handles = {f"openid@{account.get('app_id')}": openid, "unionid": unionid}
    return Fact(f"unionid:{openid}:{unionid}"[:200], "profile_updated", now, handles, {"traits": {}})
