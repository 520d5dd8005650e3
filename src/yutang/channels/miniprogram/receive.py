"""Receive: what callbacks say of grants, letters and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from yutang.channels.contract import Fact, Raw
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.platform.grants import hear as grants
from yutang.channels.platform.xml import Unreadable, read


def hear(conn: psycopg.Connection, account: Account, raws: Sequence[Raw]) -> None:
    """Keep what the callbacks say and tell it. The same callback again changes nothing."""
    read_ones = [(raw, fields) for raw in raws if (fields := _fields(raw)) is not None]
    parts = [part for raw, fields in read_ones for part in grants.parts(fields["FromUserName"], raw.at, fields)]
    grants.keep(conn, account, parts)
    given = [_grant(account, part) for part in parts if part.accepts]
    words = [fact for raw, fields in read_ones if (fact := _words(account, raw, fields))]
    news.tell(conn, account.channel, [*given, *words])


def _fields(raw: Raw) -> dict[str, Any] | None:
    """None for what is no message of a person."""
    try:
        fields = read(raw.text)
    except Unreadable:
        return None
    return fields if isinstance(fields.get("FromUserName"), str) and fields["FromUserName"] else None


def _handles(account: Account, openid: str) -> dict[str, str]:
    return {f"openid@{account.get('app_id')}": openid}


def _grant(account: Account, part: grants.Part) -> Fact:
    props = {"template": part.template, "channel": account.channel}
    return Fact(part.key[:200], "grant_given", part.at, _handles(account, part.openid), props)


def _words(account: Account, raw: Raw, fields: dict[str, Any]) -> Fact | None:
    """A message that the person wrote in the mini-program's customer service."""
    kind, number = str(fields.get("MsgType", "")), fields.get("MsgId")
    if kind in ("", "event") or not number:
        return None
    text = str(fields.get("Content") or "")
    props = {"channel": account.channel, "kind": kind} | ({"text": text} if text else {})
    return Fact(f"message:{number}", "message_received", raw.at, _handles(account, fields["FromUserName"]), props)
