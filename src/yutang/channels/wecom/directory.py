"""The staff: who there is, who has left, and who is called otherwise now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from yutang.channels.platform.account import Account
from yutang.channels.wecom import codes
from yutang.channels.wecom.changes import Change
from yutang.channels.wecom.who import clean
from yutang.db.queries import Queries

sql = Queries(__package__)

DISABLED, LEFT = "2", "5"
STATES = {DISABLED: "disabled", LEFT: "left"}


def hear(conn: psycopg.Connection, now: datetime, account: Account, changes: Sequence[Change]) -> None:
    """Callbacks about staff, oldest first; the caller holds the account's lock. Who left is taken off our codes."""
    rows: dict[str, dict[str, Any]] = {}
    for change in changes:
        userid, renamed = change.text("UserID"), change.text("NewUserID")
        if renamed:
            _rename(conn, account, userid, renamed)
            userid = renamed
        rows[userid] = rows.get(userid, {}) | _said(change, userid)
    _keep(conn, now, account, list(rows.values()))
    codes.rotate(
        conn, now, account, [userid for userid, row in rows.items() if row.get("state") in ("left", "disabled")]
    )


def _said(change: Change, userid: str) -> dict[str, Any]:
    """What a callback says; it leaves out what did not change."""
    if change.type == "delete_user":
        return {"userid": userid, "state": "left"}
    said: dict[str, Any] = {"userid": userid}
    if change.text("Name"):
        said["name"] = change.text("Name")
    if change.text("Department"):
        said["departments"] = change.text("Department").split(",")
    if change.text("Status"):
        said["state"] = STATES.get(change.text("Status"), "active")
    return said


def _rename(conn: psycopg.Connection, account: Account, before: str, after: str) -> None:
    for statement in (sql.rename_staff, sql.rename_follower, sql.rename_owner, sql.rename_in_codes):
        statement(conn, account=account.source, before=before, after=after)


def keep(conn: psycopg.Connection, now: datetime, account: Account, raws: Sequence[Mapping[str, Any]]) -> None:
    """Staff as ``user/get`` shows them."""
    rows = [
        {
            "userid": clean(raw["userid"]), "name": clean(raw.get("name")), "in_range": True,
            "departments": [str(one) for one in raw.get("department") or []],
            "state": STATES.get(str(raw.get("status")), "active"),
        }
        for raw in raws
    ]  # fmt: skip
    _keep(conn, now, account, rows)


def _keep(conn: psycopg.Connection, now: datetime, account: Account, rows: list[dict[str, Any]]) -> None:
    sql.add_staff(conn, account=account.source, now=now, users=[row["userid"] for row in rows])
    sql.keep_staff(conn, account=account.source, now=now, rows=Jsonb(rows))


def left(conn: psycopg.Connection, now: datetime, account: Account, userids: Sequence[str]) -> None:
    """Staff whom the platform does not know any more."""
    _keep(conn, now, account, [{"userid": userid, "state": "left", "in_range": False} for userid in userids])
    _without(conn, now, account, userids)


def _without(conn: psycopg.Connection, now: datetime, account: Account, userids: Sequence[str]) -> None:
    """What stood on these members of staff goes on without them."""
    if userids:
        sql.owner_left(conn, account=account.source, users=list(userids))
        codes.rotate(conn, now, account, userids)
