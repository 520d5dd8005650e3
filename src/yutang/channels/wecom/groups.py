"""Customer groups: who is in which. Callbacks carry the changes from one version of the member list to the next; where a
version was missed, the list is read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from yutang.channels.contract import Fact
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import PlatformError
from yutang.channels.wecom import queue
from yutang.channels.wecom.changes import Change
from yutang.channels.wecom.desk import Desk
from yutang.channels.wecom.queue import Errand
from yutang.channels.wecom.who import clean, handles, is_customer, lock, unionids
from yutang.db.queries import Queries

sql = Queries(__package__)

LAG = timedelta(seconds=3)
"""The list may lag behind its callback by some seconds."""
SETTLED = timedelta(seconds=10)
STATES = {0: "normal", 1: "owner_left", 2: "inheriting", 3: "inherited"}
QR = "qr"
EVENT_WAYS = {"0": "invited", "3": QR}
WAYS = {1: "invited", 2: "link", 3: QR}
LEAVERS = {"0": "self", "1": "admin"}
GONE = (90501, 40050)
READS = 4
"""How often a list is read for one change before whatever it shows is taken as it is."""


@dataclass(frozen=True)
class Move:
    """Somebody joined a group (`by` empty) or left it. by: self, admin, dismissed, or unknown."""

    chat_id: str
    member: str
    at: datetime
    joined: bool
    way: str = ""
    by: str = ""
    state_param: str = ""
    unionid: str = ""


def hear(conn: psycopg.Connection, now: datetime, account: Account, changes: Sequence[Change]) -> None:
    """Callbacks about groups, oldest first; the caller holds the account's lock."""
    chats = sorted({change.text("ChatId") for change in changes})
    known = {row.chat_id: row for row in sql.groups(conn, account=account.source, chats=chats)}
    versions = {chat: row.member_version for chat, row in known.items() if row.state != "dismissed"}
    coded = sql.group_codes(conn, account=account.source).fetchone() is not None
    moves: list[Move] = []
    dismissed: dict[str, datetime] = {}
    touched: dict[str, tuple[str, datetime]] = {}
    errands: list[Errand] = []
    for change in changes:
        chat = change.text("ChatId")
        if change.type == "dismiss":
            dismissed[chat] = change.at
        elif (found := _moves(change, coded)) and versions.get(chat) == change.text("LastMemVer"):
            moves += found
            versions[chat] = change.text("CurMemVer")
            touched[chat] = versions[chat], change.at
        elif not change.text("CurMemVer") or versions.get(chat) != change.text("CurMemVer"):
            errands.append(Errand("group", chat, max(now, change.at + LAG), {"version": change.text("CurMemVer")}))
    _apply(conn, account, moves)
    sql.keep_versions(
        conn, account=account.source, chats=list(touched), versions=[v for v, _ in touched.values()],
        ats=[at for _, at in touched.values()],
    )  # fmt: skip
    dismiss(conn, account, dismissed)
    queue.add(conn, account.source, now, errands)


def _moves(change: Change, coded: bool) -> list[Move]:
    """Who came or went by this callback; nothing where it does not say.

    coded: some code of ours leads into groups. Then whoever scanned one is read from the list: it alone says which code.
    """
    if change.type != "update" or not change.text("LastMemVer") or not change.text("CurMemVer"):
        return []
    chat, members, detail = change.text("ChatId"), change.texts("MemChangeList"), change.text("UpdateDetail")
    if detail == "add_member":
        way = EVENT_WAYS.get(change.text("JoinScene"), "")
        if coded and way == QR:
            return []
        return [Move(chat, member, change.at, True, way) for member in members]
    if detail == "del_member":
        by = LEAVERS.get(change.text("QuitScene"), "unknown")
        return [Move(chat, member, change.at, False, by=by) for member in members]
    return []


def dismiss(conn: psycopg.Connection, account: Account, dismissed: Mapping[str, datetime]) -> None:
    """Groups that are no more; everybody in them has left."""
    if dismissed:
        chats, ats = list(dismissed), list(dismissed.values())
        inside = sql.inside(conn, account=account.source, chats=chats).fetchall()
        _apply(conn, account, [Move(r.chat_id, r.member, dismissed[r.chat_id], False, by="dismissed") for r in inside])
        sql.dismissed(conn, account=account.source, chats=chats, ats=ats)


def _apply(conn: psycopg.Connection, account: Account, moves: Sequence[Move]) -> None:
    """Write who is inside, and tell of customers. Several moves of one member count in their order."""
    if not moves:
        return
    chats = sorted({move.chat_id for move in moves})
    inside = {(r.chat_id, r.member) for r in sql.inside(conn, account=account.source, chats=chats)}
    real: list[Move] = []
    for move in moves:
        pair = (move.chat_id, move.member)
        if move.joined != (pair in inside):
            real.append(move)
            (inside.add if move.joined else inside.discard)(pair)
    last = {(move.chat_id, move.member): move for move in real}
    sql.keep_members(conn, account=account.source, rows=Jsonb([_row(move) for _, move in sorted(last.items())]))
    _tell(conn, account, [move for move in real if is_customer(move.member)])


def _row(move: Move) -> dict[str, Any]:
    return {
        "chat_id": move.chat_id,
        "member": move.member,
        "kind": "customer" if is_customer(move.member) else "staff",
        "at": move.at.isoformat(),
        "joined": move.joined,
        "way": move.way,
        "state_param": move.state_param,
    }


def _tell(conn: psycopg.Connection, account: Account, moves: Sequence[Move]) -> None:
    if not moves:
        return
    names = {
        r.chat_id: r.name for r in sql.groups(conn, account=account.source, chats=sorted({m.chat_id for m in moves}))
    }
    states = sorted({move.state_param for move in moves} - {""})
    codes = {row.state: row for row in sql.codes_of_states(conn, account=account.source, states=states)}
    known = unionids(conn, account, [move.member for move in moves])
    facts = []
    for move in moves:
        word, type = ("join", "group_joined") if move.joined else ("left", "group_left")
        code = codes.get(move.state_param)
        props = {"group": move.chat_id, "name": names.get(move.chat_id), "code": code and code.name,
                 "store": code and code.store, "way": move.way, "by": move.by}  # fmt: skip
        facts.append(
            Fact(
                f"{word}:{move.chat_id}:{move.member}:{int(move.at.timestamp())}",
                type,
                move.at,
                handles(account, move.member, move.unionid or known.get(move.member)),
                {name: value for name, value in props.items() if value},
            )
        )
    news.tell(conn, account.channel, facts)


def read(desk: Desk, errand: Errand) -> None:
    """Errand ``group``: read a group and its members again. Reads once more, later, what lags behind its callback."""
    asked = desk.clock()
    try:
        chat = desk.wecom.call("externalcontact/groupchat/get", {"chat_id": errand.key, "need_name": 1})["group_chat"]
    except PlatformError as error:
        if error.code not in GONE:
            raise
        with desk.conn.transaction():
            lock(desk.conn, desk.account)
            dismiss(desk.conn, desk.account, {errand.key: asked})
        return
    settled = keep(desk.conn, desk.account, chat, asked, force=errand.tries >= READS)
    lags = errand.args.get("version") not in (None, "", chat.get("member_version"))
    if errand.tries < READS and (lags or not settled):
        raise queue.Again(asked + LAG)


def keep(
    conn: psycopg.Connection, account: Account, chat: Mapping[str, Any], asked: datetime, *, run: int | None = None,
    force: bool = False,
) -> bool:  # fmt: skip
    """Take a group as it was read; False when the reading may be older than what a callback has said, and was not taken."""
    chat_id, version = clean(chat["chat_id"]), clean(chat.get("member_version"))
    with conn.transaction():
        lock(conn, account)
        row = next(iter(sql.groups(conn, account=account.source, chats=[chat_id])), None)
        young = row is not None and row.changed_at is not None and asked < row.changed_at + SETTLED
        if young and row.member_version != version and not force:
            sql.seen_groups(conn, account=account.source, chats=[chat_id], run=run)
            return False
        sql.keep_group(
            conn, account=account.source, chat=chat_id, name=clean(chat.get("name")), owner=clean(chat.get("owner")),
            version=version, asked=asked, run=run,
        )  # fmt: skip
        _compare(conn, account, chat_id, chat.get("member_list") or [], asked)
    return True


def _compare(
    conn: psycopg.Connection, account: Account, chat_id: str, members: Sequence[Mapping[str, Any]], asked: datetime
) -> None:
    shown = {clean(member["userid"]): member for member in members}
    inside = {row.member for row in sql.inside(conn, account=account.source, chats=[chat_id])}
    joined = [_joined(chat_id, member, raw) for member, raw in sorted(shown.items()) if member not in inside]
    left = [Move(chat_id, member, asked, False, by="unknown") for member in sorted(inside - set(shown))]
    _apply(conn, account, [*joined, *left])


def _joined(chat_id: str, member: str, raw: Mapping[str, Any]) -> Move:
    at = datetime.fromtimestamp(int(raw.get("join_time") or 0), UTC)
    way = WAYS.get(raw.get("join_scene") or 0, "")
    return Move(chat_id, member, at, True, way, state_param=clean(raw.get("state")), unionid=clean(raw.get("unionid")))
