"""Tags, both ways. A person's tag is called 'group/name', for a name alone may stand in two groups.

A machine-managed tag goes out: Yutang says who has it, and what staff do to it is put right again. Any other tag comes in:
staff say who has it, and facts (tagged, untagged) tell it. No tag goes both ways, so nothing goes round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from yutang.channels.contract import Fact, Wish
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import PlatformError
from yutang.channels.wecom import queue
from yutang.channels.wecom.desk import Desk
from yutang.channels.wecom.queue import Errand
from yutang.channels.wecom.who import clean, handles, lock
from yutang.db.queries import Queries
from yutang.model import YutangError

sql = Queries(__package__)

LONGEST = 30
EXISTS, NO_TAG = 40071, 40068
GONE = (84061, 84084, 40096)


def parts(tag: str) -> tuple[str, str]:
    """Group and name of 'group/name'. Raises YutangError when it is not written like that."""
    group, slash, name = tag.partition("/")
    if not slash or not 0 < len(group) <= LONGEST or not 0 < len(name) <= LONGEST:
        raise YutangError(
            f"标签 '{tag}' 应写成“组/名”，各 1–30 字。 write a WeCom tag as 'group/name', each 1 to 30 characters"
        )
    return group, name


def manage(conn: psycopg.Connection, now: datetime, account: Account, tags: Sequence[str]) -> None:
    """From now on these tags ('group/name') are Yutang's to give, and no others; those that WeCom lacks are made."""
    for tag in tags:
        parts(tag)
    with conn.transaction():
        lock(conn, account)
        sql.manage_tags(conn, account=account.source, tags=list(tags))
        sql.drop_tag_errands(conn, account=account.source, tags=list(tags))
        missing = sql.missing_tags(conn, account=account.source, tags=list(tags)).fetchall()
        queue.add(conn, account.source, now, [Errand("tag", row.tag, now, {"machine": True}) for row in missing])


def managed(conn: psycopg.Connection, account: Account) -> list[Any]:
    """The tags that are Yutang's to give: rows of tag, by name, and state: managed, making, or deleted (by staff, at WeCom)."""
    return sql.managed_tags(conn, account=account.source).fetchall()


def mirror(conn: psycopg.Connection, now: datetime, account: Account, wishes: Sequence[Wish]) -> None:
    """Whom Yutang's tags were given to, or taken from; what is not machine-managed is passed over.

    In the caller's transaction, or one of its own.
    """
    latest = {(wish.address, wish.tag): wish for wish in wishes}
    with conn.transaction():
        lock(conn, account)
        kept = sql.wish(
            conn, account=account.source, now=now, externals=[k[0] for k in latest], tags=[k[1] for k in latest],
            wanted=[wish.wanted for wish in latest.values()],
        )  # fmt: skip
        externals = sorted({row.external_userid for row in kept})
        queue.add(conn, account.source, now, [Errand("mirror", external, now) for external in externals])


def tell(conn: psycopg.Connection, now: datetime, account: Account, externals: Iterable[str]) -> None:
    """Facts about the tags that these contacts got or lost since we last told; and errands where ours are not as wanted."""
    asked = sorted(set(externals))
    told, facts = [], []
    for row in sql.tags_shown(conn, account=account.source, externals=asked):
        gained, lost = set(row.shown) - set(row.told_tags), set(row.told_tags) - set(row.shown) - set(row.ours)
        lost = lost if row.settled else set()
        if gained or lost:
            version = row.version + 1
            told.append({"external_userid": row.external_userid, "version": version,
                         "tags": sorted(set(row.told_tags) - lost | gained)})  # fmt: skip
            facts += [_fact(account, now, row, version, tag, "tagged") for tag in sorted(gained)]
            facts += [_fact(account, now, row, version, tag, "untagged") for tag in sorted(lost)]
    if told:
        sql.keep_told(conn, account=account.source, rows=Jsonb(told))
        news.tell(conn, account.channel, facts)
    unlike = {row.external_userid for row in sql.unmirrored(conn, account=account.source, externals=asked)}
    queue.add(conn, account.source, now, [Errand("mirror", external, now) for external in sorted(unlike)])


def _fact(account: Account, now: datetime, row: Any, version: int, tag: str, type: str) -> Fact:
    key = f"tag:{row.external_userid}:{version}:{type}:{tag}"
    return Fact(key, type, now, handles(account, row.external_userid, row.unionid), {"tag": tag})


def keep_list(conn: psycopg.Connection, now: datetime, account: Account, groups: Sequence[Mapping[str, Any]]) -> None:
    """The corp's whole list as it is now: what is not in it is deleted. People whose tags are called otherwise are told of."""
    rows = [
        {
            "tag_id": clean(tag["id"]), "group_id": clean(group.get("group_id")), "group_name": clean(group.get("group_name")),
            "name": clean(tag.get("name")), "position": int(tag.get("order") or 0),
        }
        for group in groups
        for tag in group.get("tag") or []
        if not tag.get("deleted")
    ]  # fmt: skip
    with conn.transaction():
        lock(conn, account)
        changed = [row.tag_id for row in sql.keep_tags(conn, account=account.source, rows=Jsonb(rows))]
        changed += [r.tag_id for r in sql.drop_tags(conn, account=account.source, ids=[row["tag_id"] for row in rows])]
        carriers = sql.carriers(conn, account=account.source, ids=changed).fetchall() if changed else []
        tell(conn, now, account, [row.external_userid for row in carriers])
        waiting = sql.wished_for(conn, account=account.source, ids=changed).fetchall() if changed else []
        queue.add(conn, account.source, now, [Errand("mirror", row.external_userid, now) for row in waiting])


def read_list(desk: Desk, _: Errand) -> None:
    """Errand ``tags``: read the corp's list again."""
    groups = desk.wecom.rows("externalcontact/get_corp_tag_list", {"tag_id": [], "group_id": []})
    keep_list(desk.conn, desk.clock(), desk.account, groups)


def create(desk: Desk, errand: Errand) -> None:
    """Errand ``tag``: make the tag 'group/name' that is its key, unless it is there."""
    group, name = parts(errand.key)
    args = {"group_name": group, "tag": [{"name": name}], "agentid": int(desk.account.get("agent_id"))}
    try:
        desk.wecom.call("externalcontact/add_corp_tag", args)
    except PlatformError as error:
        if error.code != EXISTS:
            raise
    read_list(desk, errand)
    if errand.args.get("machine"):
        with desk.conn.transaction():
            lock(desk.conn, desk.account)
            sql.take_over_tag(desk.conn, account=desk.source, tag=errand.key)
            waiting = sql.wishes_for(desk.conn, account=desk.source, tag=errand.key).fetchall()
            queue.add(
                desk.conn,
                desk.source,
                desk.clock(),
                [Errand("mirror", r.external_userid, desk.clock()) for r in waiting],
            )


def put_right(desk: Desk, errand: Errand) -> None:
    """Errand ``mirror``: give a contact the tags that Yutang wants, at each follower, and take the others."""
    for row in sql.unmirrored(desk.conn, account=desk.source, externals=[errand.key]).fetchall():
        mark(desk, row.external_userid, row.userid, row.add, row.remove)


def mark(desk: Desk, external_userid: str, userid: str, add: Sequence[str], remove: Sequence[str] = ()) -> None:
    """Change the tags of one relation, and know of it, so that the callback that may follow is no news."""
    conn, account, now = desk.conn, desk.account, desk.clock()
    try:
        desk.wecom.mark_tag(userid, external_userid, add, remove)
    except PlatformError as error:
        if error.code not in (*GONE, NO_TAG):
            raise
        again = Errand("tags", "", now) if error.code == NO_TAG else Errand("contact", external_userid, now)
        queue.add(conn, account.source, now, [again])
        if error.code == NO_TAG:
            raise
        return
    with conn.transaction():
        lock(conn, account)
        sql.marked(
            conn, account=account.source, external=external_userid, userid=userid, add=list(add), remove=list(remove)
        )
        tell(conn, now, account, [external_userid])
