"""Signing in to the console through a platform: to its page, back with a code, and out again."""

from __future__ import annotations

import re
import secrets
from typing import Any

import psycopg
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from yutang import channels, config, users
from yutang.channels.platform import account
from yutang.channels.platform.account import Account
from yutang.model import YutangError
from yutang.web import access
from yutang.web.access import COOKIE, VALID, Session, admins_of, session_of, sign_session
from yutang.web.edge import Edge, edge_of
from yutang.web.forms import Form, page_of, text_of
from yutang.web.guesses import DEVICE, DEVICE_SECONDS, Tries, sign_device
from yutang.web.pages.page import Page
from yutang.web.problems import Problem
from yutang.web.routes import in_thread

BROWSER = "login"
"""The cookie to which a sign-in is bound: who comes back must be who went."""
BROWSER_SECONDS = 600
INSIDE = "wxwork"
"""How the client's own browser calls itself."""
LONGEST_CODE = 512
TO = "to"
"""The cookie that says which page a sign-in was for."""
MAX_FORM = 10_000
"""Bytes."""
PATH = "/login/{kind:str}/{app:str}"
KEEP_OUT = {"cache-control": "no-store"}

WORDS = {
    "title": {"zh": "登录", "en": "Sign in"},
    "signed_in": {"zh": "已登录", "en": "Signed in"},
    "log_out": {"zh": "退出", "en": "Sign out"},
    "accounts": {"zh": "用企业账号登录", "en": "With the account of your company"},
    "nobody": {
        "zh": "还没有人可以这样登录。请管理服务器的人运行：",
        "en": "Nobody can sign in like this yet. Whoever runs the server can allow it:",
    },
    "name": {"zh": "登录名", "en": "Name"},
    "password": {"zh": "密码", "en": "Password"},
    "enter": {"zh": "登录", "en": "Sign in"},
    "wrong": {"zh": "登录名或密码不对。", "en": "The name or the password is wrong."},
    "too_many": {
        "zh": "错误次数太多，请十分钟后再试。",
        "en": "Too many wrong tries; try again in ten minutes.",
    },
    "first": {
        "zh": "还没有管理员。请用服务器上 yutang key 给出的钥匙设置第一位。",
        "en": "There is no administrator yet. Set up the first one, with the key that `yutang key` shows on the server.",
    },
    "set_up": {"zh": "设置管理员", "en": "Set up the administrator"},
    "forgot": {
        "zh": "忘了密码？请管理员重设；管理员忘了，在服务器上运行 yutang user password 名字。",
        "en": "Forgotten? An administrator can set a new one; for an administrator: `yutang user password NAME` on the server.",
    },
}


@get("/login", include_in_schema=False)
@in_thread
def choose(request: Request) -> Response[Any]:
    """The ways in; before the first administrator is there, the page that makes one."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        if not users.any_user(conn) and access.is_machine(request):
            return Redirect("/setup", status_code=303, headers=KEEP_OUT)
        return show(request, conn, request.query_params.get(TO, ""))


def show(
    request: Request,
    conn: psycopg.Connection,
    to: str,
    *,
    status: int = 200,
    error: str | None = None,
    typed: str = "",
) -> Response[bytes]:
    """The page on which one signs in; `to`: the page that was asked for, `typed`: the name that was."""
    edge = edge_of(request)
    known = [one for one in account.every(conn, edge.vault) if one.kind in channels.LOGINS]
    used = {f"{user.kind}:{user.app}" for user in users.every(conn) if user.closed_at is None}
    return Page(request).show(
        "login/page.html",
        status=status,
        words=WORDS,
        accounts=[(one, channels.called(one.kind)) for one in known if admins_of(one) or one.source in used],
        commands=[f"yutang channel add {kind} --admins USERID,…" for kind in channels.LOGINS],
        session=session_of(request),
        nobody=not users.any_user(conn),
        to=page_of(to),
        error=error,
        typed=typed,
    )


@post("/login", status_code=303, include_in_schema=False, request_max_body_size=MAX_FORM)
@in_thread
def sign_in(request: Request, data: Form) -> Response[Any]:
    """By name and password; whoever was wrong too often waits."""
    name, to = text_of(data, "name"), text_of(data, TO)
    _check_ours(request)
    tries = Tries(request, name)
    with edge_of(request).pool.lend() as conn:
        if not tries.allowed(conn):
            return show(request, conn, to, status=429, error=Page(request).words(WORDS["too_many"]), typed=name)
        try:
            user = users.check(conn, name, text_of(data, "password", strip=False))
        except users.TooMany as error:
            return show(request, conn, to, status=503, error=str(error), typed=name)
        if user is None:
            tries.note(conn)
            return show(request, conn, to, status=422, error=Page(request).words(WORDS["wrong"]), typed=name)
        tries.right()
        return signed_in(request, conn, user, page_of(to))


def signed_in(request: Request, conn: psycopg.Connection, user: users.User, to: str) -> Redirect:
    """A session begins, and whatever this browser held before ends; on to the page. The browser is known from now on."""
    base = public_url(request)
    token = _begin(request, conn, user)
    cookies = [
        _cookie(base, access.console_cookie(request), token, int(users.VALID.total_seconds())),
        _cookie(base, COOKIE, "", 0),
        _cookie(base, DEVICE, sign_device(edge_of(request).vault, user.name), DEVICE_SECONDS, "/login"),
    ]
    return Redirect(to, status_code=303, cookies=cookies, headers=KEEP_OUT)


def _begin(request: Request, conn: psycopg.Connection, user: users.User) -> str:
    edge = edge_of(request)
    with conn.transaction():
        users.end(conn, access.token_of(request))
        browser = request.headers.get("user-agent", "")
        token = users.begin(conn, edge.clock(), user, access.address_of(request), browser)
        users.note(conn, edge.clock(), user.name, "sign_in", f"user/{user.name}")
    return token


@get(PATH, sync_to_thread=True, include_in_schema=False)
def begin(request: Request, kind: FromPath[str], app: FromPath[str]) -> Redirect:
    """To the platform's page; inside its client to the one that comes back at once."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        found = account_of(edge, conn, channels.LOGINS, kind, app)
    browser = request.cookies.get(BROWSER) or secrets.token_urlsafe(16)
    platform, base = channels.LOGINS[kind], public_url(request)
    state = platform.state(edge.vault, edge.clock(), _bound(kind, app, browser))
    inside = INSIDE in request.headers.get("user-agent", "").lower()
    page, field = (platform.inside_url, "inside_url") if inside else (platform.browser_url, "login_url")
    given = {"base": found.get(field)} if found.get(field) else {}
    to = page(found, f"{base}/login/{kind}/{app}/back", state, **given)
    kept = {BROWSER: browser, TO: page_of(request.query_params.get(TO, ""))}
    cookies = [_cookie(base, name, value, BROWSER_SECONDS, "/login") for name, value in kept.items()]
    return Redirect(to, cookies=cookies, headers=KEEP_OUT)


@get(f"{PATH}/back", sync_to_thread=True, include_in_schema=False)
def back(request: Request, kind: FromPath[str], app: FromPath[str]) -> Redirect:
    """Signed in. Whoever belongs to the account gets a session, and a user one of the console besides; each page asks itself
    whether that is enough."""
    edge, code = edge_of(request), request.query_params.get("code", "")
    if not 0 < len(code) <= LONGEST_CODE:
        raise Problem(403, "没有完成登录，请重新登录。 the sign-in was not completed; sign in again", "refused")
    bound, state = _bound(kind, app, request.cookies.get(BROWSER, "")), request.query_params.get("state", "")
    with edge.pool.lend() as conn:
        found = account_of(edge, conn, channels.LOGINS, kind, app)
        client = channels.CLIENTS[kind](conn, edge.vault, found, edge.clock)
        try:
            userid = channels.LOGINS[kind].come_back(conn, edge.vault, edge.clock(), client, bound, state, code)
        except YutangError as error:
            raise Problem(403, str(error), "refused") from None
        user = users.by_identity(conn, kind, app, userid)
        token = _begin(request, conn, user) if user is not None and user.closed_at is None else ""
    value, base = sign_session(edge.vault, edge.clock(), Session(kind, app, userid)), public_url(request)
    cookies = [
        _cookie(base, COOKIE, value, int(VALID.total_seconds())),
        _cookie(base, access.console_cookie(request), token, int(users.VALID.total_seconds()) if token else 0),
    ]
    return Redirect(page_of(request.cookies.get(TO, "")), status_code=303, cookies=cookies, headers=KEEP_OUT)


@post("/logout", sync_to_thread=True, status_code=303, include_in_schema=False)
def log_out(request: Request) -> Redirect:
    """Out of every session of this browser. Only our own pages may ask for it."""
    _check_ours(request)
    edge, base, token = edge_of(request), public_url(request), access.token_of(request)
    with edge.pool.lend() as conn, conn.transaction():
        if (user := users.find(conn, edge.clock(), token)) is not None:
            users.end(conn, token)
            users.note(conn, edge.clock(), user.name, "sign_out", f"user/{user.name}")
    gone = [_cookie(base, name, "", 0) for name in (COOKIE, access.console_cookie(request))]
    return Redirect("/login", status_code=303, cookies=gone, headers=KEEP_OUT)


def _check_ours(request: Request) -> None:
    if not access.is_ours(request):
        raise Problem(403, "请在 /login 页面操作。 do this on the page /login", "foreign")


def account_of(edge: Edge, conn: psycopg.Connection, able: dict[str, Any], kind: str, app: str) -> Account:
    """The account, if its kind is one of `able`. Raises Problem 404."""
    found = account.one(conn, edge.vault, kind, app) if kind in able else None
    if found is None:
        raise Problem(
            404, "没有这个账号，可用的见 /login。 there is no such account; /login shows those that there are"
        )
    return found


def public_url(request: Request) -> str:
    """The address under which browsers know us, without a slash at its end. Raises Problem when the setting is none."""
    given = config.PUBLIC_URL.value.rstrip("/") or str(request.base_url).rstrip("/")
    if not re.fullmatch(r"https?://[^\s/?#@]+", given):
        raise Problem(
            500,
            f"{config.PUBLIC_URL.name}: 请写 http(s)://主机，后面不带路径。 write http(s)://HOST, without a path",
            "bad_setting",
        )
    return given


def _bound(kind: str, app: str, browser: str) -> str:
    """A state is good for one account in one browser."""
    return f"{kind}:{app}:{browser}"


def _cookie(base: str, name: str, value: str, seconds: int, path: str = "/") -> Cookie:
    """Not for scripts, not for requests from other sites, and over TLS alone where we are reached by TLS."""
    secure = base.startswith("https://")
    return Cookie(name, path, value, max_age=seconds, httponly=True, samesite="lax", secure=secure)


ROUTES: list[HTTPRouteHandler] = [choose, sign_in, begin, back, log_out]
