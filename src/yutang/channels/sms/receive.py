"""Receive: receipts, which become answers, and what people answer; R, TD or 退订 withdraws the consent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from yutang.channels.contract import Answer, Fact, Raw
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.sms.provider import Provider, Receipt, Reply
from yutang.db.queries import Queries
from yutang.model import Reason
from yutang.vault import Vault

sql = Queries(__package__)

STOP_WORDS = {"R", "T", "TD", "N", "退订", "拒收", "取消订阅"}
_NUMBER = re.compile(r"\+?\d{5,15}")


def hear(conn: psycopg.Connection, vault: Vault, account: Account, provider: Provider, raws: Sequence[Raw]) -> None:
    """Keep receipts and tell replies. The same callback again changes nothing."""
    bodies = [(raw, parts_of(raw.text)) for raw in raws]
    _keep(conn, account, [one for raw, parts in bodies for one in provider.receipts(parts, raw.received_at)])
    replies = [one for raw, parts in bodies for one in provider.replies(parts, raw.received_at)]
    news.tell(conn, account.channel, [fact(vault, account, one) for one in replies if _NUMBER.fullmatch(one.number)])


def parts_of(text: str) -> list[dict[str, Any]]:
    """The objects in a callback: an array of them, or one alone. Nothing where it is not that."""
    try:
        body = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []
    return [part for part in (body if isinstance(body, list) else [body]) if isinstance(part, dict)]


def meet(conn: psycopg.Connection, account: Account) -> list[Answer]:
    """The receipts whose letter is known, as answers; they leave with the caller's transaction."""
    sql.adopt(conn, account=account.name)
    return [_answer(row) for row in sql.meet(conn, account=account.name)]


def wants_out(text: str) -> bool:
    """Full-width letters, as Chinese keyboards type them, and marks around the word are the same word."""
    word = re.sub(r"[\s\W]+", "", unicodedata.normalize("NFKC", text)).upper()
    return word in STOP_WORDS


def fact(vault: Vault, account: Account, reply: Reply) -> Fact:
    """The key is signed, for nobody shall read a number out of it."""
    key = "reply:" + vault.sign("sms reply", f"{account.source} {reply.key}".encode())[:40]
    handles = {"phone": reply.number}
    if wants_out(reply.text):
        return Fact(key, "consent_withdrawn", reply.at, handles, {"channel": account.channel})
    props = {"channel": account.channel, "kind": "text", "text": reply.text}
    return Fact(key, "message_received", reply.at, handles, props)


def _keep(conn: psycopg.Connection, account: Account, receipts: Sequence[Receipt]) -> None:
    if receipts:
        sql.keep_receipts(
            conn,
            account=account.name,
            serials=[one.serial for one in receipts],
            touches=[one.touch_id for one in receipts],
            arrived=[one.arrived for one in receipts],
            codes=[one.code for one in receipts],
            ats=[one.at for one in receipts],
        )


def _answer(row: Any) -> Answer:
    if row.arrived:
        return Answer(row.touch_id, row.person_id, row.serial, "message_delivered", row.at)
    props = {"reason": Reason.PERMANENT.value, "code": row.code}
    return Answer(row.touch_id, row.person_id, row.serial, "message_failed", row.at, props)


def forget(conn: psycopg.Connection, account: Account, before: datetime) -> None:
    sql.forget_receipts(conn, account=account.name, before=before)
