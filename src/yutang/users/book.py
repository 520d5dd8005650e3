"""The users: who they are, how they sign in, and whose customers they see."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.users.roles import ROLES, Role

sql = Queries(__package__)
SHORTEST = 10
"""Characters of a password. NIST SP 800-63B asks for eight, and for no rules about their kinds."""
LONGEST = 128
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_hasher = PasswordHasher()
_NOBODY = _hasher.hash("nobody has this password")
"""Compared with when there is no such user, so that the time taken says nothing."""


@dataclass(frozen=True)
class User:
    """Who may open the console. kind, app, userid: who this is on a platform; staff: whose customers a salesperson sees."""

    user_id: int
    name: str
    title: str
    role: str
    kind: str | None
    app: str | None
    userid: str | None
    stores: tuple[str, ...]
    staff: str | None
    made_at: datetime
    seen_at: datetime | None
    closed_at: datetime | None
    has_password: bool

    @property
    def part(self) -> Role:
        """What the role may do."""
        return ROLES[self.role]


def user_of(row: Any, seen_at: datetime | None) -> User:
    return User(
        row.user_id, row.name, row.title, row.role, row.kind, row.app, row.userid, tuple(row.stores), row.staff,
        row.made_at, seen_at, row.closed_at, row.has_password,
    )  # fmt: skip


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
    """The user who is this member of staff on a platform, if he may come in."""
    row = sql.by_identity(conn, kind=kind, app=app, userid=userid).fetchone()
    return user_of(row, row.seen_at) if row is not None and row.closed_at is None else None


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
    _check_role(role)
    kind, app, userid = identity or (None, None, None)
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
    kept = row.password if row is not None and row.password else _NOBODY
    try:
        _hasher.verify(kept, password[:LONGEST])
    except (Argon2Error, InvalidHashError):
        return None
    return by_name(conn, name) if row is not None and row.password else None


def set_password(conn: psycopg.Connection, name: str, password: str) -> None:
    """Raises YutangError for a password that is too short, too long, or the name itself."""
    sql.set_password(conn, name=by_name(conn, name).name, password=_hashed(name, password))


def change(conn: psycopg.Connection, user: User, **said: Any) -> User:
    """Another title, role, identity, stores or staff. Raises YutangError, also for the last administrator's role."""
    new = replace(user, **said)
    _check_role(new.role)
    with conn.transaction():
        sql.lock(conn)
        if user.role == "administrator" and new.role != "administrator":
            _check_not_last(conn, user.name)
        sql.change(
            conn, name=new.name, title=new.title, role=new.role, kind=new.kind, app=new.app, userid=new.userid,
            stores=list(new.stores), staff=new.staff,
        )  # fmt: skip
    return new


def close(conn: psycopg.Connection, now: datetime, name: str) -> None:
    """This user may not come in any more; what he did stays his. Raises YutangError for the last administrator."""
    with conn.transaction():
        sql.lock(conn)
        _check_not_last(conn, name)
        sql.close(conn, name=name, now=now)
        sql.end_all(conn, name=name)


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


def _hashed(name: str, password: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST:
        raise YutangError(
            f"密码要 {SHORTEST}–{LONGEST} 个字符，可用一句话。 a password has {SHORTEST} to {LONGEST} characters; a sentence will do"
        )
    if password.strip().lower() == name.strip().lower():
        raise YutangError("密码不能和登录名相同。 the password must not be the name")
    return _hasher.hash(password)
