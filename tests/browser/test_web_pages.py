"""The pages in a real Chromium: by keyboard, in both languages, on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from edges import NOW, VAULT, serving
from yutang import worker
from yutang.brand import load_brand, publish, shipped
from yutang.channels import configured
from yutang.ingest import record


@pytest.fixture
def base(url: str, conn: psycopg.Connection) -> Iterator[str]:
    """A living pond: a brand, one customer, and the loop at rest after the welcome."""
    publish(conn, NOW - timedelta(days=1), load_brand(shipped()["luckin"]))
    joined = {
        "id": "1",
        "source": "import",
        "type": "registered",
        "at": NOW.isoformat(),
        "handles": {"phone": "13800000000"},
        "props": {},
    }
    assert record(conn, VAULT, NOW, [joined]).accepted == 1
    worker.settle(conn, NOW, configured(VAULT))
    with serving(url) as address:
        yield address


@pytest.fixture
def page(opened: Any) -> Iterator[Any]:
    with opened(viewport={"width": 1200, "height": 900}) as page:
        yield page


def test_from_the_overview_to_a_why_chain_by_keyboard(page: Any, base: str) -> None:
    page.goto(base)
    _press_until(page, "Tab", "/persons")
    page.keyboard.press("Enter")
    page.wait_for_url("**/persons")
    _press_until(page, "Tab", "/persons/1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/persons/1")
    why = page.locator("#why")
    assert "起因: 事件「注册成为会员」" in why.inner_text()
    assert why.locator(".touch").count() + why.locator(".mark.holdout").count() >= 1
    assert "138****0000" in page.inner_text("main")


def test_english_stays_english(page: Any, base: str) -> None:
    page.goto(base)
    assert page.get_attribute("html", "lang") == "zh-CN"
    page.get_by_text("English").click()
    assert page.get_attribute("html", "lang") == "en"
    page.goto(f"{base}/persons/1")
    assert "Began with: the event 'registered'" in page.inner_text("#why")


def test_a_search_leads_to_the_person(page: Any, base: str) -> None:
    page.goto(f"{base}/persons")
    page.fill("#q", "138 0000 0000")
    page.keyboard.press("Enter")
    page.wait_for_url("**/persons/1")


def test_no_page_scrolls_sideways_on_a_phone(page: Any, base: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for path in ("/", "/persons", "/persons/1", "/segments/shanghai?person=1", "/schema"):
        assert page.goto(base + path).status == 200, path
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def _press_until(page: Any, key: str, path: str) -> None:
    """Walk with the keyboard until the focus is on the link to `path`."""
    for _ in range(40):
        page.keyboard.press(key)
        if page.evaluate("document.activeElement.getAttribute('href')") == path:
            return
    raise AssertionError(f"the keyboard does not reach {path}")
