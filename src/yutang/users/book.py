"""The users: who they are, how they sign in, and whose customers they see."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg

from yutang import vault
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.users import passwords, sessions
from yutang.users.person import User, user_of
from yutang.users.roles import ROLES

sql = Queries(__package__)
RESERVED = (vault.EVERYBODY, "local", "server", "nobody", "new")
"""Names that stand for others: the key that all share, this machine, its command line, whoever could not sign in; and a page."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


def any_user(conn: psycopg.Connection) -> bool:
    """Has anybody been set up? Until then whoever sits at the machine itself is trusted."""
    row = sql.first(conn).fetchone()
    return bool(row and row.known)


def every(conn: psycopg.Connection) -> list[User]:
    """All of them, those who may not come in any more last."""
    return [user_of(row, row.seen_at) for row in sql.every(conn)]


def by_name(conn: psycopg.Connection, name: str) -> User:
    """Raises YutangError when there is none."""
    row = sql.by_name(conn, name=name.strip().lower()).fetchone()
    if row is None:
        raise YutangError(f"没有用户 {name}。 there is no user {name}")
    return user_of(row, row.seen_at)


def by_identity(conn: psycopg.Connection, kind: str, app: str, userid: str) -> User | None:
    """The user who is this member of staff on a platform; look whether he may still come in (`closed_at`)."""
    row = sql.by_identity(conn, kind=kind, app=app, userid=userid).fetchone()
    return None if row is None else user_of(row, row.seen_at)


def check_first(conn: psycopg.Connection, role: str) -> None:
    """The first user shuts the door behind him: raises YutangError when nobody could let others in. Ask before `add`."""
    if role != "administrator" and not any_user(conn):
        raise YutangError(
            "第一位用户要是管理员，否则没有人能管理其他人。 the first user must be an administrator, or nobody could let others in"
        )


def add(
    conn: psycopg.Connection,
    now: datetime,
    name: str,
    title: str,
    role: str,
    password: str | None = None,
    *,
    identity: tuple[str, str, str] | None = None,
    stores: Sequence[str] = (),
    staff: str | None = None,
    only_first: bool = False,
) -> User:
    """A new user. `only_first`: refused when there is one already. Raises YutangError for whatever is wrong."""
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        raise YutangError(
            f"登录名 '{name}'：用 1–32 个小写字母、数字、点、- 或 _。 a name has 1 to 32 lower-case letters, digits, dots, - or _"
        )
    if name in RESERVED:
        raise YutangError(
            f"登录名 '{name}' 另有所指，换一个。 the name '{name}' means something else; take another one"
        )
    _check_role(role)
    kind, app, userid = _identity(identity)
    hashed = None if password is None else _hashed(name, password)
    with conn.transaction():
        sql.lock(conn)
        if only_first and any_user(conn):
            raise YutangError("已经有管理员了，请登录。 there is an administrator already; sign in")
        made = sql.add(
            conn, name=name, title=title.strip() or name, role=role, password=hashed, kind=kind, app=app, userid=userid,
            stores=list(stores), staff=staff, now=now,
        ).fetchone()  # fmt: skip
        if made is None:
            raise YutangError(
                f"已有用户 {name}，或已有人用这个企业账号。 there is a user {name} already, or one with this account of the company"
            )
    return by_name(conn, name)


def check(conn: psycopg.Connection, name: str, password: str) -> User | None:
    """The user whose password this is; takes as long when there is none."""
    row = sql.password(conn, name=name.strip().lower()[:64]).fetchone()
    kept = None if row is None else row.password
    if not passwords.fits(kept, password):
        return None
    user = by_name(conn, name)
    if passwords.outdated(kept):
        sql.set_password(conn, name=user.name, password=passwords.hashed(password))
    return user


def set_password(conn: psycopg.Connection, name: str, password: str, keep: str = "") -> None:
    """Another password; whoever is signed in by the old one is signed out, but for the session of the token `keep`.

    Raises YutangError for what may be none.
    """
    user, hashed = by_name(conn, name), _hashed(name, password)
    with conn.transaction():
        sql.set_password(conn, name=user.name, password=hashed)
        sessions.end_all(conn, user.name, keep)


def change(conn: psycopg.Connection, user: User, **said: Any) -> User:
    """Another title, role, identity, stores or staff. Raises YutangError, also for the last administrator's role."""
    new = replace(user, **said)
    _check_role(new.role)
    kind, app, userid = _identity((new.kind, new.app, new.userid) if new.kind and new.app and new.userid else None)
    with conn.transaction():
        sql.lock(conn)
        if new.role != "administrator" or not (new.has_password or userid):
            _check_not_last(conn, user.name)
        _check_identity(conn, user.name, kind, app, userid)
        sql.change(
            conn, name=new.name, title=new.title.strip() or new.name, role=new.role, kind=kind, app=app, userid=userid,
            stores=list(new.stores), staff=new.staff,
        )  # fmt: skip
    return by_name(conn, user.name)


def close(conn: psycopg.Connection, now: datetime, name: str) -> None:
    """This user may not come in any more; what he did stays his. Raises YutangError for the last administrator."""
    name = by_name(conn, name).name
    with conn.transaction():
        sql.lock(conn)
        _check_not_last(conn, name)
        sql.close(conn, name=name, now=now)
        sessions.end_all(conn, name)


def reopen(conn: psycopg.Connection, name: str) -> None:
    """He may come in again."""
    sql.reopen(conn, name=by_name(conn, name).name)


def _check_not_last(conn: psycopg.Connection, name: str) -> None:
    row = sql.administrators(conn, name=name).fetchone()
    if row is not None and row.n == 0 and by_name(conn, name).role == "administrator":
        raise YutangError(
            f"{name} 是最后一位管理员，请先设另一位。 {name} is the last administrator; make somebody else one first"
        )


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise YutangError(
            f"没有角色 {role}，可用：{', '.join(ROLES)}。 there is no role {role}; there are {', '.join(ROLES)}"
        )


def _check_identity(conn: psycopg.Connection, name: str, kind: str | None, app: str | None, userid: str | None) -> None:
    if kind is None or app is None or userid is None:
        return
    other = by_identity(conn, kind, app, userid)
    if other is not None and other.name != name:
        raise YutangError(
            f"{kind}:{app} 的 {userid} 已是用户 {other.name}。 {userid} of {kind}:{app} is the user {other.name} already"
        )


def _identity(said: tuple[str, str, str] | None) -> tuple[str | None, str | None, str | None]:
    """Platforms take userids in any case, so one case is kept. Raises YutangError for half an identity."""
    if said is None:
        return None, None, None
    kind, app, userid = (part.strip() for part in said)
    if not (kind and app and userid):
        raise YutangError("企业账号写成 类型:账号:成员，如 wecom:main:li。 write an identity as kind:account:userid")
    return kind, app, userid.lower()


def _hashed(name: str, password: str) -> str:
    """Raises YutangError for what may be no password."""
    passwords.check(name, password)
    return passwords.hashed(password)


def staff_of(conn: psycopg.Connection, stores: Sequence[str]) -> list[str]:
    """The members of staff who sell in these stores, as users say it of themselves."""
    return sorted(row.staff for row in sql.staff_of(conn, stores=list(stores)))
