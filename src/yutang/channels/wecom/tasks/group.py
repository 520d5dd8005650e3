"""Group: a message for customer groups, sent by their owner. A post has its maker's key and is made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import Later, PlatformError, Unknown
from yutang.channels.wecom.desk import Desk, open_desk
from yutang.channels.wecom.tasks import content, making, media, quotas
from yutang.channels.wecom.tasks.mass import LONGEST
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.vault import Vault

sql = Queries(__package__)
MOST = 2000
KIND = "group"


@dataclass(frozen=True)
class Preview:
    """Who would be asked, for which groups, and which of his groups have had enough until `opens_at`."""

    sender: str
    chats: tuple[str, ...]
    full: tuple[str, ...]
    opens_at: datetime


@dataclass(frozen=True)
class Post:
    """A post: `asked` groups are still open, `sent` have it. msgid: None until WeCom is known to have it."""

    task_id: int
    msgid: str | None
    state: str
    asked: int
    sent: int
    detail: str | None


def preview(
    conn: psycopg.Connection, account: Account, now: datetime, sender: str, chats: Sequence[str] = ()
) -> Preview:
    """What `post` would do. No `chats`: all groups that he owns. Raises YutangError for a group that is not his."""
    own = {row.chat_id for row in sql.owned(conn, account=account.source, owner=sender)}
    if foreign := sorted(set(chats) - own):
        raise YutangError(f"群 {foreign[0]} 的群主不是 {sender}。 this group is not owned by {sender}")
    wanted = sorted(set(chats) or own)
    if not 0 < len(wanted) <= MOST:
        raise YutangError(
            f"{sender} 有 {len(wanted)} 个群，须为 1–{MOST} 个。 he must have 1 to {MOST} groups for this"
        )
    free = quotas.room(conn, account, now, wanted)
    full = tuple(chat for chat in wanted if chat not in free)
    return Preview(sender, tuple(sorted(free)), full, quotas.opens_at(account, now))


def post(
    conn: psycopg.Connection,
    vault: Vault,
    account: Account,
    clock: Callable[[], datetime],
    *,
    key: str,
    sender: str,
    text: str,
    chats: Sequence[str] = (),
    attachments: content.Attachments = (),
    deadline: datetime | None = None,
) -> Post:
    """Ask the owner to send it to his groups that have room; the same key is made once and gives the same post back.

    Raises YutangError when it cannot go out as it is, and what `Caller.call` raises when WeCom refuses (then it was not made).
    """
    if (kept := found(conn, account, key)) is not None:
        return kept
    if fault := content.fault(text, attachments):
        raise YutangError(fault)
    desk = open_desk(conn, vault, account, clock)
    plan = preview(conn, account, clock(), sender, chats)
    ids = media.ids(desk, content.files(attachments))
    task = _save(desk, plan, key, content.message(text, attachments, ids), deadline)
    if task is not None:
        _make(desk, task)
    kept = found(conn, account, key)
    assert kept is not None
    return kept


def found(conn: psycopg.Connection, account: Account, key: str) -> Post | None:
    """The post of this key, if there is one."""
    row = sql.by_key(conn, account=account.source, key=key).fetchone()
    return Post(row.task_id, row.msgid, row.state, row.asked, row.sent, row.detail) if row else None


def _save(desk: Desk, plan: Preview, key: str, message: dict[str, Any], deadline: datetime | None) -> Any:
    """The new task; None when another worker was faster with this key. Raises YutangError when no group has room."""
    now = desk.clock()
    with desk.conn.transaction():
        free = sorted(quotas.reserve(desk.conn, desk.account, now, plan.chats))
        if not free:
            at = plan.opens_at.astimezone(quotas.ZONE).strftime("%m-%d %H:%M")
            raise YutangError(f"这些群的群发次数已用完，{at} 起可发。 these groups have had enough until {at}")
        request = {"chat_type": KIND, "sender": plan.sender, "chat_id_list": free, **message}
        last = now + LONGEST
        draft = making.Draft(
            plan.sender, request, [(chat, None, None) for chat in free], min(deadline or last, last),
            content.digest(request, key), key,
        )  # fmt: skip
        task = making.save(desk, now, KIND, [draft]).get(draft.digest)
        if task is None:
            quotas.give_back(desk.conn, desk.source, ((chat, quotas.day_of(now)) for chat in free))
    return task


def _make(desk: Desk, task: Any) -> None:
    try:
        making.ask(desk, task, tell=False)
    except Unknown:
        return
    except (PlatformError, Later):
        making.undo(desk, task)
        raise
