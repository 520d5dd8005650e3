"""Users: who they are, what each may do and whose customers he sees, how he signs in, and where he is signed in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect

from yutang import definitions, users
from yutang.channels import LOGINS
from yutang.channels.platform import account
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.users import RIGHTS, ROLES, Role, User
from yutang.web.access import token_of
from yutang.web.edge import edge_of
from yutang.web.forms import Form, text_of, texts_of
from yutang.web.pages.page import done
from yutang.web.pages.settings.frame import note, page, show
from yutang.web.pages.settings.text import TEXT
from yutang.web.problems import Problem
from yutang.web.routes import act, look
from yutang.why.words import title_of

sql = Queries(__package__)
PATH = "/settings/users/{name:str}"


class Said(NamedTuple):
    """What a form says of a user. identity: ``kind:account`` that he signs in with, and his userid there."""

    title: str
    role: str
    stores: list[str]
    staff: str
    through: str
    userid: str

    @property
    def identity(self) -> tuple[str, str, str] | None:
        """None where he signs in by password alone. Raises YutangError for half of one."""
        kind, _, app = self.through.partition(":")
        if not self.userid:
            return None
        if not app:
            raise YutangError("选择企业账号，或清空成员账号。 choose the account, or clear the member's id")
        return kind, app, self.userid


@look("/settings/users", "settings")
def every(request: Request) -> Response[bytes]:
    """All of them, those who are closed last."""
    with edge_of(request).pool.lend() as conn:
        return show(request, conn, "users", users=users.every(conn), titles=_stores(conn))


@look("/settings/users/new", "settings")
def new(request: Request) -> Response[bytes]:
    with edge_of(request).pool.lend() as conn:
        role = "operator" if users.any_user(conn) else "administrator"
        return _form(request, conn, None, Said("", role, [], "", "", ""))


@act("/settings/users/new", "settings")
def add(request: Request, data: Form) -> Response[Any]:
    """A new user, with a password, an identity, or both."""
    edge, said = edge_of(request), _said(data)
    with edge.pool.lend() as conn:
        try:
            made = _add(request, conn, text_of(data, "name"), said, text_of(data, "password", strip=False))
        except YutangError as error:
            return _form(request, conn, None, said, text_of(data, "name"), str(error))
    to = f"/settings/users/{made.name}"
    return done(to, f"已添加用户「{made.title}」。", f"{made.title} was added.")


def _add(request: Request, conn: psycopg.Connection, name: str, said: Said, password: str) -> User:
    users.check_first(conn, said.role)
    if not password and said.identity is None:
        raise YutangError("给一个初始密码，或填企业账号。 give a first password, or an account of the company")
    with conn.transaction():
        made = users.add(
            conn, edge_of(request).clock(), name, said.title, said.role, password or None,
            identity=said.identity, stores=said.stores, staff=said.staff or None,
        )  # fmt: skip
        note(request, conn, "user_add", f"user/{made.name}", role=said.role)
    return made


@look(PATH, "settings")
def one(request: Request, name: FromPath[str]) -> Response[bytes]:
    with edge_of(request).pool.lend() as conn:
        user = _user(conn, name)
        return _form(request, conn, user, _as_is(user))


@act(PATH, "settings")
def change(request: Request, name: FromPath[str], data: Form) -> Response[Any]:
    """Another name, role, scope or identity; it holds from the next request on."""
    said = _said(data)
    with edge_of(request).pool.lend() as conn:
        user = _user(conn, name)
        try:
            _change(request, conn, user, said)
        except YutangError as error:
            return _form(request, conn, user, said, error=str(error))
    return done(f"/settings/users/{user.name}", "已保存，立即生效。", "Saved; it holds from now on.")


def _change(request: Request, conn: psycopg.Connection, user: User, said: Said) -> None:
    kind, app, userid = said.identity or (None, None, None)
    with conn.transaction():
        users.change(
            conn, user, title=said.title or user.name, role=said.role, stores=tuple(said.stores), staff=said.staff or None,
            kind=kind, app=app, userid=userid,
        )  # fmt: skip
        note(request, conn, "user_change", f"user/{user.name}", before=user.role, role=said.role)


@act(f"{PATH}/password", "settings")
def password(request: Request, name: FromPath[str], data: Form) -> Response[Any]:
    """Another password for somebody who forgot his; he is signed out everywhere."""
    with edge_of(request).pool.lend() as conn:
        user = _user(conn, name)
        keep = token_of(request) if user.name == request.state.visitor.name else ""
        try:
            with conn.transaction():
                users.set_password(conn, user.name, text_of(data, "password", strip=False), keep)
                note(request, conn, "user_password", f"user/{user.name}")
        except YutangError as error:
            return _form(request, conn, user, _as_is(user), password_error=str(error))
    return _back(
        user, f"已重设「{user.title}」的密码，请当面告诉他。", f"{user.title} has another password; tell it in person."
    )


@act(f"{PATH}/close", "settings")
def close(request: Request, name: FromPath[str]) -> Response[Any]:
    """Out at once, and kept out."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        user = _user(conn, name)
        try:
            with conn.transaction():
                users.close(conn, edge.clock(), user.name)
                note(request, conn, "user_close", f"user/{user.name}")
        except YutangError as error:
            return _form(request, conn, user, _as_is(user), error=str(error))
    undo = f"/settings/users/{user.name}/open"
    return _back(
        user, f"已停用「{user.title}」，所有设备已退出。", f"{user.title} is closed, and signed out everywhere.", undo
    )


@act(f"{PATH}/open", "settings")
def reopen(request: Request, name: FromPath[str]) -> Redirect:
    """He may come in again."""
    with edge_of(request).pool.lend() as conn, conn.transaction():
        user = _user(conn, name)
        users.reopen(conn, user.name)
        note(request, conn, "user_open", f"user/{user.name}")
    return _back(user, f"已启用「{user.title}」。", f"{user.title} may come in again.")


@act(f"{PATH}/sign-out", "settings")
def sign_out(request: Request, name: FromPath[str]) -> Redirect:
    """Every session of the user ends, but for the one that asks for it."""
    with edge_of(request).pool.lend() as conn, conn.transaction():
        user = _user(conn, name)
        ended = users.end_all(conn, user.name, token_of(request))
        note(request, conn, "sign_out_everywhere", f"user/{user.name}", ended=ended)
    return _back(user, f"已退出 {ended} 处登录。", f"{ended} sessions ended.")


def _back(user: User, zh: str, en: str, undo: str | None = None) -> Redirect:
    return done(f"/settings/users/{user.name}", zh, en, undo=undo)


def _user(conn: psycopg.Connection, name: str) -> User:
    """Raises Problem 404."""
    try:
        return users.by_name(conn, name)
    except YutangError as error:
        raise Problem(404, str(error)) from None


def _said(data: Form) -> Said:
    stores = sorted({store for store in texts_of(data, "stores") if store.strip()})
    return Said(
        text_of(data, "title"), text_of(data, "role"), stores, text_of(data, "staff"), text_of(data, "through"),
        text_of(data, "userid"),
    )  # fmt: skip


def _as_is(user: User) -> Said:
    through = f"{user.kind}:{user.app}" if user.kind else ""
    return Said(user.title, user.role, list(user.stores), user.staff or "", through, user.userid or "")


def _form(
    request: Request,
    conn: psycopg.Connection,
    user: User | None,
    said: Said,
    name: str = "",
    error: str | None = None,
    password_error: str | None = None,
) -> Response[bytes]:
    edge = edge_of(request)
    accounts = [one.source for one in account.every(conn, edge.vault) if one.kind in LOGINS]
    return show(
        request,
        conn,
        "user",
        422 if error or password_error else 200,
        user=user,
        said=said,
        name=name,
        error=error,
        password_error=password_error,
        roles=ROLES,
        rights={role.name: _rights(role) for role in ROLES.values()},
        stores=_stores(conn)
        | {store: {"zh": store, "en": store} for store in said.stores if store not in _stores(conn)},
        staff=sql.staff(conn).fetchall(),
        accounts=[("", page(request, conn).text("through_none")), *((one, one) for one in accounts)]
        if accounts
        else [],
        shortest=users.SHORTEST,
        sessions=_sessions(conn, edge.clock(), user, token_of(request)),
    )


def _rights(role: Role) -> dict[str, str]:
    """What a role may do, in words; by what it may not where that is less."""
    missing = [right for right in RIGHTS if right not in role.rights]
    if not missing:
        return {"zh": "全部", "en": "everything"}
    named = missing if len(missing) < 3 else [right for right in RIGHTS if right in role.rights]
    zh, en = ("、".join(TEXT[f"right.{r}"][0] for r in named), ", ".join(TEXT[f"right.{r}"][1] for r in named))
    return {"zh": f"除{zh}以外的全部", "en": f"everything but {en}"} if named is missing else {"zh": zh, "en": en}


def _sessions(conn: psycopg.Connection, now: datetime, user: User | None, token: str) -> list[Any]:
    return [] if user is None else users.open_sessions(conn, now, user.name, token)


def _stores(conn: psycopg.Connection) -> dict[str, Mapping[str, str]]:
    """The brand's stores and their titles."""
    return {d.name: title_of(d.body, d.name) for d in definitions.all_current(conn, "store")}


ROUTES = [every, new, add, one, change, password, close, reopen, sign_out]
