"""Who may ask: the API by its bearer key; pages from this machine alone, from elsewhere with the same key or a session.

A session says who signed in through which account. Whether that opens the console is asked anew at each request.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

import msgspec
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from yutang.channels.platform import account
from yutang.channels.platform.account import Account
from yutang.vault import Vault
from yutang.web.edge import Edge
from yutang.web.problems import Problem

NEED_KEY = "send 'Authorization: Bearer KEY'; `yutang key` shows the key"
NEED_LOGIN = (
    "these pages are open without a login only on this machine; elsewhere sign in at /login, or the browser asks for a "
    "name (any) and a password: the key that `yutang key` shows"
)
COOKIE = "session"
PURPOSE = "console session"
VALID = timedelta(hours=12)


@dataclass(frozen=True)
class Session:
    """A member of staff who signed in through the account `kind`:`app`."""

    kind: str
    app: str
    userid: str


def sign_session(vault: Vault, now: datetime, session: Session) -> str:
    """The value of the cookie: what it says and until when, and our signature."""
    said = [session.kind, session.app, session.userid, int((now + VALID).timestamp())]
    text = base64.urlsafe_b64encode(msgspec.json.encode(said)).decode()
    return f"{text}.{vault.sign(PURPOSE, text.encode())}"


def session_of(connection: ASGIConnection) -> Session | None:
    """The session of this browser; None when there is none, it is over, or it is not of our making."""
    edge: Edge = connection.app.state.edge
    text, _, signature = connection.cookies.get(COOKIE, "").partition(".")
    if not hmac.compare_digest(signature.encode(), edge.vault.sign(PURPOSE, text.encode()).encode()):
        return None
    kind, app, userid, until = msgspec.json.decode(base64.urlsafe_b64decode(text), type=tuple[str, str, str, int])
    return Session(kind, app, userid) if edge.clock().timestamp() < until else None


def admins_of(account: Account) -> list[str]:
    """Who may open the console through this account."""
    return [name for name in account.get("admins").replace(" ", "").split(",") if name]


def is_loopback(host: str) -> bool:
    """Does this name only ever mean the machine itself?"""
    host = host.strip("[]").lower()
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def with_key(connection: ASGIConnection, _: BaseRouteHandler) -> None:
    """A guard: the bearer key, compared in constant time. Raises Problem 401. Not a plain function: that would run in a thread."""
    if not _is_key(connection, _bearer(connection)):
        raise Problem(401, NEED_KEY)


async def local_or_key(connection: ASGIConnection, _: BaseRouteHandler) -> None:
    """A guard for what people look at. The Host must name this machine too: a page elsewhere may have its name point here.

    Raises Problem 401, and 403 for those who signed in but may not open the console.
    """
    host = connection.base_url.hostname or ""
    if connection.app.state.edge.local and is_loopback(host):
        return
    if _is_key(connection, _bearer(connection) or _password(connection)):
        return
    session = session_of(connection)
    if session is None:
        raise Problem(401, NEED_LOGIN)
    await sync_to_thread(_check_admin, connection.app.state.edge, session)


def _check_admin(edge: Edge, session: Session) -> None:
    """By the account as it is now. Platforms take userids in any case. Raises Problem."""
    with edge.pool.lend() as conn:
        found = account.one(conn, edge.vault, session.kind, session.app)
    if found is None:
        raise Problem(401, NEED_LOGIN)
    admins = admins_of(found)
    if session.userid.casefold() not in {name.casefold() for name in admins}:
        raise Problem(403, _who_can(session, admins), "not_admin")


def _who_can(session: Session, admins: list[str]) -> str:
    known, name = ", ".join(admins) or "—", session.userid
    command = f"yutang channel add {session.kind} --name {session.app} --admins {','.join([*admins, name])}"
    return (
        f"{name} 不能打开控制台。请管理服务器的人运行 `{command}`；现有管理员：{known}。 "
        f"{name} may not open the console; ask whoever runs the server for `{command}`. Administrators now: {known}"
    )


def _is_key(connection: ASGIConnection, given: str) -> bool:
    return connection.app.state.edge.vault.holder(given) is not None


def holder_of(connection: ASGIConnection) -> str:
    """Whose key an API call came with; for routes behind `with_key`."""
    return connection.app.state.edge.vault.holder(_bearer(connection))


def _bearer(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _password(connection: ASGIConnection) -> str:
    """The password of HTTP basic authentication."""
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
