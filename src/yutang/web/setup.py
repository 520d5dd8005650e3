"""The first start: a page that makes the first administrator, on this machine, or from elsewhere with the key."""

from __future__ import annotations

from typing import Any

import psycopg
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from yutang import users
from yutang.model import YutangError
from yutang.web import access
from yutang.web.edge import edge_of
from yutang.web.forms import Form, text_of
from yutang.web.login import MAX_FORM, signed_in
from yutang.web.pages.page import Page
from yutang.web.problems import Problem
from yutang.web.routes import in_thread

WORDS = {
    "title": {"zh": "欢迎来到鱼塘", "en": "Welcome to Yutang"},
    "lead": {
        "zh": "设置第一位管理员。设好之后，每个人都要登录才能进来。",
        "en": "Set up the first administrator. From then on everybody signs in.",
    },
    "name": {"zh": "登录名", "en": "Name to sign in with"},
    "name_hint": {"zh": "小写字母和数字，例如 wang", "en": "lower-case letters and digits, such as wang"},
    "shown": {"zh": "显示名", "en": "Name that others see"},
    "password": {"zh": "密码", "en": "Password"},
    "password_hint": {"zh": "至少 {n} 个字符；一句话最好记", "en": "at least {n} characters; a sentence is easy to remember"},
    "again": {"zh": "再输一次密码", "en": "Password again"},
    "key": {"zh": "钥匙", "en": "Key"},
    "key_hint": {"zh": "在服务器上运行 yutang key 得到", "en": "`yutang key` on the server shows it"},
    "make": {"zh": "设好并登录", "en": "Set up and sign in"},
    "differ": {"zh": "两次输入的密码不一样。", "en": "The two passwords differ."},
    "bad_key": {"zh": "钥匙不对。", "en": "This is not the key."},
    "later": {"zh": "以后再说，先看看", "en": "Later; let me look around first"},
}  # fmt: skip


@get("/setup", include_in_schema=False)
@in_thread
def look(request: Request) -> Response[Any]:
    """The page, while there is nobody."""
    with edge_of(request).pool.lend() as conn:
        if users.any_user(conn):
            return Redirect("/login", status_code=303)
    return _show(request)


@post("/setup", status_code=303, include_in_schema=False, request_max_body_size=MAX_FORM)
@in_thread
def make(request: Request, data: Form) -> Response[Any]:
    """Make the administrator, and sign him in."""
    edge = edge_of(request)
    if not access.is_ours(request):
        raise Problem(403, "请在 /setup 页面操作。 do this on the page /setup", "foreign")
    with edge.pool.lend() as conn:
        try:
            return signed_in(request, conn, _make(request, conn, data), "/")
        except YutangError as error:
            return _show(request, data, str(error), 422)


def _make(request: Request, conn: psycopg.Connection, data: Form) -> users.User:
    edge, page = edge_of(request), Page(request)
    if not access.is_machine(request):
        _check_key(request, text_of(data, "key"), page)
    password = text_of(data, "password", strip=False)
    if password != text_of(data, "again", strip=False):
        raise YutangError(page.words(WORDS["differ"]))
    with conn.transaction():
        user = users.add(
            conn, edge.clock(), text_of(data, "name"), text_of(data, "title"), "administrator", password, only_first=True
        )  # fmt: skip
        users.note(conn, edge.clock(), user.name, "user_add", f"user/{user.name}", {"role": user.role})
    return user


def _check_key(request: Request, key: str, page: Page) -> None:
    """Whoever guesses keys from one address waits."""
    edge = edge_of(request)
    address = f"setup {access.address_of(request)}"
    if not edge.signins.allows(address, edge.clock()) or access.known_key(edge, key) is None:
        raise YutangError(page.words(WORDS["bad_key"]))


def _show(request: Request, typed: Form | None = None, error: str | None = None, status: int = 200) -> Response[bytes]:
    return Page(request).show(
        "setup/page.html",
        status=status,
        words=WORDS,
        shortest=users.SHORTEST,
        typed=typed or {},
        error=error,
        with_key=not access.is_machine(request),
    )


ROUTES: list[HTTPRouteHandler] = [look, make]
