"""Receive: callbacks say only that there is something to read; what has been read opens windows and becomes facts and answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from yutang.channels.contract import Answer, Fact, Raw
from yutang.channels.customer_service.windows import WELCOME_LASTS, allowance
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.platform.xml import Unreadable, read
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)

CALLBACK = "kf_msg_or_event"
FROM_CUSTOMER = 3
ENTERED, FAILED = "enter_session", "msg_send_fail"
REASONS = {4: Reason.NO_WINDOW, 5: Reason.NO_WINDOW, 6: Reason.NO_WINDOW, 10: Reason.BLOCKED}
"""What a fail_type means: over 48 hours, session closed, more than five, refused by the customer."""
_OURS = re.compile(r"((\d{1,18})-[0-9a-f]{1,12})-\d{1,2}")


def hear(conn: psycopg.Connection, now: datetime, raws: Sequence[Raw]) -> None:
    """Note that there is something to read, of whichever service account. The same callback again leads to one more look."""
    heard = [(*found, raw.at) for raw in raws if (found := _understood(raw.text))]
    if heard:
        accounts, tokens, ats = (list(part) for part in zip(*heard, strict=True))
        sql.hear(conn, now=now, accounts=accounts, tokens=tokens, ats=ats)


def _understood(text: str) -> tuple[str, str] | None:
    """The service account, and the token for reading its messages; None for other callbacks."""
    try:
        fields = read(text)
    except Unreadable:
        return None
    open_kfid = _clean(fields.get("OpenKfId"))
    return (open_kfid, _clean(fields.get("Token"))) if fields.get("Event") == CALLBACK and open_kfid else None


@dataclass(frozen=True)
class Said:
    """One message or event of a session. `event`: its fields, for an event; `kind`: what it is."""

    msgid: str
    customer: str
    at: datetime
    kind: str
    text: str
    event: Mapping[str, Any]

    def of_event(self, name: str) -> str:
        return _clean(self.event.get(name))


def keep(conn: psycopg.Connection, account: Account, rows: Sequence[Any]) -> None:
    """Keep what one page of messages says and tell it, in the caller's transaction. The same page again changes nothing."""
    said = [one for row in rows if (one := understood(row)) is not None]
    _open_windows(conn, account, [one for one in said if not one.event])
    _keep_welcomes(conn, account, [one for one in said if one.kind == ENTERED and one.of_event("welcome_code")])
    facts = [fact for one in said for fact in _facts(account, one)]
    news.tell(conn, account.channel, [*facts, *_failures(conn, account, [one for one in said if one.kind == FAILED])])


def understood(row: Any) -> Said | None:
    """None for what neither a customer nor the platform says to us: answers of staff, kinds of events that tell us nothing."""
    if not isinstance(row, Mapping):
        return None
    event = row.get("event") if row.get("msgtype") == "event" else {}
    if not isinstance(event, Mapping):
        return None
    kind = _clean(event.get("event_type") if event else row.get("msgtype"))
    wanted = kind in (ENTERED, FAILED) if event else row.get("origin") == FROM_CUSTOMER
    msgid, customer = _clean(row.get("msgid")), _clean(event.get("external_userid") or row.get("external_userid"))
    at = _time(row.get("send_time"))
    if not (wanted and kind and msgid and customer and at):
        return None
    words = row.get("text")
    return Said(msgid, customer, at, kind, _clean(words.get("content")) if isinstance(words, Mapping) else "", event)


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _clean(value: Any) -> str:
    """Text that the database can keep; what is no text is empty."""
    return value.replace("\0", "").encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _facts(account: Account, said: Said) -> Iterator[Fact]:
    handles = {f"external_userid@{account.get('corp_id')}": said.customer}
    key, channel = f"message:{said.msgid}"[:190], account.channel
    if not said.event:
        text = {"text": said.text} if said.text else {}
        yield Fact(key, "message_received", said.at, handles, {"channel": channel, "kind": said.kind[:200]} | text)
    elif said.kind == ENTERED:
        # Opening a session is a way of turning to us; it allows no answer but the welcome.
        scene = {"code": code[:200]} if (code := said.of_event("scene")) else {}
        yield Fact(key, "message_received", said.at, handles, {"channel": channel, "kind": ENTERED} | scene)
        if scene:
            yield Fact(f"{key}:scene", "scanned", said.at, handles, scene)


def _open_windows(conn: psycopg.Connection, account: Account, said: Sequence[Said]) -> None:
    opened = [(one, rule) for one in said if (rule := allowance(one.at))]
    if opened:
        sql.open_windows(
            conn,
            kf=account.get("open_kfid"),
            customers=[one.customer for one, _ in opened],
            opened=[one.at for one, _ in opened],
            untils=[one.at + rule.lasts for one, rule in opened],
            allowed=[rule.messages for _, rule in opened],
        )


def _keep_welcomes(conn: psycopg.Connection, account: Account, said: Sequence[Said]) -> None:
    if said:
        sql.keep_welcomes(
            conn,
            kf=account.get("open_kfid"),
            customers=[one.customer for one in said],
            codes=[one.of_event("welcome_code") for one in said],
            ats=[one.at for one in said],
            expires=[one.at + WELCOME_LASTS for one in said],
        )


def _failures(conn: psycopg.Connection, account: Account, said: Sequence[Said]) -> list[Answer]:
    """Letters that the platform took and then could not deliver; until the customer writes again no other would be."""
    ours = {found[1]: one for one in said if (found := _OURS.fullmatch(one.of_event("fail_msgid")))}
    if not ours:
        return []
    kf, touches = account.get("open_kfid"), [int(msgid.partition("-")[0]) for msgid in ours]
    sql.close_windows(
        conn,
        kf=kf,
        customers=[one.customer for one in ours.values()],
        ats=[one.at for one in ours.values()],
    )
    letters = sql.letters(conn, kf=kf, touches=touches, msgids=list(ours)).fetchall()
    return [_failed(row, ours[row.msgid]) for row in letters]


def _failed(row: Any, said: Said) -> Answer:
    reason = REASONS.get(said.event.get("fail_type"), Reason.PERMANENT)
    props = {"reason": reason.value}
    return Answer(row.touch_id, row.person_id, f"fail:{row.msgid}", "message_failed", said.at, props)
