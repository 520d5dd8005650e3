"""Who is meant: the handles of a contact, and the lock under which an account's rows change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from yutang.channels.platform.account import Account
from yutang.db.queries import Queries

sql = Queries(__package__)


def clean(value: Any) -> str:
    """Text that the database can keep; what is no text is empty."""
    return value.replace("\0", "") if isinstance(value, str) else ""


def handles(account: Account, external_userid: str, unionid: str | None) -> dict[str, str]:
    """What joins the person: the id inside the corp, and the one that all apps of one owner share."""
    own = {f"external_userid@{account.get('corp_id')}": external_userid}
    return own | ({"unionid": unionid} if unionid else {})


def unionids(conn: psycopg.Connection, account: Account, externals: Iterable[str]) -> dict[str, str]:
    """Those that are known, by external_userid."""
    rows = sql.unionids(conn, account=account.source, externals=sorted(set(externals)))
    return {row.external_userid: row.unionid for row in rows}


def lock(conn: psycopg.Connection, account: Account) -> None:
    """Until the transaction ends, nobody else changes what we know of this account."""
    sql.lock_account(conn, account=account.source)


def is_customer(member: str) -> bool:
    """Ids of customers begin with wm, those of other corps' people with wo; whatever else is in a group is staff."""
    return member.startswith(("wm", "wo"))
