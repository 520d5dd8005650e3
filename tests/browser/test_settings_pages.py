"""Settings, tasks, calendar and signing in, in a real Chromium: at both sizes, for everybody, and from the first start on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from browsers import at_sizes, check_accessible
from edges import NOW, VAULT, serving
from ponds import Pond
from yutang import users
from yutang.brand import load_brand, shipped
from yutang.channels.platform import account
from yutang.model import bucket_of
from yutang.plan import publish

PASSWORD = "一句没有人会猜到的话"
ACCOUNT = {
    "corp_id": "wwA", "agent_id": "1000002", "secret": "the-app-secret", "token": "callbackToken",
    "aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "base_url": "http://127.0.0.1:9",
}  # fmt: skip
PAGES = {
    "users": "/settings/users",
    "user-new": "/settings/users/new",
    "user": "/settings/users/li",
    "keys": "/settings/keys",
    "channels": "/settings/channels",
    "account-new": "/settings/channels/new/sms",
    "account": "/settings/channels/wecom/main",
    "pond": "/settings/pond",
    "audit": "/settings/audit",
    "language": "/settings/language",
    "me": "/me",
    "tasks": "/tasks",
    "tasks-ended": "/tasks?view=ended",
    "calendar": "/calendar?month=2026-03&day=2026-03-20",
}


@pytest.fixture
def base(url: str, conn: psycopg.Connection) -> Iterator[str]:
    """A brand with users, an account and tasks."""
    users.add(conn, NOW, "wang", "王小明", "administrator", PASSWORD)
    users.add(conn, NOW, "li", "小李", "salesperson", PASSWORD, staff="guide01")
    users.add(conn, NOW, "zhao", "赵分析", "analyst", PASSWORD)
    account.add(conn, VAULT, NOW, "wecom", "main", ACCOUNT)
    pond = Pond(conn)
    publish(conn, NOW, load_brand(shipped()["city"]))
    for n, title in enumerate(("生日问候", "到店回访", "沉睡客户关怀")):
        _task(pond, title, NOW + timedelta(hours=n - 1), ended=n == 2)
    with serving(url, local=False) as address:
        yield address


def _task(pond: Pond, title: str, due: Any, *, ended: bool) -> None:
    person = pond.person(name=f"顾客{title}")
    (number,) = pond.conn.execute("select nextval('touch_id')").fetchone()  # type: ignore[misc]
    pond.conn.execute(
        """insert into staff_task (touch_id, bucket, person_id, journey, message, title, words, staff, escalate_to, state, made_at, due_at,
                                   escalate_at, late_at, look_at, ended_at, done_by)
           values (%s, %s, %s, 'welcome', 'm', %s, '您好，最近有新品到店。', 'guide01', 'boss', %s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            number, bucket_of(person), person, title, "done" if ended else "open", NOW, due, None if ended else due + timedelta(hours=1),
            due + timedelta(days=1), None if ended else NOW, NOW if ended else None, "guide01" if ended else None,
        ),
    )  # fmt: skip


def sign_in(page: Any, base: str, name: str = "wang", to: str = "/me") -> None:
    page.goto(f"{base}/login?to={to}")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


@at_sizes
def test_every_page_for_everybody(
    opened: Any, shot: Callable[[Any, str], Path], base: str, size: dict[str, int]
) -> None:
    with opened(viewport=size) as page:
        page.goto(f"{base}/login")
        check_accessible(page)
        shot(page, "login")
        sign_in(page, base)
        for name, path in PAGES.items():
            assert page.goto(base + path).status == 200
            check_accessible(page)
            shot(page, f"settings-{name}")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= size["width"], f"{path} is {wide} wide"
            page.goto(base + path + ("&" if "?" in path else "?") + "lang=en")
            assert page.get_attribute("html", "lang") == "en"
            page.goto(base + path + ("&" if "?" in path else "?") + "lang=zh")


@at_sizes
def test_from_the_first_start_to_signing_out(
    opened: Any, shot: Callable[[Any, str], Path], url: str, conn: psycopg.Connection, size: dict[str, int]
) -> None:
    with serving(url) as base, opened(expected="403|401|422", viewport=size) as page:
        page.goto(f"{base}/login")
        page.wait_for_url("**/setup")
        check_accessible(page)
        shot(page, "setup")
        for field, value in {"name": "wang", "title": "王", "password": PASSWORD, "again": "x"}.items():
            page.fill(f"#{field}", value)
        page.click("form button")
        assert "不一样" in page.inner_text("[role=alert]:not([hidden])")
        assert page.input_value("#name") == "wang"
        for field in ("password", "again"):
            page.fill(f"#{field}", PASSWORD)
        page.click("main form button")
        page.wait_for_url(f"{base}/")
        users.add(conn, NOW, "zhao", "赵", "analyst", PASSWORD)
        _sign_out(page, size)
        sign_in(page, base, "zhao")
        assert page.goto(f"{base}/settings/users").status == 403
        assert "您的角色是分析" in page.inner_text("main")
        check_accessible(page)
        shot(page, "forbidden")
        _sign_out(page, size)
        assert page.goto(f"{base}/me").status == 401


def _sign_out(page: Any, size: dict[str, int]) -> None:
    if size["width"] < 700:
        page.click(".menu summary")
    page.click("form[action='/logout'] button")
    page.wait_for_url("**/login")


@at_sizes
def test_a_task_is_asked_about_before_it_is_done(
    opened: Any, shot: Callable[[Any, str], Path], base: str, size: dict[str, int]
) -> None:
    with opened(viewport=size) as page:
        sign_in(page, base, "li", "/tasks")
        assert page.locator(".tasklist > li").count() == 2
        page.get_by_role("button", name="已完成").first.click()
        dialog = page.locator("dialog[open]")
        assert "生日问候" in dialog.inner_text()
        check_accessible(page)
        shot(page, "task-asked")
        dialog.get_by_role("button", name="取消").click()
        assert page.locator(".tasklist > li").count() == 2
        page.get_by_role("button", name="已完成").first.click()
        page.locator("dialog[open]").get_by_role("button", name="确定").click()
        page.wait_for_selector(".told")
        assert page.locator(".tasklist > li").count() == 1


def test_a_user_is_closed_and_had_back(opened: Any, base: str, conn: psycopg.Connection) -> None:
    with opened(viewport={"width": 1280, "height": 800}) as page:
        sign_in(page, base, to="/settings/users")
        page.get_by_role("link", name="小李").click()
        page.get_by_role("button", name="停用").click()
        page.locator("dialog[open]").get_by_role("button", name="确定").click()
        page.wait_for_selector(".told")
        assert users.by_name(conn, "li").closed_at is not None
        page.locator(".told button").click()
        page.wait_for_load_state("load")
        assert users.by_name(conn, "li").closed_at is None


def test_an_account_is_looked_at_while_the_page_is_open(opened: Any, base: str) -> None:
    with opened(viewport={"width": 1280, "height": 800}) as page:
        sign_in(page, base, to="/settings/channels/wecom/main")
        page.get_by_role("button", name="检查").click()
        page.wait_for_selector(".findings .wrong")
        page.wait_for_selector("text=再检查一次")
        assert "the-app-secret" not in page.content()


def test_the_pond_is_typed_with_what_is_wrong_kept(opened: Any, base: str) -> None:
    with opened(expected="422", viewport={"width": 1280, "height": 800}) as page:
        sign_in(page, base, to="/settings/pond")
        page.fill("[name='price.staff']", "9")
        page.fill("[id='title.zh']", "蓝鹿咖啡馆")
        page.get_by_role("button", name="存草稿").click()
        assert "pond.toml" in page.inner_text("[role=alert]:not([hidden])")
        assert page.input_value("[id='title.zh']") == "蓝鹿咖啡馆"
        page.fill("[name='price.staff']", "2")
        page.fill("[id='budget.marketing']", "4")
        page.get_by_role("button", name="存草稿").click()
        page.wait_for_selector(".drafted")
        page.get_by_role("button", name="撤销").first.click()
        page.wait_for_load_state("load")
        assert page.input_value("[id='budget.marketing']") == "3"
