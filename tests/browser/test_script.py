"""Our script in a real Chromium, on pages of its own under the headers that every answer has."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import resources
from typing import Any

import pytest
from litestar import Litestar, MediaType, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from browsers import DESKTOP, at_sizes, check_accessible
from yutang.serving import Serving
from yutang.web.headers import with_headers

STATIC = resources.files("yutang.web") / "static"
FRAME = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>试</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/yutang.css"><link rel="icon" href="data:,">
<script src="/static/vendor/htmx.js" defer></script>
<script src="/static/yutang.js" data-charts-src="/static/vendor/charts.js" defer></script></head>
<body data-yes="确定" data-no="取消" data-copied="已复制">
<div id="errorbar" role="alert" hidden data-offline="连不上" data-failed="出错了" data-close="关闭"></div>
<main><h1>试</h1>{}</main></body></html>"""
CHART = """<div class="chart" data-chart='{"x":["3-1","3-2","3-3"],"unit":"人",
"series":[{"name":"触达","data":[3,1234,null]},{"name":"对照","data":[2,3,5]}]}'>
<table><caption>每天</caption><tr><th scope="col">日</th><th scope="col">触达</th></tr><tr><td>3-1</td><td>3</td></tr></table></div>"""
LIVE = """<form id="live" hx-get="/live" hx-trigger="every 200ms" hx-swap="outerMorph" hx-target="#live">
<p id="count">{}</p><label for="name">名字</label><input id="name" name="name" value=""></form>"""
PAGES = {
    "confirm": """<form method="post" action="/deed"><label for="n">名</label><input id="n" name="n" required>
        <button data-confirm="发给 3,000 人？" name="by" value="form">发</button></form>
        <button type="button" id="quick" data-confirm="删？" data-yes="删掉" hx-post="/deed?by=htmx" hx-target="#said">删</button>
        <form id="whole" method="post" action="/deed?by=whole" data-confirm="停？"><button>停</button></form>
        <p id="said"></p>""",
    "progress": '<div id="run" data-progress="/progress">等待</div>',
    "reload": '<div id="run" data-progress="/progress?to=">等待</div>',
    "chart": CHART,
    "errors": """<button hx-get="/bad/json" hx-target="#said">json</button>
        <button hx-get="/bad/html" hx-target="#said">html</button><button hx-get="/good" hx-target="#said">good</button>
        <button hx-get="/bad/form" hx-target="#said" hx-status:422="swap:innerHTML">form</button><p id="said">旧</p>""",
    "small": """<form action="/page/small"><label for="s">门店</label>
        <select id="s" name="s" data-submit-on-change><option value="">全部</option><option value="1">西湖店</option></select>
        <label for="q">找</label><input id="q" type="search" name="q"></form>
        <button type="button" data-copy="K7WQ2M">复制</button>
        <dialog data-open aria-label="说明"><p>第一次来？</p><form method="dialog"><button>好</button></form></dialog>""",
    "live": LIVE.format(0),
}  # fmt: skip


class World:
    """What the pages' server has been told, and what it is to tell."""

    def __init__(self) -> None:
        self.deeds: list[str] = []
        self.swaps = 0
        self.done = 0


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def base(world: World) -> Iterator[str]:
    with Serving(application(world), "127.0.0.1", 0).in_background("pages") as address:
        yield address


def application(world: World) -> Litestar:
    @get("/page/{name:str}", media_type=MediaType.HTML, sync_to_thread=False)
    def page(name: FromPath[str]) -> str:
        return FRAME.format(PAGES[name])

    @get("/static/{file:path}", sync_to_thread=False)
    def static(file: FromPath[str]) -> Response[bytes]:
        path = STATIC / str(file).lstrip("/")
        return Response(path.read_bytes(), media_type="text/css" if path.name.endswith("css") else "text/javascript")

    @post("/deed", sync_to_thread=False, status_code=200)
    def deed(by: FromQuery[str] = "form") -> Redirect | Response[str]:
        world.deeds.append(by)
        return (
            Response("做了", media_type=MediaType.HTML) if by == "htmx" else Redirect("/page/confirm", status_code=303)
        )

    @get("/progress", sync_to_thread=False)
    def progress(to: FromQuery[str] = "/page/confirm") -> ServerSentEvent:
        return ServerSentEvent(steps(to))

    async def steps(to: str) -> AsyncIterator[ServerSentEventMessage]:
        """One connection tells what it sees and ends when the work has gone on; the browser comes back for more."""
        seen = world.done
        if seen == 3:
            yield ServerSentEventMessage(event="done", data=to)
            return
        yield ServerSentEventMessage(data=f"<b>{seen} / 3</b>", retry=50)
        while world.done == seen:
            await asyncio.sleep(0.01)

    @get("/bad/{form:str}", sync_to_thread=False)
    def bad(form: FromPath[str]) -> Response[Any]:
        if form == "json":
            return Response({"reason": "internal", "detail": "日志里有细节"}, status_code=500)
        if form == "form":
            return Response("<b>名字太长</b>", status_code=422, media_type=MediaType.HTML)
        html = FRAME.format("<p>没有这个人</p>")
        return Response(html, status_code=404, media_type=MediaType.HTML)

    @get("/good", media_type=MediaType.HTML, sync_to_thread=False)
    def good() -> str:
        return "新"

    @get("/live", media_type=MediaType.HTML, sync_to_thread=False)
    def live() -> str:
        world.swaps += 1
        return LIVE.format(world.swaps)

    return Litestar([page, static, deed, progress, bad, good, live], middleware=[with_headers], openapi_config=None)


@pytest.fixture
def page(opened: Any, base: str) -> Iterator[Any]:
    """A page of the desktop's size. It is put away before the server ends."""
    with opened(viewport=DESKTOP, base_url=base) as page:
        yield page


def test_nothing_is_done_before_the_answer(page: Any, world: World) -> None:
    page.goto("/page/confirm")
    button = page.get_by_role("button", name="发", exact=True)
    button.click()
    assert page.get_by_role("dialog").count() == 0, "an unfinished form is not asked about"
    page.get_by_label("名").fill("小鱼")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="发给 3,000 人？")
    assert dialog.get_by_role("button", name="取消").evaluate("e => e === document.activeElement")
    check_accessible(page)
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert button.evaluate("e => e === document.activeElement")
    assert world.deeds == []
    page.keyboard.press("Enter")
    with page.expect_navigation():
        dialog.get_by_role("button", name="确定").click()
    assert world.deeds == ["form"]


def test_a_question_before_htmx_and_before_a_whole_form(page: Any, world: World) -> None:
    page.goto("/page/confirm")
    page.locator("#quick").click()
    page.get_by_role("button", name="取消").click()
    page.locator("#quick").click()
    page.get_by_role("button", name="删掉").click()
    page.get_by_text("做了").wait_for()
    page.get_by_role("button", name="停").click()
    with page.expect_navigation():
        page.get_by_role("button", name="确定").click()
    assert world.deeds == ["htmx", "whole"]


def test_progress_survives_a_reload_and_a_lost_connection(page: Any, world: World) -> None:
    page.goto("/page/progress")
    run = page.locator("#run b")
    expect_text(run, "0 / 3")
    world.done = 1
    expect_text(run, "1 / 3")
    page.reload()
    expect_text(run, "1 / 3")
    world.done = 3
    page.wait_for_url("**/page/confirm")


def test_the_end_without_an_address_shows_the_page_anew(page: Any, world: World) -> None:
    page.goto("/page/reload")
    expect_text(page.locator("#run b"), "0 / 3")
    with page.expect_navigation(url="**/page/reload"):
        world.done = 3
    world.done = 2
    expect_text(page.locator("#run b"), "2 / 3")


@at_sizes
def test_a_chart_is_drawn_and_the_table_stays(
    opened: Any, base: str, size: dict[str, int], shot: Callable[[Any, str], Any]
) -> None:
    with opened(viewport=size, base_url=base, color_scheme="light") as page:
        page.goto("/page/chart")
        canvas = page.locator(".chart canvas")
        canvas.wait_for()
        light = page.evaluate(PIXELS)
        assert light["ink"] > 500
        canvas.hover()
        other_pixels(page, light)  # the tooltip
        assert "3-1" in page.get_by_role("table", name="每天").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        check_accessible(page)
        shot(page, "chart")
        page.mouse.move(0, 0)
        page.emulate_media(color_scheme="dark")
        other_pixels(page, light)
        page.set_viewport_size({"width": 700, "height": 800})
        page.wait_for_function("() => document.querySelector('.chart canvas').offsetWidth <= 700")


PIXELS = """() => {
  const canvas = document.querySelector('.chart canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let ink = 0, all = 0;
  for (let n = 0; n < data.length; n += 4) { ink += data[n + 3] > 0; all = (all * 31 + data[n] + data[n + 3]) % 1000003; }
  return { ink, all };
}"""


def other_pixels(page: Any, before: dict[str, int]) -> None:
    """Wait until something else is drawn. A function, as a mere expression would need what the policy refuses."""
    page.wait_for_function(f"before => ({PIXELS})().all !== before.all", arg=before)


def test_charts_are_loaded_where_there_are_some(page: Any, opened: Any, base: str) -> None:
    page.goto("/page/confirm")
    page.wait_for_load_state("networkidle")
    assert page.locator("script[src*=charts]").count() == 0
    with opened(base_url=base, java_script_enabled=False) as plain:
        plain.goto("/page/chart")
        assert plain.get_by_role("table", name="每天").bounding_box()["height"] > 20


def test_the_error_bar_says_what_the_server_said(opened: Any, base: str) -> None:
    with opened(base_url=base, expected=r"status of (404|422|500)|ERR_FAILED|htmx:error") as page:
        page.goto("/page/errors")
        bar = page.get_by_role("alert")
        for name, text in [("json", "日志里有细节"), ("html", "没有这个人")]:
            page.get_by_role("button", name=name).click()
            bar.get_by_text(text).wait_for()
        check_accessible(page)
        assert page.inner_text("#said") == "旧"
        page.get_by_role("button", name="good").click()
        bar.wait_for(state="hidden")
        page.get_by_role("button", name="form").click()
        page.get_by_text("名字太长").wait_for()
        assert not bar.is_visible(), "a form that shows its own faults needs no bar"
        page.route("**/good", lambda route: route.abort())
        page.get_by_role("button", name="good").click()
        bar.get_by_text("连不上").wait_for()
        bar.get_by_role("button", name="关闭").click()
        bar.wait_for(state="hidden")


def test_a_filter_a_key_a_copy_and_a_dialog(opened: Any, base: str) -> None:
    with opened(base_url=base, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto("/page/small")
        page.get_by_role("dialog", name="说明").wait_for()
        check_accessible(page)
        page.get_by_role("button", name="好").click()
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "q"
        page.keyboard.type("a/b")
        assert page.input_value("#q") == "a/b"
        page.get_by_role("button", name="复制").click()
        page.get_by_role("button", name="已复制").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == "K7WQ2M"
        page.get_by_role("button", name="复制", exact=True).wait_for()
        page.get_by_label("门店").select_option("西湖店")
        page.wait_for_url("**/page/small?s=1&q=*")


def test_a_live_update_leaves_chinese_that_is_being_typed(page: Any, world: World) -> None:
    page.goto("/page/live")
    page.focus("#name")
    keyboard = page.context.new_cdp_session(page)
    for part in ("n", "ni", "ni h", "ni hao"):
        keyboard.send("Input.imeSetComposition", {"text": part, "selectionStart": len(part), "selectionEnd": len(part)})
        before = world.swaps
        page.wait_for_function("n => Number(document.querySelector('#count').textContent) > n", arg=before + 1)
        assert page.input_value("#name") == part, "the composition goes on"
    keyboard.send("Input.insertText", {"text": "你好"})
    after = world.swaps
    page.wait_for_function("n => Number(document.querySelector('#count').textContent) > n", arg=after + 1)
    assert page.input_value("#name") == "你好"
    page.keyboard.type("!")
    assert page.input_value("#name") == "你好!"
    assert page.evaluate("document.activeElement.id") == "name"


def expect_text(locator: Any, text: str) -> None:
    from playwright.sync_api import expect

    expect(locator).to_have_text(re.compile(re.escape(text)))
