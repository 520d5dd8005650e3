"""My account: another password, asked for the old one; and where I am signed in."""

from __future__ import annotations

from typing import Any

import psycopg
from litestar import Request, Response

from yutang import users
from yutang.model import YutangError
from yutang.users import User
from yutang.web.access import token_of
from yutang.web.edge import edge_of
from yutang.web.forms import Form, text_of
from yutang.web.pages.me.text import TEXT
from yutang.web.pages.page import Page, done
from yutang.web.pages.settings.own import browser
from yutang.web.problems import Problem
from yutang.web.routes import act, look


@look("/me")
def me(request: Request) -> Response[bytes]:
    with edge_of(request).pool.lend() as conn:
        return _show(request, conn)


@act("/me/password")
def password(request: Request, data: Form) -> Response[Any]:
    """Whoever finds a browser open does not know the old one, and so cannot take the account away."""
    with edge_of(request).pool.lend() as conn:
        user = _user(request, conn)
        try:
            _change(request, conn, user, data)
        except YutangError as error:
            return _show(request, conn, str(error))
    return done("/me", "密码已修改，其他设备已退出。", "The password is changed; other devices are signed out.")


def _change(request: Request, conn: psycopg.Connection, user: User, data: Form) -> None:
    """Raises YutangError."""
    edge, page = edge_of(request), Page(request, texts=TEXT)
    old, new = (text_of(data, name, strip=False) for name in ("old", "password"))
    key = f"own password {user.name}"
    if not edge.signins.allows(key, edge.clock()):
        raise YutangError(page.text("too_many"))
    if users.check(conn, user.name, old) is None:
        raise YutangError(page.text("password_wrong"))
    edge.signins.give_back(key)
    if new != text_of(data, "again", strip=False):
        raise YutangError(page.text("password_differ"))
    with conn.transaction():
        users.set_password(conn, user.name, new, token_of(request))
        users.note(conn, edge.clock(), user.name, "user_password", f"user/{user.name}")


@act("/me/sign-out")
def sign_out(request: Request) -> Response[Any]:
    """Out of every other session of mine."""
    edge = edge_of(request)
    with edge.pool.lend() as conn, conn.transaction():
        user = _user(request, conn)
        ended = users.end_all(conn, user.name, token_of(request))
        users.note(conn, edge.clock(), user.name, "sign_out_everywhere", f"user/{user.name}", {"ended": ended})
    return done("/me", f"已退出 {ended} 处登录。", f"{ended} sessions ended.")


def _user(request: Request, conn: psycopg.Connection) -> User:
    """Raises Problem 403 for a key, an admin of a platform's account, or the machine itself."""
    found = _own(request, conn)
    if found is None:
        words = TEXT["no_user"]
        raise Problem(403, " ".join(words).format(name=request.state.visitor.name), "role")
    return found


def _own(request: Request, conn: psycopg.Connection) -> User | None:
    return users.find(conn, edge_of(request).clock(), token_of(request))


def _show(request: Request, conn: psycopg.Connection, error: str | None = None) -> Response[bytes]:
    user, now = _own(request, conn), edge_of(request).clock()
    return Page.of(request, conn, TEXT).show(
        "me/page.html",
        status=422 if error else 200,
        user=user,
        error=error,
        browser=browser,
        shortest=users.SHORTEST,
        sessions=users.open_sessions(conn, now, user.name, token_of(request)) if user else [],
    )
