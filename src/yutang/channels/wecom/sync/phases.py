"""The phases of a walk, a step at a time. What the network says is written by `Step.keep`, with the walk's new place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from yutang.channels.platform.calls import PlatformError
from yutang.channels.wecom import codes, directory, groups, reading, tags
from yutang.channels.wecom.desk import Desk
from yutang.channels.wecom.queue import Errand
from yutang.channels.wecom.who import clean, lock
from yutang.db.queries import Queries

sql = Queries(__package__)

Kind = Literal["full", "nightly"]
STAFF_AT_ONCE, GROUPS_AT_ONCE, PEOPLE_AT_ONCE, CODES_AT_ONCE = 50, 20, 50, 50
USERS, OWNERS = 100, 100
"""Members of staff that one question may be about."""
NO_CUSTOMER, NO_STAFF = 84061, (40003, 60111)


@dataclass(frozen=True)
class Walk:
    """One step's place in a walk. cursor: where the phase goes on; empty at its beginning. lease: the end of our claim on it."""

    desk: Desk
    run_id: int
    kind: Kind
    phase: str
    cursor: Mapping[str, Any]
    started_at: datetime
    lease: datetime


@dataclass(frozen=True)
class Step:
    """What a step brought: where to go on (None: the phase is over), and how much more is done or known to be there.

    keep: what is to be written in the transaction that moves the walk on; returns how much more that did.
    """

    cursor: Mapping[str, Any] | None
    done: int = 0
    total: int = 0
    keep: Callable[[], int] = field(default=lambda: 0)


def take_range(desk: Desk) -> None:
    users = desk.wecom.staff()
    with desk.conn.transaction():
        lock(desk.conn, desk.account)
        sql.in_range(desk.conn, account=desk.source, users=users, now=desk.clock())


def _staff(walk: Walk) -> Step:
    """Who may have customers, and how many each has."""
    desk = walk.desk
    if not walk.cursor:
        take_range(desk)
        return Step({"after": ""})
    rows = sql.next_staff(desk.conn, account=desk.source, after=walk.cursor["after"], limit=STAFF_AT_ONCE).fetchall()
    shown, gone, total = [], [], 0
    for row in rows:
        member = _member(desk, row)
        if member is not None:
            (shown if member else gone).append(member or {"userid": row.userid})
        total += len(desk.wecom.customers(row.userid)) if walk.kind == "full" and row.in_range and member else row.known

    def keep() -> int:
        lock(desk.conn, desk.account)
        directory.keep(desk.conn, desk.clock(), desk.account, shown)
        directory.left(desk.conn, desk.clock(), desk.account, [one["userid"] for one in gone])
        return 0

    return Step({"after": rows[-1].userid} if rows else None, total=total, keep=keep)


def _member(desk: Desk, row: Any) -> Mapping[str, Any] | None:
    """As the directory shows him: empty when there is no such member, None when we may not see him."""
    try:
        return desk.wecom.call("user/get", {"userid": row.userid})
    except PlatformError as error:
        if error.code in NO_STAFF:
            return {}
        if row.in_range or error.sort != "config":
            raise
        return None


def _leavers(walk: Walk) -> Step:
    """Staff who have left and whose customers nobody has taken over yet."""
    desk = walk.desk
    pages = desk.wecom.pages("externalcontact/get_unassigned_list", {"page_size": 1000}, walk.cursor.get("cursor", ""))
    shown, cursor = next(pages)
    gone = sorted({clean(row.get("handover_userid")) for row in shown} - {""})

    def keep() -> int:
        lock(desk.conn, desk.account)
        directory.left(desk.conn, desk.clock(), desk.account, gone)
        return 0

    return Step({"cursor": cursor} if cursor else None, keep=keep)


def _tags(walk: Walk) -> Step:
    tags.read_list(walk.desk, Errand("tags", "", walk.desk.clock()))
    return Step(None)


def _contacts(walk: Walk) -> Step:
    """A page of the relations of up to 100 members of staff."""
    desk, after = walk.desk, walk.cursor.get("after", "")
    rows = sql.next_in_range(desk.conn, account=desk.source, after=after, limit=USERS).fetchall()
    if not rows:
        return Step(None)
    asked, users = desk.clock(), [row.userid for row in rows]
    try:
        shown, cursor = next(desk.wecom.contacts(users, walk.cursor.get("cursor", "")))
    except PlatformError as error:
        if error.code != NO_CUSTOMER:
            raise
        shown, cursor = [], ""
    return Step(
        {"after": after, "cursor": cursor} if cursor else {"after": users[-1]},
        keep=lambda: reading.page(desk, shown, asked, walk.run_id),
    )


def _missing(walk: Walk) -> Step:
    """Relations that we know of and the walk has not shown: each contact is asked for before it is called lost."""
    desk = walk.desk
    rows = sql.unseen_contacts(
        desk.conn, account=desk.source, run=walk.run_id, after=walk.cursor.get("after", ""),
        before=walk.started_at, limit=PEOPLE_AT_ONCE,
    ).fetchall()  # fmt: skip
    for row in rows:
        reading.read(desk, row.external_userid, walk.run_id)
    return Step({"after": rows[-1].external_userid} if rows else None)


def _groups(walk: Walk) -> Step:
    """The list of groups of up to 100 owners, a page of it."""
    desk, after = walk.desk, walk.cursor.get("after", "")
    rows = sql.next_in_range(desk.conn, account=desk.source, after=after, limit=OWNERS).fetchall()
    if not rows:
        return Step(None)
    owners = [row.userid for row in rows]
    args = {"status_filter": 0, "owner_filter": {"userid_list": owners}, "limit": 1000}
    shown, cursor = next(desk.wecom.pages("externalcontact/groupchat/list", args, walk.cursor.get("cursor", "")))

    def keep() -> int:
        lock(desk.conn, desk.account)
        sql.list_groups(
            desk.conn, account=desk.source, run=walk.run_id, chats=[clean(row["chat_id"]) for row in shown],
            states=[groups.STATES.get(row.get("status") or 0, "normal") for row in shown],
        )  # fmt: skip
        return 0

    return Step({"after": after, "cursor": cursor} if cursor else {"after": owners[-1]}, total=len(shown), keep=keep)


def _members(walk: Walk) -> Step:
    """Each group and who is in it; those that no list has shown as well, for they may be dismissed."""
    desk = walk.desk
    rows = sql.next_groups(
        desk.conn, account=desk.source, after=walk.cursor.get("after", ""), limit=GROUPS_AT_ONCE
    ).fetchall()
    for row in rows:
        groups.read(desk, Errand("group", row.chat_id, desk.clock(), tries=groups.READS))
    return Step({"after": rows[-1].chat_id} if rows else None, done=len(rows))


def _codes(walk: Walk) -> Step:
    """Live codes that are at the platform and were not made here; those into groups are in no list, each is looked at."""
    desk, args = walk.desk, {"limit": CODES_AT_ONCE}
    shown, cursor = next(desk.wecom.pages("externalcontact/list_contact_way", args, walk.cursor.get("cursor", "")))
    for row in shown:
        codes.found(desk, clean(row["config_id"]))
    if not cursor:
        codes.look_again(desk.conn, desk.clock(), desk.account)
    return Step({"cursor": cursor} if cursor else None, done=len(shown), total=len(shown))


PHASES: Mapping[str, Callable[[Walk], Step]] = {
    "staff": _staff,
    "leavers": _leavers,
    "tags": _tags,
    "contacts": _contacts,
    "missing": _missing,
    "groups": _groups,
    "members": _members,
    "codes": _codes,
}
"""In this order: names are there before those who carry them."""

OPTIONAL = ("leavers", "codes")
