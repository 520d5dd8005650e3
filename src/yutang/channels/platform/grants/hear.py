"""Hear: what callbacks say of grants, and of the messages that used them; each is counted once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from yutang.channels.contract import Answer
from yutang.channels.platform.account import Account
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)

POPUP = "subscribe_msg_popup_event"
CHANGE = "subscribe_msg_change_event"
SENT = "subscribe_msg_sent_event"
EVENTS = (POPUP, CHANGE, SENT)
REFUSED_BY_PERSON = {"1", "43101"}


@dataclass(frozen=True)
class Part:
    """What a callback says of one template. `key` tells it from every other."""

    key: str
    openid: str
    at: datetime
    event: str
    template: str
    fields: Mapping[str, Any]

    def text(self, name: str) -> str:
        return str(self.fields.get(name, ""))

    @property
    def accepts(self) -> bool:
        return self.event == POPUP and self.text("SubscribeStatusString") == "accept"

    @property
    def switches_off(self) -> bool:
        return self.event == CHANGE and self.text("SubscribeStatusString") == "reject"


def parts(openid: str, at: datetime, fields: Mapping[str, Any]) -> Iterator[Part]:
    """The parts of a callback that is about grants; none of any other.

    XML has one List or many, JSON an array: whatever names a template, at any depth, is one part.
    """
    event = str(fields.get("Event", ""))
    if event not in EVENTS:
        return
    for n, found in enumerate(_with_template(fields)):
        template = str(found["TemplateId"])
        # A message has a number; of the rest the platform advises to tell them apart by person, time and kind.
        mark = found.get("MsgID") or f"{int(at.timestamp())}:{n}"
        yield Part(f"{event}:{openid}:{template}:{mark}", openid, at, event, template, found)


def _with_template(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict) and value.get("TemplateId"):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _with_template(part)


def keep(conn: psycopg.Connection, account: Account, heard: Sequence[Part]) -> None:
    """Count the grants, and keep the receipts until their letters are known. The same parts again change nothing."""
    _count(conn, account, [part for part in heard if part.accepts or part.switches_off])
    _keep_receipts(conn, account, [part for part in heard if part.event == SENT and part.text("MsgID")])


def meet(conn: psycopg.Connection, account: Account) -> list[Answer]:
    """The receipts whose letter is known, as answers; they leave with the caller's transaction."""
    sql.adopt(conn, account=account.source)
    return [_answer(row) for row in sql.meet(conn, account=account.source)]


def _count(conn: psycopg.Connection, account: Account, found: Sequence[Part]) -> None:
    """Count grants up, and to nothing where the person has switched the template off."""
    if not found:
        return
    ats = {part.key: part.at for part in found}
    rows = sql.count_once(conn, account=account.source, keys=list(ats), ats=list(ats.values()))
    fresh = {row.key for row in rows}
    new = sorted((part for part in {p.key: p for p in found}.values() if part.key in fresh), key=lambda part: part.at)
    off: dict[tuple[str, str], datetime] = {(p.openid, p.template): p.at for p in new if p.switches_off}
    on = [p for p in new if p.accepts and p.at >= off.get((p.openid, p.template), p.at)]
    _apply(sql.refuse, conn, account, list(off))
    _apply(sql.grant_more, conn, account, [(p.openid, p.template) for p in on])


def _apply(query: Any, conn: psycopg.Connection, account: Account, pairs: Sequence[tuple[str, str]]) -> None:
    if pairs:
        query(
            conn, account=account.source, openids=[openid for openid, _ in pairs], templates=[name for _, name in pairs]
        )


def _keep_receipts(conn: psycopg.Connection, account: Account, found: Sequence[Part]) -> None:
    if found:
        sql.keep_receipts(
            conn,
            account=account.source,
            msgids=[part.text("MsgID") for part in found],
            openids=[part.openid for part in found],
            templates=[part.template for part in found],
            codes=[part.text("ErrorCode") or "0" for part in found],
            ats=[part.at for part in found],
        )


def _answer(row: Any) -> Answer:
    if row.code == "0":
        return Answer(row.touch_id, row.person_id, row.msgid, "message_delivered", row.at)
    reason = Reason.NO_GRANT if row.code in REFUSED_BY_PERSON else Reason.PERMANENT
    return Answer(row.touch_id, row.person_id, row.msgid, "message_failed", row.at, {"reason": reason.value})
