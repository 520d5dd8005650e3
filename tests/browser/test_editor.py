"""The journey editor in a real Chromium: both sizes, by keyboard, with a Chinese input method, and two people at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from browsers import DESKTOP, at_sizes, check_accessible
from edges import NOW, serving
from yutang.brand import drafts, load_brand, publish, shipped
from yutang.web.pages.editor import counts

FORKS = """\
steps:
  - branch:
      - when: {tag: vip}
        name: 会员
        then: [{message: welcome}]
      - else: []
  - split: {a: 50, b: 50}
  - if: {tag: staff}
    then: [{exit: true}]
  - hours: {from: "08:00", to: "22:00"}
    then: []
  - wait: {days: 1}
  - until: {weekday: [fri], time: "18:00"}
  - wait_for: ordered
    days: 7
  - offer: first_visit
  - message: welcome
  - tag: x
  - set: {city: null}
  - call: {url: https://erp.example.com/score}
  - journey: dormant
  - ladder: come_back
    message: ladder_rung
  - exit: true
"""
PLACES = [
    "",
    "?add=steps:1",
    "?at=head&rule=audience",
    "?at=steps.8&new=message",
    "?view=text",
    *(f"?at=steps.{n}" for n in range(16)),
]


@pytest.fixture
def base(url: str, conn: psycopg.Connection) -> Iterator[str]:
    publish(conn, NOW, load_brand(shipped()["grocery"]))
    with serving(url) as address:
        yield address


def text(conn: psycopg.Connection, name: str = "welcome") -> str:
    return drafts.working(conn).text(f"journeys/{name}.yml") or ""


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect as expected

    return expected(locator)


def step(page: Any, path: str) -> Any:
    return page.locator(f'[id="line-{path}"]')


@at_sizes
def test_every_form_of_the_editor(
    base: str, conn: psycopg.Connection, opened: Any, shot: Callable[[Any, str], Any], size: dict[str, int]
) -> None:
    head = text(conn).split("steps:")[0]
    drafts.write(conn, NOW, "journeys/welcome.yml", head + FORKS, 0, "test")
    with opened(viewport=size) as page:
        page.goto(f"{base}/journeys/new")
        check_accessible(page)
        shot(page, "editor-new")
        for n, place in enumerate(PLACES):
            page.goto(f"{base}/journeys/welcome/edit{place}")
            check_accessible(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
            if n < 9:
                shot(page, f"editor-{n}")


@at_sizes
def test_a_ladder_journey_is_drawn(
    base: str, conn: psycopg.Connection, opened: Any, shot: Any, size: dict[str, int]
) -> None:
    with opened(viewport=size) as page:
        page.goto(f"{base}/journeys/new?segment=silent_or_back")
        page.fill("#title_zh", "沉默唤醒")
        page.fill("#name", "wake")
        page.get_by_role("button", name="新建并编辑").click()
        page.get_by_role("link", name="加一步").click()
        page.locator("#insert button[value=wait]").click()
        page.fill("#days", "2")
        page.locator("#hours").focus()
        expect(step(page, "steps.0")).to_contain_text("等待 2 天")
        page.get_by_role("link", name="关闭").click()
        page.get_by_role("link", name="加一步", exact=True).click()
        page.locator("#insert button[value=ladder]").click()
        expect(page.locator(".editor-state")).to_contain_text("阶梯：这里还没有填")
        check_accessible(page)
        page.select_option("#ladder", "come_back")
        page.select_option("#message", "ladder_rung")
        expect(page.locator(".editor-state")).to_contain_text("检查通过")
        check_accessible(page)
        shot(page, "editor-drawn")
        assert (
            page.get_by_role("link", name="预览并上线").get_attribute("href")
            == "/plans/new?chosen=1&file=journeys/wake.yml"
        )
    assert text(conn, "wake").endswith("steps:\n  - wait: {days: 2}\n  - ladder: come_back\n    message: ladder_rung\n")


def test_the_whole_editor_by_keyboard(base: str, conn: psycopg.Connection, opened: Any) -> None:
    before = text(conn)
    with opened(viewport=DESKTOP) as page:
        page.goto(f"{base}/journeys/welcome/edit")
        page.locator("#line-head").focus()
        press = page.keyboard.press
        press("ArrowDown")
        expect(step(page, "steps.0")).to_be_focused()
        press("Alt+ArrowDown")
        expect(step(page, "steps.2")).to_contain_text("等待 2 小时")
        expect(step(page, "steps.2")).to_be_focused()
        press("Control+z")
        expect(step(page, "steps.0")).to_contain_text("等待 2 小时")
        step(page, "steps.0").focus()
        press("Delete")
        expect(step(page, "steps.3")).to_have_count(0)
        expect(step(page, "steps.1")).to_be_focused()
        press("Control+z")
        expect(step(page, "steps.3")).to_be_visible()
        press("Control+Shift+Z")
        expect(step(page, "steps.3")).to_have_count(0)
        press("Control+z")
        expect(step(page, "steps.3")).to_be_visible()
        step(page, "steps.0").focus()
        press("Enter")
        expect(page.locator("#days")).to_be_focused()
        page.keyboard.type("3")
        press("Tab")
        expect(step(page, "steps.0")).to_contain_text("3 天")
        expect(page.locator("#hours")).to_be_focused()
        press("Escape")
        expect(step(page, "steps.0")).to_be_focused()
        press("Control+d")
        expect(step(page, "steps.1")).to_contain_text("3 天")
        for _ in range(2):
            press("Control+z")
        expect(step(page, "steps.0")).not_to_contain_text("3 天")
    assert text(conn) == before


def test_a_chinese_input_method_is_left_alone(base: str, conn: psycopg.Connection, opened: Any) -> None:
    """A save that comes back while somebody composes neither ends the composition nor takes a letter."""
    drafts.write(conn, NOW, "journeys/welcome.yml", text(conn).replace("steps:", "steps:\n  - tag: x"), 0, "test")
    with opened(viewport=DESKTOP) as page:
        page.goto(f"{base}/journeys/welcome/edit?at=head")
        keyboard = page.context.new_cdp_session(page)
        page.select_option("#class", "companion")
        page.locator("#title_zh").fill("")
        keyboard.send("Input.imeSetComposition", {"text": "ni hao", "selectionStart": 6, "selectionEnd": 6})
        expect(page.locator(".editor-state")).to_contain_text("检查通过")
        page.wait_for_timeout(300)
        keyboard.send("Input.insertText", {"text": "你好欢迎"})
        assert page.input_value("#title_zh") == "你好欢迎"
        page.locator("#title_en").focus()
        expect(page.locator("h1")).to_have_text("你好欢迎")
    assert "zh: 你好欢迎" in text(conn)
    assert "class: companion" in text(conn)


def test_figures_that_come_late_take_back_nothing(base: str, opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was chosen while they were counted stays chosen, also before it is saved."""
    monkeypatch.setattr(counts, "PATIENCE", 0.0)
    late: list[Any] = []
    with opened(viewport=DESKTOP) as page:
        page.route("**/edit?*counts=*", lambda route: late.append(route))
        page.route("**/edit/head", lambda _: None)
        with page.expect_request("**/edit?*counts=*"):
            page.goto(f"{base}/journeys/welcome/edit?at=head")
        page.select_option("#class", "companion")
        with page.expect_response("**/edit?*counts=*"):
            late[0].continue_()
        expect(page.locator("#counting")).to_have_count(0)
        assert page.input_value("#class") == "companion"
        page.unroute_all(behavior="ignoreErrors")


def test_two_people_at_once(base: str, conn: psycopg.Connection, opened: Any, shot: Any) -> None:
    with opened(expected="422", viewport=DESKTOP) as page:
        page.goto(f"{base}/journeys/welcome/edit?at=steps.0")
        other = httpx.post(
            f"{base}/journeys/welcome/edit/insert",
            data={"version": "0", "place": "steps:0", "kind": "exit"},
            headers={"Origin": base},
        )
        assert other.status_code == 303
        page.fill("#days", "5")
        page.locator("#hours").focus()
        expect(page.get_by_role("alert").filter(has_text="刚改过这个旅程")).to_be_visible()
        expect(step(page, "steps.1")).to_have_attribute("aria-current", "true")
        assert page.input_value("#days") == "5"
        check_accessible(page)
        shot(page, "editor-conflict")
        page.locator("#step").get_by_role("button", name="保存").click()
        expect(step(page, "steps.1")).to_contain_text("5 天")
    assert "- exit: true\n  - wait: {hours: 2, days: 5}" in text(
        conn
    ) or "- exit: true\n  - wait: {days: 5, hours: 2}" in text(conn)


def test_without_scripts_it_is_the_same_page(base: str, conn: psycopg.Connection, opened: Any) -> None:
    with opened(viewport=DESKTOP, java_script_enabled=False) as page:
        page.goto(f"{base}/journeys/welcome/edit")
        step(page, "steps.0").click()
        page.fill("#days", "4")
        page.locator("#step").get_by_role("button", name="保存").click()
        assert "4 天" in step(page, "steps.0").inner_text()
        page.locator("#panel").get_by_role("button", name="下移").click()
        assert "4 天" in step(page, "steps.2").inner_text()
        page.get_by_role("button", name="撤销").click()
        assert "4 天" in step(page, "steps.0").inner_text()
    assert "days: 4" in text(conn)
