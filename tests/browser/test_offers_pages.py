"""The offers, the messages and the counter in a real Chromium, at both sizes, by whoever edits and whoever stands at a till."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from browsers import DESKTOP, at_sizes, check_accessible
from edges import NOW, serving
from ponds import Pond
from yutang import definitions, offer
from yutang.brand import drafts, load_brand, publish, shipped
from yutang.offer import Redeem, Wanted

PAGES = {
    "offers": "/offers", "offer": "/offers/wake_up?figures=1", "ladder": "/offers/cup_ladder?figures=1", "offer-sorts": "/offers/new",
    "coupon-new": "/offers/new?sort=coupon", "packet-new": "/offers/new?sort=red_packet", "gift-new": "/offers/new?sort=gift",
    "ladder-edit": "/offers/cup_ladder/edit", "counter": "/counter", "messages": "/messages?figures=1", "message": "/messages/welcome",
    "message-edit": "/messages/ladder_rung/edit", "message-sms": "/messages/welcome?on=sms", "message-mail": "/messages/welcome?on=email",
    "message-task": "/messages/welcome?on=staff", "message-chat": "/messages/welcome?on=wecom",
}  # fmt: skip


@pytest.fixture
def code(conn: psycopg.Connection) -> str:
    """A pond with a ladder on which people stand, and a coupon that is not used yet."""
    publish(conn, NOW - timedelta(days=1), load_brand(shipped()["luckin"]))
    pond = Pond(conn)
    publish(conn, NOW - timedelta(days=1), load_brand(shipped()["luckin"]))
    ids = {d.name: d.definition_id for d in definitions.all_current(conn, "offer")}
    people = [pond.person() for _ in range(9)]
    for n, person in enumerate(people):
        conn.execute(
            """insert into ladder (bucket, person_id, definition_id, version, origin_id, side, rung, move, anchor_at, moved_at, waited)
               values (%s, %s, %s, 1, %s, 'down', %s, 1, %s, %s, %s)""",
            (person & 1023, person, ids["cup_ladder"], person, n % 4, NOW, NOW, n % 3),
        )
    wanted = [Wanted(person, ids["cup_ladder"], 1 + n % 3, 100 + n) for n, person in enumerate(people)]
    granted = offer.issue(conn, NOW - timedelta(days=2), wanted)
    wake = offer.issue(
        conn, NOW, [Wanted(people[0], ids["wake_up"], None, 7), Wanted(people[1], ids["wake_up"], None, 8)]
    )
    offer.redeem(conn, NOW, [Redeem("r1", wake[1].code or "", "A1", 4_000)])
    assert granted[0].code is not None
    assert wake[0].code is not None
    return wake[0].code


@pytest.fixture
def base(url: str, code: str) -> Iterator[str]:
    assert code
    with serving(url) as address:
        yield address


@at_sizes
def test_every_page_can_be_used_by_everybody(
    opened: Any, base: str, shot: Callable[..., Any], size: dict[str, int]
) -> None:
    with opened(viewport=size) as page:
        for name, path in PAGES.items():
            page.goto(base + path)
            page.wait_for_load_state("networkidle")
            shot(page, name)
            check_accessible(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                f"{path} is wider than the screen"
            )


def test_the_figures_come_after_the_page(opened: Any, base: str) -> None:
    with opened(viewport=DESKTOP) as page:
        page.goto(f"{base}/offers/cup_ladder")
        page.get_by_role("heading", name="谁站在哪一档").wait_for()
        page.get_by_role("columnheader", name="P90").wait_for()
        page.goto(f"{base}/messages")
        page.wait_for_selector("#list:not([aria-busy])")
        assert "…" not in page.inner_text("#list")


def test_a_ladder_is_drawn_and_seen_while_it_is_typed(opened: Any, base: str, conn: psycopg.Connection) -> None:
    with opened(viewport=DESKTOP) as page:
        page.goto(f"{base}/offers/new?sort=ladder")
        page.fill("#name", "winter")
        page.fill("#title_zh", "冬日阶梯")
        page.fill("#basket", "25")
        page.locator("#preview").get_by_text("冬日阶梯").first.wait_for()
        page.locator("#side-down").get_by_role("button", name="加一档").click()
        page.locator("#down-2").fill("6.5")
        page.locator("#preview .amount", has_text="6.5").wait_for()
        assert page.input_value("#title_zh") == "冬日阶梯", "what was typed is still there"
        page.get_by_role("button", name="第 3 档上移").click()
        page.wait_for_function("() => document.querySelector('#down-1').value === '6.5'")
        page.get_by_role("button", name="保存").last.click()
        page.wait_for_url("**/offers/winter/edit")
        assert "down: [90, 65, 80]" in (drafts.working(conn).text("offers.yml") or "")
        page.get_by_role("status").get_by_role("button", name="撤销").click()
        page.wait_for_url("**/offers")
        assert "winter" not in page.inner_text("main")


def test_a_delete_asks_first(opened: Any, base: str, conn: psycopg.Connection) -> None:
    with opened(viewport=DESKTOP) as page:
        page.goto(f"{base}/offers/wake_up/edit")
        page.get_by_role("button", name="删除这个优惠").click()
        page.locator("dialog.confirm").get_by_role("button", name="取消").click()
        assert not drafts.working(conn).changed
        page.get_by_role("button", name="删除这个优惠").click()
        check_accessible(page)
        page.locator("dialog.confirm").get_by_role("button", name="确定").click()
        page.wait_for_url("**/offers")
        assert "草稿中已删除" in page.inner_text("main")


@at_sizes
def test_a_coupon_is_redeemed_at_the_counter(
    opened: Any, base: str, code: str, shot: Callable[..., Any], size: dict[str, int]
) -> None:
    with opened(viewport=size) as page:
        page.goto(f"{base}/counter")
        page.fill("#code", code)
        page.fill("#amount", "20")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="可以使用").wait_for()
        check_accessible(page)
        shot(page, "counter-good")
        page.get_by_role("button", name="核销", exact=True).click()
        shot(page, "counter-sure")
        page.locator("dialog.confirm").get_by_role("button", name="确定").click()
        page.get_by_text("已核销，本单减 8.00 元").wait_for()


def test_chinese_is_typed_while_the_preview_follows(opened: Any, base: str) -> None:
    """An input method composes letter by letter; what the server sends meanwhile must not end the composition."""
    with opened(viewport=DESKTOP) as page:
        page.goto(f"{base}/messages/welcome/edit")
        page.focus("#body")
        page.keyboard.press("Control+End")
        before = page.input_value("#body")
        keyboard = page.context.new_cdp_session(page)
        for part in ("n", "ni", "ni h", "ni hao"):
            keyboard.send(
                "Input.imeSetComposition", {"text": part, "selectionStart": len(part), "selectionEnd": len(part)}
            )
            page.wait_for_function("part => document.querySelector('#preview').textContent.includes(part)", arg=part)
            assert page.input_value("#body") == before + part, "the composition goes on"
        keyboard.send("Input.insertText", {"text": "您好呀"})
        page.locator("#preview").get_by_text("您好呀").wait_for()
        assert page.input_value("#body") == before + "您好呀"
        page.keyboard.type("!")
        assert page.evaluate("document.activeElement.id") == "body"


def test_a_message_changes_its_channel_and_what_goes_with_it(opened: Any, base: str, shot: Callable[..., Any]) -> None:
    with opened(viewport=DESKTOP) as page:
        page.goto(f"{base}/messages/new")
        page.fill("#title_zh", "回访")
        page.fill("#subject", "给{{ person.nmae }}回电话")
        page.locator("#preview").get_by_text("是不是 person.name").wait_for()
        page.fill("#subject", "给{{ person.name }}回电话")
        page.select_option("#channel", "staff")
        page.get_by_label("时限（小时）").fill("4")
        page.locator("#preview .device.staff").get_by_text("4 小时内完成").wait_for()
        assert page.input_value("#title_zh") == "回访"
        page.get_by_role("button", name="{{ coupon.code }}").click()
        page.get_by_role("button", name="已复制").wait_for()
        shot(page, "message-new-task")
        check_accessible(page)
        page.fill("#name", "call_back")
        page.get_by_role("button", name="保存").last.click()
        page.wait_for_url("**/messages/call_back/edit")
        assert "已存入草稿" in page.inner_text("main")
