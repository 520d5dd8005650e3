"""Receive: what callbacks say of followers, windows and letters; what is known of them becomes facts and answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from yutang.channels.contract import Answer, Fact, Raw
from yutang.channels.official_account import codes
from yutang.channels.official_account.windows import KIND_OF_EVENT, MESSAGE, allowance
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.platform.grants import hear as grants
from yutang.channels.platform.xml import Unreadable, read
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)

SCENE_PREFIX = "qrscene_"
DELIVERED = "success"
BLOCKED = "user block"


@dataclass(frozen=True)
class Heard:
    """One callback of a person, read. `event` is empty for a message; then `kind` says which kind."""

    openid: str
    at: datetime
    kind: str
    event: str
    fields: dict[str, Any]

    def text(self, name: str) -> str:
        """A field as text; empty when there is none."""
        value = self.fields.get(name)
        return str(value) if isinstance(value, str | int) else ""

    @property
    def scene(self) -> str:
        """What the code that was scanned says of itself; empty when none was."""
        return self.text("EventKey").removeprefix(SCENE_PREFIX) if self.event in ("subscribe", "SCAN") else ""

    @property
    def parts(self) -> list[grants.Part]:
        """What it says of grants."""
        return list(grants.parts(self.openid, self.at, self.fields))


def hear(conn: psycopg.Connection, now: datetime, account: Account, raws: Sequence[Raw]) -> None:
    """Keep what the callbacks say and tell it. The same callback again changes nothing."""
    heard = [one for raw in raws if (one := understood(raw)) is not None]
    if not heard:
        return
    _keep_fans(conn, now, account, heard)
    _open_windows(conn, account, heard)
    _keep_receipts(conn, account, heard)
    grants.keep(conn, account, [part for one in heard for part in one.parts])
    known, ours = _unionids(conn, account, heard), codes.of_scenes(conn, account, {one.scene for one in heard} - {""})
    told = [fact for one in heard for fact in facts(account, one, known.get(one.openid), ours)]
    news.tell(conn, account.channel, told)


def understood(raw: Raw) -> Heard | None:
    """None for what is no message of a person."""
    try:
        fields = read(raw.text)
    except Unreadable:
        return None
    openid, kind = fields.get("FromUserName"), fields.get("MsgType")
    if not isinstance(openid, str) or not isinstance(kind, str) or not openid:
        return None
    event = fields.get("Event") if kind == "event" else ""
    return Heard(openid, raw.at, kind, event if isinstance(event, str) else "", fields)


def meet(conn: psycopg.Connection, account: Account) -> list[Answer]:
    """The receipts whose letter is known, as answers; they leave with the caller's transaction."""
    return [*(_answer(row) for row in sql.meet(conn, account=account.name)), *grants.meet(conn, account)]


def facts(account: Account, heard: Heard, unionid: str | None, ours: Mapping[str, dict[str, str]]) -> Iterator[Fact]:
    """What one callback says about its person. ours: what our codes stand for, by scene."""
    for n, (type, props) in enumerate(_said(account, heard, ours.get(heard.scene) or {"code": heard.scene[:200]})):
        yield Fact(f"{_key(heard)}:{n}" if n else _key(heard), type, heard.at, handles(account, heard, unionid), props)


def handles(account: Account, heard: Heard, unionid: str | None) -> dict[str, str]:
    return {f"openid@{account.get('app_id')}": heard.openid} | ({"unionid": unionid} if unionid else {})


def _key(heard: Heard) -> str:
    """Messages carry a number; events are told apart by person, time and kind, as the platform advises."""
    if number := heard.text("MsgId"):
        return f"message:{number}"
    return f"{heard.event}:{heard.openid}:{int(heard.at.timestamp())}:{heard.text('EventKey')}"[:200]


def _said(account: Account, heard: Heard, code: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Types and props of the facts in one callback. code: what is said of the scanned one, if one was."""
    channel, key = account.channel, heard.text("EventKey")
    if heard.event == "subscribe":
        yield "followed", {"channel": channel} | (code if heard.scene else {})
    elif heard.event == "unsubscribe":
        yield "unfollowed", {"channel": channel}
    elif heard.scene:
        yield "scanned", code
    elif heard.event == "VIEW":
        yield "viewed", {"page": key}
    elif heard.event == "CLICK":
        # Pressing a key of the menu is a way of saying what it stands for.
        yield "message_received", {"channel": channel, "kind": "click", "text": key}
    elif not heard.event and heard.kind != "event":
        text = heard.text("Content")
        yield "message_received", {"channel": channel, "kind": heard.kind} | ({"text": text} if text else {})
    yield from (("grant_given", {"template": p.template, "channel": channel}) for p in heard.parts if p.accepts)


def _keep_fans(conn: psycopg.Connection, now: datetime, account: Account, heard: Sequence[Heard]) -> None:
    """Whoever does anything follows; so a subscription whose callback was lost shows later."""
    signs = [(h.openid, h.event != "unsubscribe", h.at) for h in heard if not _is_about_letter(h)]
    if signs:
        openids, following, ats = zip(*signs, strict=True)
        sql.keep_fans(
            conn, account=account.name, now=now, openids=list(openids), following=list(following), ats=list(ats)
        )


def _is_about_letter(heard: Heard) -> bool:
    return heard.event == "TEMPLATESENDJOBFINISH" or heard.event in grants.EVENTS


def _open_windows(conn: psycopg.Connection, account: Account, heard: Sequence[Heard]) -> None:
    opened = [(h, allowance(kind, h.at)) for h in heard if (kind := _window_of(h))]
    if opened:
        sql.open_windows(
            conn,
            account=account.name,
            openids=[h.openid for h, _ in opened],
            kinds=[rule.kind for _, rule in opened],
            opened=[h.at for h, _ in opened],
            untils=[h.at + rule.lasts for h, rule in opened],
            allowed=[rule.messages for _, rule in opened],
        )


def _window_of(heard: Heard) -> str | None:
    return KIND_OF_EVENT.get(heard.event) if heard.kind == "event" else MESSAGE


def _keep_receipts(conn: psycopg.Connection, account: Account, heard: Sequence[Heard]) -> None:
    receipts = [h for h in heard if h.event == "TEMPLATESENDJOBFINISH" and _msgid(h)]
    if receipts:
        sql.keep_receipts(
            conn,
            account=account.name,
            msgids=[_msgid(h) for h in receipts],
            statuses=[h.text("Status") for h in receipts],
            ats=[h.at for h in receipts],
        )


def _msgid(heard: Heard) -> str:
    """Older pages write it ``MsgId``."""
    return heard.text("MsgID") or heard.text("MsgId")


def _unionids(conn: psycopg.Connection, account: Account, heard: Sequence[Heard]) -> dict[str, str]:
    openids = sorted({h.openid for h in heard})
    return {row.openid: row.unionid for row in sql.unionids(conn, account=account.name, openids=openids)}


def _answer(row: Any) -> Answer:
    if row.status == DELIVERED:
        return Answer(row.touch_id, row.person_id, row.msgid, "message_delivered", row.at)
    reason = Reason.BLOCKED if BLOCKED in row.status else Reason.PERMANENT
    return Answer(row.touch_id, row.person_id, row.msgid, "message_failed", row.at, {"reason": reason.value})
