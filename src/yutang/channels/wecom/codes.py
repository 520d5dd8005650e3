"""Live codes: a picture that leads to some of the staff or into groups, and a state that says afterwards which picture it was.

A code is written down before it is made at the platform, under a state of ours that no other code has: so an unanswered
call is looked for by its state and never repeated blindly.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import PlatformError, Unknown
from yutang.channels.wecom import joinways, queue, tags
from yutang.channels.wecom.desk import Desk
from yutang.channels.wecom.queue import Errand
from yutang.channels.wecom.relations import Pair
from yutang.channels.wecom.who import clean, lock
from yutang.db.queries import Queries
from yutang.model import YutangError

sql = Queries(__package__)

MANY, QR = 2, 2
ARRIVALS = ("contact_added", "group_joined")
"""The events by which somebody comes by a code."""
"""The platform's kind of code for several members of staff, and the one that is a picture."""
MOST_USERS = 100
LONGEST_REMARK = 30
LONGEST_NAME = 20
"""Characters of the remark that staff see on a contact."""
LONGEST_ROOM = 40
NOBODY = "没有在职员工，请用 yutang code update 指定新员工。 nobody is left to receive: name other staff with yutang code update"
_NAME = re.compile(r"[\w\-]{1,64}")
LOOK = timedelta(seconds=2)
"""How long after a code's scan its tags wait for the platform to know the relation."""


@dataclass(frozen=True)
class Code:
    """A live code as kept. qr_code: address of the picture, None while it is being made. problem: why it does not work.

    It leads to `users` (staff) or into `chats` (ids of groups), never both. store: where it hangs. For staff alone: tags,
    'group/name', given to whoever comes by it; remark: what staff see as the contact's name, where ``{name}`` stands for
    the name in WeChat. For groups alone: room_name, under which the platform opens another group when all are full; empty:
    it opens none.
    """

    name: str
    users: tuple[str, ...] = ()
    store: str | None = None
    tags: tuple[str, ...] = ()
    remark: str = ""
    skip_verify: bool = True
    state: str = ""
    config_id: str | None = None
    qr_code: str | None = None
    problem: str | None = None
    retired_at: datetime | None = None
    chats: tuple[str, ...] = ()
    room_name: str = ""
    made_at: datetime | None = None


@dataclass(frozen=True)
class Receivers:
    """Where codes of an account can lead: ids and names of staff and of groups. left: who can receive no more."""

    staff: dict[str, str]
    groups: dict[str, str]
    left: dict[str, str]


def receivers(conn: psycopg.Connection, account: Account) -> Receivers:
    """The staff whom the account may name and the groups that there are, by name."""
    rows = sql.receivers(conn, account=account.source).fetchall()
    return Receivers(
        *({row.id: row.name or row.id for row in rows if row.sort == sort} for sort in ("staff", "group", "left"))
    )


def add(conn: psycopg.Connection, now: datetime, account: Account, code: Code) -> Code:
    """Write a new code down; an errand makes it at the platform (`make` does it at once). Returns it with its state.

    Raises YutangError when the name is taken or something is not as the platform wants it.
    """
    _check(code)
    state = secrets.token_hex(6)
    with conn.transaction():
        if not sql.add_code(conn, account=account.source, state=state, now=now, **_given(code)).rowcount:
            raise YutangError(
                f"活码 {code.name} 已存在，请换名字或用 update。 the code {code.name} exists; take another name, or update it"
            )
        queue.add(conn, account.source, now, [Errand("code", code.name, now)])
    return one(conn, account, code.name)


def update(conn: psycopg.Connection, now: datetime, account: Account, code: Code) -> Code:
    """Change staff or groups, store, tags, remark or verification of a code; an errand tells the platform.

    Raises YutangError, also when a code for staff is to lead into groups or the other way round.
    """
    _check(code)
    if bool(one(conn, account, code.name).chats) != bool(code.chats):
        raise YutangError(
            f"活码 {code.name} 的去向（员工或群）不能互换，请另建一个。 a code leads to staff or into groups for good; make another"
        )
    with conn.transaction():
        _known(sql.update_code(conn, account=account.source, **_given(code)).rowcount, code.name)
        queue.add(conn, account.source, now, [Errand("code", code.name, now)])
    return one(conn, account, code.name)


def retire(conn: psycopg.Connection, now: datetime, account: Account, name: str) -> None:
    """Take a code out of service; an errand deletes it at the platform. Its history stays. Raises YutangError."""
    with conn.transaction():
        _known(sql.retire_code(conn, account=account.source, name=name, now=now).rowcount, name)
        queue.add(conn, account.source, now, [Errand("code", name, now)])


def listing(conn: psycopg.Connection, account: Account) -> list[Code]:
    """Our codes, by name, retired ones too."""
    return [_code(row) for row in sql.codes(conn, account=account.source, name=None)]


def one(conn: psycopg.Connection, account: Account, name: str) -> Code:
    """Raises YutangError when there is none of this name."""
    row = sql.codes(conn, account=account.source, name=name).fetchone()
    _known(row is not None, name)
    return _code(row)


def _given(code: Code) -> dict[str, Any]:
    """What a person says of a code."""
    return {
        "name": code.name, "users": list(code.users), "chats": list(code.chats), "room_name": code.room_name,
        "store": code.store, "tags": list(code.tags), "remark": code.remark, "skip_verify": code.skip_verify,
    }  # fmt: skip


def _known(there: Any, name: str) -> None:
    if not there:
        raise YutangError(f"没有活码 {name}。 there is no code {name}; see yutang code list")


def _code(row: Any) -> Code:
    return Code(row.name, tuple(row.users), row.store, tuple(row.tags), row.remark, row.skip_verify, row.state,
                row.config_id, row.qr_code, joinways.problem(row) or row.problem, row.retired_at, tuple(row.chats),
                row.room_name, row.made_at)  # fmt: skip


def _check(code: Code) -> None:
    if not _NAME.fullmatch(code.name):
        raise YutangError(
            f"活码名 '{code.name}'：1–64 个字母、数字、汉字、_ 或 -。 a code's name has 1 to 64 letters, digits, _ or -"
        )
    if bool(code.users) == bool(code.chats):
        raise YutangError(
            f"活码 {code.name}：员工与群二选一（--staff 或 --chat）。 a code leads to staff or into groups: give one of both"
        )
    if len(code.users) > MOST_USERS or len(code.chats) > joinways.MOST:
        raise YutangError(
            f"活码 {code.name} 最多 {MOST_USERS} 名员工或 {joinways.MOST} 个群。 at most {MOST_USERS} members of staff, or {joinways.MOST} groups"
        )
    _check_extras(code)


def _check_extras(code: Code) -> None:
    if code.chats and (code.tags or code.remark):
        raise YutangError(
            f"群活码 {code.name} 没有标签和备注：进群不等于加好友。 a code into groups has no tags and no remark: who joins is no contact yet"
        )
    if (code.room_name and not code.chats) or len(code.room_name) > LONGEST_ROOM:
        raise YutangError(
            f"活码 {code.name}：群名只用于群活码，最多 {LONGEST_ROOM} 字。 the room's name belongs to a code into groups, at most {LONGEST_ROOM} characters"
        )
    for tag in code.tags:
        tags.parts(tag)


def dress(conn: psycopg.Connection, now: datetime, account: Account, came: Sequence[tuple[Pair, str]]) -> None:
    """Whoever came by a code of ours gets its tags and remark: an errand for each."""
    states = sorted({state for _, state in came} - {""})
    dressing = {r.state: r.name for r in sql.codes_of_states(conn, account=account.source, states=states) if r.dresses}
    errands = [
        Errand(
            "dress",
            f"{external}:{userid}",
            now + LOOK,
            {"external": external, "staff": userid, "code": dressing[state]},
        )
        for (external, userid), state in came
        if state in dressing
    ]
    queue.add(conn, account.source, now, errands)


def rotate(conn: psycopg.Connection, now: datetime, account: Account, leavers: Sequence[str]) -> None:
    """Take staff off all codes; a code that nobody is left for says so, and keeps its last ones until others are named."""
    if leavers:
        rows = sql.take_off(conn, account=account.source, leavers=list(leavers), problem=NOBODY).fetchall()
        queue.add(conn, account.source, now, [Errand("code", row.name, now) for row in rows if row.problem is None])


def look_again(conn: psycopg.Connection, now: datetime, account: Account) -> None:
    """Compare the codes into groups with what the platform shows of them: groups come and go."""
    rows = sql.group_codes(conn, account=account.source)
    queue.add(conn, account.source, now, [Errand("code", row.name, now) for row in rows])


def make(desk: Desk, errand: Errand) -> None:
    """Errand ``code``: bring the platform to what we have written down: make the code, change it, or delete it."""
    row = sql.codes(desk.conn, account=desk.source, name=errand.key).fetchone()
    if row is None:
        return
    bring, drop = (joinways.bring, joinways.drop) if row.chats else (_bring, _drop)
    if row.retired_at is not None:
        drop(desk, row)
        return
    try:
        bring(desk, row)
    except PlatformError as error:
        sql.code_problem(desk.conn, account=desk.source, name=row.name, problem=f"{error.code} {error.zh} {error.en}")
        raise


def _drop(desk: Desk, row: Any) -> None:
    if found := row.config_id or _found(desk, row):
        desk.wecom.call("externalcontact/del_contact_way", {"config_id": found})


def _bring(desk: Desk, row: Any) -> None:
    wanted = {
        "user": row.users,
        "remark": row.name[:LONGEST_REMARK],
        "skip_verify": row.skip_verify,
        "state": row.state,
    }
    config_id = row.config_id or (_found(desk, row) if row.asked_at is not None else None)
    if config_id:
        desk.wecom.call("externalcontact/update_contact_way", {"config_id": config_id, **wanted})
        way = desk.wecom.call("externalcontact/get_contact_way", {"config_id": config_id})["contact_way"]
        way = way[0] if isinstance(way, list) else way
    else:
        # Written down before the call: whoever comes after a crash looks for it first.
        sql.code_asked(desk.conn, account=desk.source, name=row.name, now=desk.clock())
        way = _create(desk, row, {"type": MANY, "scene": QR, **wanted})
    sql.code_made(
        desk.conn, account=desk.source, name=row.name, config_id=way["config_id"], qr_code=way.get("qr_code"), chats=[]
    )


def _create(desk: Desk, row: Any, args: dict[str, Any]) -> dict[str, Any]:
    try:
        return desk.wecom.call("externalcontact/add_contact_way", args)
    except Unknown:
        way = desk.wecom.find_contact_way(row.state, row.made_at)
        if way is None:
            raise
        return way


def _found(desk: Desk, row: Any) -> str | None:
    """The code's id at the platform, where our call for it was never answered."""
    if row.asked_at is None:
        return None
    way = desk.wecom.find_contact_way(row.state, row.made_at)
    return way["config_id"] if way else None


def put_on(desk: Desk, errand: Errand, read: Callable[[Desk, str], Any]) -> None:
    """Errand ``dress``: the tags and the remark of the code by which a contact came. `read` reads the contact."""
    external, staff, name = errand.args["external"], errand.args["staff"], errand.args["code"]
    code = one(desk.conn, desk.account, name)
    if "{name}" in code.remark and _nickname(desk, external) is None:
        read(desk, external)
    _tag(desk, external, staff, code)
    if code.remark:
        _remark(desk, external, staff, code.remark.replace("{name}", _nickname(desk, external) or "")[:LONGEST_NAME])


def _nickname(desk: Desk, external: str) -> str | None:
    row = sql.contact(desk.conn, account=desk.source, external=external).fetchone()
    return row.name if row and row.synced_at else None


def _tag(desk: Desk, external: str, staff: str, code: Code) -> None:
    known = {r.tag: r.tag_id for r in sql.tag_ids(desk.conn, account=desk.source, tags=list(code.tags))}
    for tag in set(code.tags) - set(known):
        tags.create(desk, Errand("tag", tag, desk.clock()))
    known = {r.tag: r.tag_id for r in sql.tag_ids(desk.conn, account=desk.source, tags=list(code.tags))}
    if known:
        tags.mark(desk, external, staff, sorted(known.values()))


def _remark(desk: Desk, external: str, staff: str, remark: str) -> None:
    try:
        desk.wecom.call("externalcontact/remark", {"userid": staff, "external_userid": external, "remark": remark})
    except PlatformError as error:
        if error.code not in tags.GONE:
            raise
        return
    with desk.conn.transaction():
        lock(desk.conn, desk.account)
        sql.remarked(desk.conn, account=desk.source, external=external, userid=staff, remark=remark)


def found(desk: Desk, config_id: str) -> None:
    """A code that the platform lists: one that is not ours is kept under its id, so that its users and state are known."""
    if sql.code_of_config(desk.conn, account=desk.source, config_id=config_id).fetchone():
        return
    way = desk.wecom.call("externalcontact/get_contact_way", {"config_id": config_id})["contact_way"]
    way = way[0] if isinstance(way, list) else way
    sql.keep_found(
        desk.conn, account=desk.source, name=config_id, state=clean(way.get("state")), users=way.get("user") or [],
        remark=clean(way.get("remark")), skip_verify=bool(way.get("skip_verify", True)), qr_code=way.get("qr_code"),
        now=desk.clock(),
    )  # fmt: skip
