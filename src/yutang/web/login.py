"""Signing in to the console through a platform: to its page, back with a code, and out again."""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import urlsplit

import psycopg
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from yutang import channels, config
from yutang.channels.platform import account
from yutang.channels.platform.account import Account
from yutang.model import YutangError
from yutang.web.access import COOKIE, VALID, Session, admins_of, session_of, sign_session
from yutang.web.edge import Edge, edge_of
from yutang.web.pages.page import Page
from yutang.web.problems import Problem

BROWSER = "login"
"""The cookie to which a sign-in is bound: who comes back must be who went."""
BROWSER_SECONDS = 600
INSIDE = "wxwork"
"""How the client's own browser calls itself."""
LONGEST_CODE = 512
TO = "to"
"""The cookie that says which page a sign-in was for."""
_DESK = re.compile(r"/desk/[a-z_]{1,32}/[a-z0-9_-]{1,32}")
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
    "key": {"zh": "用钥匙登录", "en": "With the key"},
    "key_how": {
        "zh": "在服务器上运行 yutang key 取得钥匙。打开总览，浏览器会询问：用户名随意，密码填钥匙。",
        "en": "On the server `yutang key` shows it. Open the overview; the browser asks: any name, and the key as password.",
    },
    "open": {"zh": "打开总览", "en": "Open the overview"},
}


@get("/login", sync_to_thread=True, include_in_schema=False)
def choose(request: Request) -> Response[str]:
    """The ways in."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        known = [one for one in account.every(conn, edge.vault) if one.kind in channels.LOGINS]
    return Page(request).show(
        "login/page.html",
        words=WORDS,
        accounts=[one for one in known if admins_of(one)],
        commands=[f"yutang channel add {kind} --admins USERID,…" for kind in channels.LOGINS],
        session=session_of(request),
    )


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
    kept = {BROWSER: browser, TO: _page(request.query_params.get(TO, ""))}
    cookies = [_cookie(base, name, value, BROWSER_SECONDS, "/login") for name, value in kept.items()]
    return Redirect(to, cookies=cookies, headers=KEEP_OUT)


@get(f"{PATH}/back", sync_to_thread=True, include_in_schema=False)
def back(request: Request, kind: FromPath[str], app: FromPath[str]) -> Redirect:
    """Signed in. Whoever belongs to the account gets a session; each page asks itself whether that is enough."""
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
    value = sign_session(edge.vault, edge.clock(), Session(kind, app, userid))
    cookie = _cookie(public_url(request), COOKIE, value, int(VALID.total_seconds()))
    return Redirect(_page(request.cookies.get(TO, "")), status_code=303, cookies=[cookie], headers=KEEP_OUT)


@post("/logout", sync_to_thread=True, status_code=303, include_in_schema=False)
def log_out(request: Request) -> Redirect:
    """Only our own pages may ask for it."""
    base = public_url(request)
    own = {_origin(base), _origin(str(request.base_url))}
    if request.headers.get("sec-fetch-site") != "same-origin" and request.headers.get("origin") not in own:
        raise Problem(403, "请在 /login 页面退出。 sign out on the page /login", "foreign")
    return Redirect("/login", status_code=303, cookies=[_cookie(base, COOKIE, "", 0)], headers=KEEP_OUT)


def _page(wanted: str) -> str:
    """A page of ours to go to after signing in: a desk, else the overview."""
    return wanted if _DESK.fullmatch(wanted) else "/"


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
        raise Problem(500, f"{config.PUBLIC_URL.name}: write http(s)://HOST, without a path", "bad_setting")
    return given


def _bound(kind: str, app: str, browser: str) -> str:
    """A state is good for one account in one browser."""
    return f"{kind}:{app}:{browser}"


def _cookie(base: str, name: str, value: str, seconds: int, path: str = "/") -> Cookie:
    """Not for scripts, not for requests from other sites, and over TLS alone where we are reached by TLS."""
    secure = base.startswith("https://")
    return Cookie(name, path, value, max_age=seconds, httponly=True, samesite="lax", secure=secure)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


ROUTES: list[HTTPRouteHandler] = [choose, begin, back, log_out]
