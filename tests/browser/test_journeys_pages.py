"""Journeys, plans and rehearsals in a real Chromium: from a draft to what it does, at both sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from browsers import DESKTOP, at_sizes, check_accessible
from edges import serving
from replays import Brand as Life
from yutang.brand import drafts, load_brand, shipped
from yutang.demo.synthetic import Coffee
from yutang.replay.ticks import parse_tick

HELLO = """\
title: {zh: 早安, en: Morning}
trigger: {event: registered}
holdout_percent: 10
steps:
  - wait: {hours: 1}
  - message: welcome
  - wait_for: ordered
    days: 3
    else: [{message: welcome}]
"""
PAGES = {
    "journeys": "/journeys",
    "journey": "/journeys/welcome",
    "journey-versions": "/journeys/welcome/versions",
    "journey-people": "/journeys/welcome/people",
    "journey-effect": "/journeys/welcome/effect",
    "journey-collisions": "/journeys/welcome/collisions",
    "journey-draft": "/journeys/hello",
    "plans": "/plans",
    "plan-new": "/plans/new",
    "rehearsals": "/rehearsals",
}


@pytest.fixture
def base(url: str, conn: psycopg.Connection) -> Iterator[str]:
    brand = load_brand(shipped()["luckin"])
    life = Life(url, Coffee(brand.pond["time_zone"], people=30, seed=3), brand)
    life.live(4, parse_tick("20:00"))
    drafts.write(conn, life.until(), "journeys/hello.yml", HELLO, 0, "li")
    with serving(url, clock=life.until) as address:
        yield address


@at_sizes
def test_every_page_can_be_used_by_everybody(opened: Any, shot: Any, base: str, size: dict[str, int]) -> None:
    with opened(viewport=size) as page:
        for name, path in PAGES.items():
            page.goto(base + path)
            check_accessible(page)
            shot(page, f"console-{name}")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= size["width"], f"{path} is {wide} px wide"


@at_sizes
def test_from_a_draft_to_watching_it(opened: Any, shot: Any, base: str, size: dict[str, int]) -> None:
    """Preview, back-test, plan, apply, watch, lead back."""
    with opened(viewport=size) as page:
        page.goto(base + "/journeys")
        page.get_by_role("link", name="预览并上线").click()
        page.select_option("#tick", "10:00,20:00")
        page.get_by_role("button", name="开始回测").click()
        page.wait_for_url("**/rehearsals/1")
        page.reload()
        page.wait_for_selector(".figures", timeout=120_000)
        check_accessible(page)
        shot(page, "console-rehearsal")
        page.get_by_role("link", name="满意了，去生成计划").click()
        page.get_by_role("button", name="生成计划").click()
        page.wait_for_url("**/plans/1")
        check_accessible(page)
        shot(page, "console-plan")
        page.get_by_role("button", name="上线", exact=True).click()
        check_accessible(page)
        shot(page, "console-plan-question")
        page.locator("dialog button[value=yes]").click()
        page.locator(".told", has_text="已上线").wait_for()
        check_accessible(page)
        shot(page, "console-plan-applied")
        page.get_by_role("link", name="看旅程「早安」").click()
        page.wait_for_url("**/journeys/hello")
        assert "第 1 版" in page.inner_text("main")
        page.go_back()
        page.get_by_role("link", name="生成回退计划").click()
        check_accessible(page)
        shot(page, "console-plan-back")
        page.get_by_role("button", name="生成计划").click()
        page.wait_for_url("**/plans/2")
        assert "回退计划 1" in page.inner_text("main")


def test_a_choice_of_files_renews_the_preview(opened: Any, base: str) -> None:
    with opened(viewport=DESKTOP) as page:
        page.goto(base + "/plans/new")
        assert "新增旅程 hello" in page.inner_text("main")
        page.locator("input[name=file]").uncheck()
        page.wait_for_url("**/plans/new?*")
        assert "请至少勾选一个文件" in page.inner_text("main")
