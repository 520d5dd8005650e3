"""Receive: what callbacks say of grants, letters and words; each is counted once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from yutang.channels.contract import Answer, Fact, Raw
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.platform.xml import Unreadable, read
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)

POPUP = "subscribe_msg_popup_event"
CHANGE = "subscribe_msg_change_event"
SENT = "subscribe_msg_sent_event"
REFUSED_BY_PERSON = {"1", "43101"}


@dataclass(frozen=True)
class Part:
    """What a callback says of one template. `key` tells it from every other."""

    key: str
    openid: str
    at: datetime
    event: str
    template: str
    fields: dict[str, Any]

    def text(self, name: str) -> str:
        return str(self.fields.get(name, ""))

    @property
    def accepts(self) -> bool:
        return self.event == POPUP and self.text("SubscribeStatusString") == "accept"

    @property
    def switches_off(self) -> bool:
        return self.event == CHANGE and self.text("SubscribeStatusString") == "reject"


def hear(conn: psycopg.Connection, account: Account, raws: Sequence[Raw]) -> None:
    """Keep what the callbacks say and tell it. The same callback again changes nothing."""
    read_ones = [(raw, fields) for raw in raws if (fields := _fields(raw)) is not None]
    parts = [part for raw, fields in read_ones for part in _parts(raw, fields)]
    _count(conn, account, [part for part in parts if part.accepts or part.switches_off])
    _keep_receipts(conn, account, [part for part in parts if part.event == SENT and part.text("MsgID")])
    grants = [_grant(account, part) for part in parts if part.accepts]
    words = [fact for raw, fields in read_ones if (fact := _words(account, raw, fields))]
    news.tell(conn, account.channel, [*grants, *words])


def meet(conn: psycopg.Connection, account: Account) -> list[Answer]:
    """The receipts whose letter is known, as answers; they leave with the caller's transaction."""
    sql.adopt(conn, account=account.name)
    return [_answer(row) for row in sql.meet(conn, account=account.name)]


def _fields(raw: Raw) -> dict[str, Any] | None:
    """None for what is no message of a person."""
    try:
        fields = read(raw.text)
    except Unreadable:
        return None
    return fields if isinstance(fields.get("FromUserName"), str) and fields["FromUserName"] else None


def _parts(raw: Raw, fields: dict[str, Any]) -> Iterator[Part]:
    """XML has one List or many, JSON an array: whatever names a template, at any depth, is one part."""
    event, openid = str(fields.get("Event", "")), fields["FromUserName"]
    if event not in (POPUP, CHANGE, SENT):
        return
    for n, found in enumerate(_with_template(fields)):
        template = str(found["TemplateId"])
        # A message has a number; of the rest the platform advises to tell them apart by person, time and kind.
        mark = found.get("MsgID") or f"{int(raw.at.timestamp())}:{n}"
        yield Part(f"{event}:{openid}:{template}:{mark}", openid, raw.at, event, template, found)


def _with_template(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and value.get("TemplateId"):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _with_template(part)


def _count(conn: psycopg.Connection, account: Account, parts: Sequence[Part]) -> None:
    """Count grants up, and to nothing where the person has switched the template off."""
    if not parts:
        return
    ats = {part.key: part.at for part in parts}
    rows = sql.count_once(conn, account=account.name, keys=list(ats), ats=list(ats.values()))
    fresh = {row.key for row in rows}
    new = sorted((part for part in {p.key: p for p in parts}.values() if part.key in fresh), key=lambda part: part.at)
    off: dict[tuple[str, str], datetime] = {(p.openid, p.template): p.at for p in new if p.switches_off}
    on = [p for p in new if p.accepts and p.at >= off.get((p.openid, p.template), p.at)]
    _apply(sql.refuse, conn, account, list(off))
    _apply(sql.grant_more, conn, account, [(p.openid, p.template) for p in on])


def _apply(query: Any, conn: psycopg.Connection, account: Account, pairs: Sequence[tuple[str, str]]) -> None:
    if pairs:
        query(
            conn, account=account.name, openids=[openid for openid, _ in pairs], templates=[name for _, name in pairs]
        )


def _keep_receipts(conn: psycopg.Connection, account: Account, parts: Sequence[Part]) -> None:
    if parts:
        sql.keep_receipts(
            conn,
            account=account.name,
            msgids=[part.text("MsgID") for part in parts],
            openids=[part.openid for part in parts],
            templates=[part.template for part in parts],
            codes=[part.text("ErrorCode") or "0" for part in parts],
            ats=[part.at for part in parts],
        )


def _handles(account: Account, openid: str) -> dict[str, str]:
    return {f"openid@{account.get('app_id')}": openid}


def _grant(account: Account, part: Part) -> Fact:
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


def _answer(row: Any) -> Answer:
    if row.code == "0":
        return Answer(row.touch_id, row.person_id, row.msgid, "message_delivered", row.at)
    reason = Reason.NO_GRANT if row.code in REFUSED_BY_PERSON else Reason.PERMANENT
    return Answer(row.touch_id, row.person_id, row.msgid, "message_failed", row.at, {"reason": reason.value})
