"""Who may ask: the API by its bearer key; the console whoever signed in, by password, through a platform, or with the same key.

Until the first administrator is set up, the console is open on this machine and nowhere else. What somebody may do is asked anew
at each request.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
import psycopg
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from yutang import config, users
from yutang.channels.platform import account
from yutang.channels.platform.account import Account
from yutang.users import ROLES, Right, Role, User
from yutang.vault import Key, Vault
from yutang.web.edge import Edge
from yutang.web.problems import Problem

NEED_KEY = (
    "请带上请求头 'Authorization: Bearer 钥匙'，用 `yutang key` 查看钥匙。 "
    "send 'Authorization: Bearer KEY'; `yutang key` shows the key"
)
REVOKED = (
    "这把钥匙已作废；`yutang key 名字 --new` 给一把新的。 this key was revoked; `yutang key NAME --new` gives a new one"
)
NEED_LOGIN = "请先登录。 sign in first"
CLOSED = "您的用户已停用，请联系管理员。 your user is closed; ask an administrator"
COOKIE = "session"
"""Who signed in through a platform: signed by us, for the desk and the sidebar."""
CONSOLE = "console"
"""The token of a session of the console; see `console_cookie`."""
PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers by which a proxy says that somebody else asks."""
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
    edge: Edge = connection.app.state.edge
    if (key := edge.vault.holder(_bearer(connection))) is None:
        raise Problem(401, NEED_KEY)
    if not (await sync_to_thread(edge.keys.hold, key) if edge.keys.due(key) else edge.keys.hold(key)):
        raise Problem(401, REVOKED)


def known_key(edge: Edge, given: str) -> Key | None:
    """Which key of the API this is; None where it is none. Raises Problem 401 for one that was revoked."""
    if (key := edge.vault.holder(given)) is not None and not edge.keys.hold(key):
        raise Problem(401, REVOKED)
    return key


@dataclass(frozen=True)
class Visitor:
    """Who looks at the console. stores, staff: whose persons, where the role does not see all of them. how: by what we know."""

    name: str
    title: str
    role: Role
    stores: tuple[str, ...] = ()
    staff: str | None = None
    how: Literal["machine", "key", "password", "platform"] = "password"

    def can(self, right: Right) -> bool:
        return right in self.role.rights


def needs(*rights: Right) -> Callable[[ASGIConnection, BaseRouteHandler], Awaitable[None]]:
    """A guard for the console: somebody who signed in and has one of these rights (any rights where none is named).

    Whatever changes something must come from a page of ours. Raises Problem 401 or 403.
    """

    async def guard(connection: ASGIConnection, _: BaseRouteHandler) -> None:
        visitor = await sync_to_thread(visitor_of, connection)
        connection.state.visitor = visitor
        if rights and not any(visitor.can(right) for right in rights):
            raise Problem(403, _missing(visitor, rights), "role")
        if connection.scope["method"] not in ("GET", "HEAD") and not is_ours(connection):  # type: ignore[typeddict-item]
            raise Problem(403, "请从本页面操作。 do this on a page of ours", "foreign")

    return guard


async def machine_or_look(connection: ASGIConnection, _: BaseRouteHandler) -> None:
    """A guard for what programs read too: from this machine without a key, from elsewhere like the console."""
    if not is_machine(connection):
        await needs("look")(connection, _)


def visitor_of(connection: ASGIConnection) -> Visitor:
    """By the key, the session, the platform's session, or because it is this machine and nobody has been set up.

    The Host must name this machine too: a page elsewhere may have its name point here. Raises Problem 401, and 403 for staff
    who may not open the console.
    """
    edge: Edge = connection.app.state.edge
    if (key := known_key(edge, _bearer(connection) or _password(connection))) is not None:
        return Visitor(key.name, key.name, ROLES["administrator"], how="key")
    with edge.pool.lend() as conn:
        if (user := users.find(conn, edge.clock(), token_of(connection))) is not None:
            return _known(user)
        if (session := session_of(connection)) is not None:
            return _from_platform(edge, conn, session)
        if is_machine(connection) and not users.any_user(conn):
            return Visitor("local", "local", ROLES["administrator"], how="machine")
    raise Problem(401, NEED_LOGIN)


def is_machine(connection: ASGIConnection) -> bool:
    """Does somebody ask who sits at this machine? A proxy on it sits there too, and speaks for anybody."""
    names = [connection.base_url.hostname or "", *filter(None, map(_host, _tell_tales(connection)))]
    passed_on = any(name in connection.headers for name in PASSED_ON)
    return connection.app.state.edge.local and not passed_on and all(map(is_loopback, names))


def _tell_tales(connection: ASGIConnection) -> list[str]:
    """Addresses that say how the browser knows us; a proxy may give us another Host."""
    return [config.PUBLIC_URL.value, connection.headers.get("origin", ""), connection.headers.get("referer", "")]


def _host(url: str) -> str:
    """The host of an address; of one that is none, what names no machine."""
    try:
        return urlsplit(url).hostname or ("?" if url else "")
    except ValueError:
        return "?"


def address_of(connection: ASGIConnection) -> str:
    """From where somebody asks. What a proxy says of it counts where a proxy may be: on this machine, and inside our
    own network where the settings say that browsers reach us by another address."""
    peer = connection.client.host if connection.client else ""
    said = connection.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    try:
        near, known = ip_address(peer), str(ip_address(said)) if said else ""
    except ValueError:
        return peer
    return known or peer if near.is_loopback or (near.is_private and config.PUBLIC_URL.value) else peer


def is_secure(connection: ASGIConnection) -> bool:
    """Do browsers reach us by TLS?"""
    return (config.PUBLIC_URL.value or str(connection.base_url)).startswith("https://")


def console_cookie(connection: ASGIConnection) -> str:
    """The name of the cookie with the token. Over TLS one that no neighbouring host, and no page without TLS, can set."""
    return f"__Host-{CONSOLE}" if is_secure(connection) else CONSOLE


def token_of(connection: ASGIConnection) -> str:
    """The token of the console's session in this browser; empty when there is none."""
    return connection.cookies.get(console_cookie(connection), "")


def is_ours(connection: ASGIConnection) -> bool:
    """Does a request come from a page of ours, or from a program with a key? Browsers say where from, and pages cannot lie about it."""
    if _bearer(connection):
        return True
    if (site := connection.headers.get("sec-fetch-site")) is not None:
        return site == "same-origin"
    # Browsers say so over TLS and on this machine alone; over plain HTTP they still name the origin of a form.
    own = {origin_of(url) for url in (config.PUBLIC_URL.value, str(connection.base_url)) if url}
    return connection.headers.get("origin") in own


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _known(user: User) -> Visitor:
    return Visitor(user.name, user.title, user.part, user.stores, user.staff)


def _from_platform(edge: Edge, conn: psycopg.Connection, session: Session) -> Visitor:
    """By the account as it is now. Platforms take userids in any case. Raises Problem.

    A user has a session of the console besides, which can be ended; so this one lets him in no more.
    """
    found = account.one(conn, edge.vault, session.kind, session.app)
    if found is None:
        raise Problem(401, NEED_LOGIN)
    if (user := users.by_identity(conn, session.kind, session.app, session.userid)) is not None:
        if user.closed_at is not None:
            raise Problem(403, CLOSED, "closed")
        raise Problem(401, NEED_LOGIN)
    admins = admins_of(found)
    if session.userid.casefold() not in {name.casefold() for name in admins}:
        raise Problem(403, _who_can(session, admins), "not_admin")
    return Visitor(session.userid, session.userid, ROLES["administrator"], how="platform")


def _missing(visitor: Visitor, rights: Sequence[Right]) -> str:
    able = [role for role in ROLES.values() if any(right in role.rights for right in rights)]
    zh, en = "、".join(role.zh for role in able), ", ".join(role.en for role in able)
    return (
        f"您的角色是{visitor.role.zh}，这一页需要：{zh}。请管理员在「设置 › 用户」里调整。 "
        f"You are {visitor.role.en}; this needs: {en}. An administrator can change it under Settings › Users"
    )


def _who_can(session: Session, admins: list[str]) -> str:
    known, name = ", ".join(admins) or "—", session.userid
    command = f"yutang channel add {session.kind} --name {session.app} --admins {','.join([*admins, name])}"
    return (
        f"{name} 不能打开控制台。请管理服务器的人运行 `{command}`；现有管理员：{known}。 "
        f"{name} may not open the console; ask whoever runs the server for `{command}`. Administrators now: {known}"
    )


def holder_of(connection: ASGIConnection) -> str:
    """Whose key an API call came with; for routes behind `with_key`."""
    return connection.app.state.edge.vault.holder(_bearer(connection)).name


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
