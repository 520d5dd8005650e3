"""The sidebar beside a chat: signatures for the JS-SDK, and whether the member of staff may see the customer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1
from typing import Any

import psycopg

from yutang.channels.platform.account import Account
from yutang.channels.wecom.client import WeCom
from yutang.db.queries import Queries

sql = Queries(__package__)


@dataclass(frozen=True)
class Signature:
    """What ``wx.config`` (or ``ww.register``) wants for one page."""

    timestamp: int
    nonce: str
    signature: str


def sign(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """Hex SHA-1 for a page; `url` exactly as the browser shows it, and what follows a ``#`` does not count."""
    page = url.partition("#")[0]
    return sha1(f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}".encode()).hexdigest()


def for_config(wecom: WeCom, now: datetime, url: str) -> Signature:
    """For ``wx.config``: signed with the corp's ticket. Raises what a call raises."""
    return _signed(wecom.corp_ticket(), now, url)


def for_agent_config(wecom: WeCom, now: datetime, url: str) -> Signature:
    """For ``wx.agentConfig``: signed with the app's ticket. Raises what a call raises."""
    return _signed(wecom.app_ticket(), now, url)


def _signed(ticket: str, now: datetime, url: str) -> Signature:
    nonce, timestamp = secrets.token_hex(8), int(now.timestamp())
    return Signature(timestamp, nonce, sign(ticket, nonce, timestamp, url))


def may_see(conn: psycopg.Connection, account: Account, userid: str, external_userid: str) -> bool:
    """Does this member of staff follow this customer? The page's word for it is not enough."""
    return sql.follows(conn, account=account.source, userid=userid, external=external_userid).fetchone() is not None


def customers(
    conn: psycopg.Connection, account: Account, userid: str, search: str = "", after: str = "", limit: int = 30
) -> list[Any]:
    """Whom this member of staff follows, the newest first: external_userid, name, remark, since, state.

    search: a part of a name or remark. after: the external_userid of the last one on the page before.
    """
    found = sql.own_customers(conn, account=account.source, userid=userid, search=search, after=after, limit=limit)
    return found.fetchall()
