"""A person's own page in a real Chromium, as it is held: without scripts, in the hand, by thumb and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from edges import NOW, VAULT, serving
from yutang import definitions, identity, profile
from yutang.brand import load_brand, publish, shipped
from yutang.deliver.preference import token
from yutang.ingest import record
from yutang.profile import card

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def address(url: str, conn: psycopg.Connection) -> Iterator[str]:
    """The link of somebody who joined in a store, has a phone and a mail address, and likes e-mail."""
    brand = load_brand(shipped()["luckin"])
    pond = brand.pond | {"consent": definitions.POND["consent"]}
    publish(conn, NOW - timedelta(days=9), replace(brand, pond=pond))
    for name in ("email", "sms"):
        body = {"title": {"zh": "一", "en": "One"}, "subject": "一", "body": "二", "channel": name}
        definitions.publish(conn, NOW, "message", f"by_{name}", body, "test")
    said: list[tuple[str, dict[str, Any]]] = [
        ("registered", {"store": "西湖店"}),
        ("consent_given", {"channel": "email"}),
        ("ordered", {"order_id": "o", "amount_fen": 1800}),
    ]
    events = [
        {
            "id": str(n), "source": "import", "type": type, "at": (NOW - timedelta(days=9 - n)).isoformat(),
            "handles": {"phone": "13800000000", "email": "li@example.com"}, "props": props,
        }
        for n, (type, props) in enumerate(said)
    ]  # fmt: skip
    assert record(conn, VAULT, NOW, events).accepted == len(events)
    identity.resolve(conn, NOW)
    profile.refresh(conn, NOW)
    times = (NOW + timedelta(seconds=n) for n in range(10**6))
    with serving(url, local=False, clock=lambda: next(times)) as base:
        yield f"{base}/p/{token(VAULT, NOW, 1)}"


@pytest.fixture
def page(opened: Any) -> Iterator[Any]:
    with opened(viewport=PHONE, java_script_enabled=False) as page:
        yield page


def consent(conn: psycopg.Connection) -> dict[str, bool]:
    return {name: word["given"] for name, word in card(conn, 1)["consent"].items()}


def test_switch_off_save_and_undo(page: Any, address: str, conn: psycopg.Connection) -> None:
    page.goto(address)
    assert page.get_by_label("邮件").is_checked()
    assert not page.get_by_label("短信").is_checked()
    page.get_by_label("邮件").uncheck()
    page.get_by_label("优惠与活动").uncheck()
    page.get_by_label("每 7 天最多").select_option("1")
    page.get_by_label("开始").select_option("21:00")
    page.get_by_label("结束").select_option("10:00")
    page.get_by_role("button", name="保存").click()
    assert "已保存" in page.inner_text("[role=status]")
    assert consent(conn) == {"email": False, "class:marketing": False}
    assert card(conn, 1)["traits"]["contact_cap"]["value"] == 1
    assert not page.get_by_label("邮件").is_checked()
    page.get_by_role("button", name="撤销").click()
    assert consent(conn) == {"email": True, "class:marketing": True}
    assert page.get_by_label("邮件").is_checked()
    assert page.get_by_label("每 7 天最多").input_value() == ""


def test_stop_everything(page: Any, address: str, conn: psycopg.Connection) -> None:
    page.goto(address)
    page.get_by_role("button", name="停止接收全部消息").click()
    assert consent(conn) == {"*": False}
    assert "您已停止接收全部消息" in page.inner_text("main")
    assert [
        box.is_checked() for box in page.locator("fieldset:first-of-type input, .switches >> nth=0 >> input").all()
    ].count(True) == 0
    page.get_by_label("邮件").check()
    page.get_by_role("button", name="保存").click()
    assert consent(conn) == {"*": False, "email": True}


def test_the_link_in_a_mail(page: Any, address: str, conn: psycopg.Connection) -> None:
    page.goto(f"{address}/email")
    page.get_by_role("button", name="不再接收").click()
    assert "已退订「邮件」" in page.inner_text("[role=status]")
    assert consent(conn) == {"email": False}
    page.get_by_role("link", name="查看全部偏好").click()
    assert not page.get_by_label("邮件").is_checked()


def test_english_and_back(page: Any, address: str) -> None:
    page.goto(address)
    assert page.get_attribute("html", "lang") == "zh-CN"
    page.get_by_role("link", name="English").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Your messages"
    assert page.get_by_label("E-mail").is_checked()
    assert "You became a member" in page.inner_text("main")


def test_by_keyboard_alone(page: Any, address: str, conn: psycopg.Connection) -> None:
    page.goto(address)
    mail = page.get_by_label("邮件")
    for _ in range(10):
        page.keyboard.press("Tab")
        if mail.evaluate("e => e === document.activeElement"):
            break
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=status]")
    assert consent(conn) == {"email": False}


@pytest.mark.parametrize("size", [PHONE, {"width": 320, "height": 568}, {"width": 1280, "height": 900}])
def test_it_fits_and_can_be_hit_with_a_thumb(opened: Any, address: str, size: dict[str, int]) -> None:
    with opened(viewport=size) as page:
        for path in ("", "/email", "?undo=eyJjYXAiOiIifQ=="):
            assert page.goto(address + path).status == 200
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path
            for one in page.locator("input:not([type=hidden]), select").all():
                assert one.evaluate("e => e.labels.length") == 1
            for one in page.locator("button, select, .switch").all():
                assert one.bounding_box()["height"] >= 40
