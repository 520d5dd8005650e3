"""The segments in a real Chromium: the builder by keyboard, with Chinese input, at both sizes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from browsers import at_sizes, check_accessible
from edges import NOW, VAULT, serving
from yutang import worker
from yutang.brand import drafts, load_brand, publish, shipped
from yutang.channels import configured
from yutang.ingest import record
from yutang.web.pages.rules import choices

PAGES = {
    "segments": "/segments",
    "segment": "/segments/never_ordered?person=1",
    "segment-portrait": "/segments/never_ordered/portrait",
    "segment-overlap": "/segments/never_ordered/overlap",
    "segment-versions": "/segments/never_ordered/versions",
    "segment-new": "/segments/new",
    "segment-start": "/segments/new?from=silent_new",
    "segment-edit": "/segments/dormant/edit",
    "segment-yaml": "/segments/dormant/edit?as=yaml",
}


@pytest.fixture
def base(url: str, conn: psycopg.Connection) -> Iterator[str]:
    """Ten who registered 40 days ago; four of them have ordered."""
    choices._kept.clear()
    publish(conn, NOW - timedelta(days=60), load_brand(shipped()["luckin"]))
    said = [_event("registered", n, 40) for n in range(10)] + [
        _event("ordered", n, 20, order_id=f"o{n}", amount_fen=1900) for n in range(4)
    ]
    assert record(conn, VAULT, NOW, said).accepted == 14
    worker.settle(conn, NOW, configured(VAULT))
    with serving(url) as address:
        yield address


def _event(type: str, n: int, days: int, **props: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days)).isoformat()
    handles = {"phone": f"1380000000{n}"}
    return {"id": f"{type}{n}", "source": "import", "type": type, "at": at, "handles": handles, "props": props}


@at_sizes
@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_it(opened: Any, shot: Any, base: str, size: dict[str, int], name: str) -> None:
    with opened(viewport=size) as page:
        assert page.goto(base + PAGES[name]).status == 200
        page.wait_for_load_state("networkidle")
        check_accessible(page)
        shot(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@at_sizes
def test_a_segment_of_silent_new_members_is_built(
    opened: Any, shot: Any, base: str, conn: psycopg.Connection, size: dict[str, int]
) -> None:
    with opened(viewport=size) as page:
        page.goto(f"{base}/segments")
        page.get_by_role("link", name="新建人群").click()
        page.get_by_role("link", name="沉默新客").click()
        page.locator(".ask-much", has_text="6").wait_for()
        page.fill("#rule-0-more_than_days", "60")
        page.locator(".ask-much", has_text="0").wait_for()
        page.fill("#rule-0-more_than_days", "x")
        page.get_by_text("请填 1 到 3,660 的整数").wait_for()
        check_accessible(page)
        page.fill("#rule-0-more_than_days", "20")
        page.locator(".ask-much", has_text="6").wait_for()
        page.locator("#rule-adder summary").click()
        page.fill("#rule-find", "标签")
        page.locator(".ask-shelf button", has_text="没有标签").wait_for()
        page.locator(".ask-shelf button", has_text="没有标签").click()
        page.locator("#rule-3-no_tag").wait_for()
        assert page.evaluate("document.activeElement.id") == "rule-3-no_tag"
        page.keyboard.type("员工")
        page.get_by_text("没有标签「员工」").wait_for()
        page.locator("#rule-3-more summary").click()
        check_accessible(page)
        page.locator("#rule-3 button", has_text="上移").click()
        page.locator("#rule-2-no_tag").wait_for()
        page.get_by_role("button", name="保存到草稿").click()
        page.wait_for_url("**/segments/silent_new")
        page.locator(".ask-much", has_text="6").wait_for()
        shot(page, "segment-draft")
        check_accessible(page)
    text = drafts.working(conn).text("segments/silent_new.yml")
    assert text is not None
    assert "    - {no_tag: 员工}\n    - {none: ordered, days: 30}\n" in text


@at_sizes
def test_what_opens_within_the_builder(opened: Any, shot: Any, base: str, size: dict[str, int]) -> None:
    with opened(viewport=size) as page:
        page.goto(base + PAGES["segment-start"])
        page.locator("#rule-1-more summary").click()
        shot(page, "segment-tools")
        page.goto(base + PAGES["segment-start"])
        page.locator("#rule-adder summary").click()
        page.fill("#rule-find", "标签")
        page.locator(".ask-shelf button", has_text="没有标签").wait_for()
        check_accessible(page)
        shot(page, "segment-search")


def test_chinese_input_is_not_disturbed_by_what_happens_around_it(opened: Any, base: str) -> None:
    """A composition goes on while the builder answers: nothing is swallowed, doubled or moved."""
    with opened(viewport={"width": 1280, "height": 800}) as page:
        page.goto(f"{base}/segments/new")
        ime = page.context.new_cdp_session(page)
        page.locator("#rule-find").focus()
        _compose(page, ime, ["h", "hu", "hui", "hui'y", "huiyuan"], "会员")
        assert page.input_value("#rule-find") == "会员"
        page.fill("#rule-find", "标签")
        page.locator(".ask-shelf button").first.wait_for()
        page.keyboard.press("Enter")
        page.locator("#rule-0-tag").wait_for()
        assert page.evaluate("document.activeElement.id") == "rule-0-tag"
        _compose(page, ime, ["c", "ch", "chen", "chenm", "chenmo"], "沉默")
        _compose(page, ime, ["k", "ke", "kehu"], "客户")
        assert page.input_value("#rule-0-tag") == "沉默客户"
        page.get_by_text("有标签「沉默客户」").wait_for()
        assert page.evaluate("document.activeElement.id") == "rule-0-tag"
        assert page.evaluate("document.activeElement.selectionStart") == 4


def _compose(page: Any, ime: Any, steps: list[str], word: str) -> None:
    """Letters come slower than the builder answers; the word is chosen in the end."""
    for text in steps:
        with page.expect_response("**/rules/live"):
            ime.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
        page.wait_for_timeout(60)
    ime.send("Input.insertText", {"text": word})


def test_without_scripts_every_step_is_a_page(opened: Any, base: str, conn: psycopg.Connection) -> None:
    with opened(viewport={"width": 1280, "height": 800}, java_script_enabled=False) as page:
        page.goto(f"{base}/segments/new")
        page.fill("#title_zh", "常客")
        page.locator(".ask-shelf button", has_text="至少 … 次").first.click()
        assert page.input_value("#title_zh") == "常客"
        page.select_option("#rule-0-kind", "count.at_most")
        page.fill("#rule-0-at_least", "0")
        page.keyboard.press("Enter")
        assert page.input_value("#rule-0-at_most") == "0"
        assert page.locator(".ask-much").inner_text().startswith("6")
        page.get_by_role("button", name="保存到草稿").click()
        page.wait_for_url("**/segments/segment_1")
    assert "{count: ordered, at_most: 0, days: 90}" in (drafts.working(conn).text("segments/segment_1.yml") or "")


def test_text_says_where_it_is_wrong_while_it_is_typed(opened: Any, base: str) -> None:
    with opened(viewport={"width": 1280, "height": 800}) as page:
        page.goto(f"{base}/segments/new")
        page.fill("#title_zh", "静")
        page.get_by_role("button", name="文本编辑").click()
        page.locator("#yaml").fill("title: {zh: 静, en: Quiet}\nrule: {none: ordered, dayz: 3}\n")
        said = "segments/segment_1.yml:2:23: 不认识的键“dayz”，是不是想写“days”？ unknown key 'dayz'"
        page.get_by_text(said).wait_for()
        check_accessible(page)
        page.locator("#yaml").fill("title: {zh: 静, en: Quiet}\nrule: {none: ordered, days: 3}\n")
        page.locator("#checked .ask-much", has_text="10").wait_for()
        page.get_by_role("button", name="回到表单").click()
        assert page.input_value("#rule-0-days") == "3"
        assert page.input_value("#title_zh") == "静"
