"""The journey editor over HTTP, as a browser without scripts uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import psycopg
import pytest

from edges import NOW, serving, signed_in
from yutang.brand import drafts, load_brand, names, publish, read_brand, scene, shipped
from yutang.source import Position, SourceError
from yutang.web.pages.editor import checks, outline, values

WELCOME = "/journeys/welcome/edit"


@pytest.fixture
def web(url: str, conn: psycopg.Connection) -> Iterator[httpx.Client]:
    publish(conn, NOW, load_brand(shipped()["grocery"]))
    with serving(url) as base, httpx.Client(base_url=base, headers={"Origin": base}, timeout=30) as client:
        yield client


def text(conn: psycopg.Connection, name: str = "welcome", folder: str = "journeys/{}.yml") -> str:
    return drafts.working(conn).text(folder.format(name)) or ""


def version(conn: psycopg.Connection, name: str = "welcome") -> int:
    return drafts.working(conn).version(f"journeys/{name}.yml")


def post(
    web: httpx.Client, conn: psycopg.Connection, what: str, journey: str = "welcome", **data: Any
) -> httpx.Response:
    return web.post(f"/journeys/{journey}/edit/{what}", data={"version": str(version(conn, journey)), **data})


def lines(page: httpx.Response) -> list[str]:
    """The sentences of the list."""
    found = re.findall(r'<span class="step-words">(.*?)</span>', page.text, re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>", " ", one)).strip() for one in found]


def field(page: httpx.Response, name: str) -> str:
    """What a field of the panel shows."""
    found = re.search(rf'<input[^>]* name="{name}"[^>]*? value="([^"]*)"', page.text)
    assert found, name
    return unescape(found[1])


def test_the_list_says_what_the_journey_does(web: httpx.Client) -> None:
    page = web.get(WELCOME)
    assert lines(page) == [
        "发生「注册成为会员」时", "等待 2 小时", "发消息「欢迎」，附优惠「新客满 50 减 8」", "等「下单成交」，最多 14 天", "发消息「感谢再次光临」",
        "发消息「首次购物回访」",
    ]  # fmt: skip
    assert "检查通过" in page.text
    assert "和线上一样" in page.text
    english = lines(web.get(f"{WELCOME}?lang=en"))
    assert english[1:3] == ["wait 2 hours", "say 'Welcome' with the offer '8 yuan off 50, for new customers'"]


def test_a_journey_is_made_from_nothing(web: httpx.Client, conn: psycopg.Connection) -> None:
    made = web.post("/journeys/new", data={"title_zh": "唤醒", "name": "wake", "segment": "silent"})
    assert made.headers["location"] == "/journeys/wake/edit"
    assert "新旅程，还没有上线" in web.get("/journeys/wake/edit").text
    answer = post(web, conn, "insert", "wake", place="steps:0", kind="wait")
    assert answer.headers["location"] == "/journeys/wake/edit?at=steps.0"
    post(web, conn, "step", "wake", at="steps.0", kind="wait", days="3", hours="", minutes="")
    post(web, conn, "insert", "wake", place="steps:1", kind="ladder")
    page = web.get("/journeys/wake/edit?at=steps.1")
    assert "有问题" in page.text
    assert "阶梯：这里还没有填。" in page.text
    post(web, conn, "step", "wake", at="steps.1", kind="ladder", ladder="come_back", message="ladder_rung")
    assert text(conn, "wake") == (
        "title: {zh: 唤醒, en: 唤醒}\ntrigger: {segment: silent}\nsteps:\n"
        "  - wait: {days: 3}\n  - ladder: come_back\n    message: ladder_rung\n"
    )
    page = web.get("/journeys/wake/edit")
    assert "检查通过" in page.text
    assert "/plans/new?chosen=1&amp;file=journeys/wake.yml" in page.text
    assert read_brand(drafts.working(conn).files).journeys["wake"]["program"][1]["offer"] == "come_back"


def test_a_bad_name_keeps_what_was_typed(web: httpx.Client, conn: psycopg.Connection) -> None:
    for name, said in (
        ("Wach Auf", "只能用小写字母"),
        ("welcome", "已经有叫 welcome 的旅程了"),
        ("new", "只能用小写字母"),
    ):
        answer = web.post("/journeys/new", data={"title_zh": "唤醒", "name": name, "segment": "silent"})
        assert answer.status_code == 422
        assert said in answer.text
        assert field(answer, "title_zh") == "唤醒"
        assert field(answer, "name") == name
    assert not drafts.working(conn).changed


def test_steps_move_double_and_go_and_all_of_it_is_undone(web: httpx.Client, conn: psycopg.Connection) -> None:
    before = text(conn)
    assert post(web, conn, "do", at="steps.2", do="up").headers["location"].endswith("at=steps.1")
    assert [step.kind for step in outline.read(text(conn), "x").main.steps] == ["message", "wait", "wait_for"]
    assert post(web, conn, "do", at="steps.1", do="duplicate").headers["location"].endswith("at=steps.3")
    assert post(web, conn, "do", at="steps.3", do="delete").headers["location"].endswith("at=steps.2")
    assert post(web, conn, "do", at="steps.3.then.0", do="to", into="steps.3.else").status_code == 303
    assert lines(web.get(WELCOME))[-2:] == ["发消息「首次购物回访」", "发消息「感谢再次光临」"]
    for _ in range(4):
        web.post("/drafts/undo", data={"path": "journeys/welcome.yml", "to": WELCOME})
    assert text(conn) == before
    web.post("/drafts/redo", data={"path": "journeys/welcome.yml", "to": WELCOME})
    assert text(conn) != before


def test_the_form_of_a_step_writes_its_keys_alone(web: httpx.Client, conn: psycopg.Connection) -> None:
    before = text(conn)
    form = {
        "kind": "wait_for",
        "at": "steps.3",
        "event": ["ordered", "viewed"],
        "event_where": ["", "page: menu"],
        "days": "7",
    }
    post(web, conn, "step", **form)
    assert "wait_for: [ordered, {event: viewed, where: {page: menu}}]\n    days: 7" in text(conn)
    assert text(conn).split("  - wait_for")[0] == before.split("  - wait_for")[0]
    post(web, conn, "step", at="steps.2", kind="message", message="welcome", offer="", channel=["wecom", "sms", ""])
    assert "offer:" not in text(conn)
    assert "channel: [wecom, sms]" in text(conn)
    post(web, conn, "step", at="steps.1", kind="message", message="welcome", offer="first_visit", channel="")
    assert "- offer: first_visit\n  - message: welcome\n" in text(conn)


def test_what_is_wrong_is_said_at_its_step(web: httpx.Client, conn: psycopg.Connection) -> None:
    post(web, conn, "step", at="steps.0", kind="wait", days="bald", hours="", minutes="")
    assert "days: bald" in text(conn), "what was typed is kept"
    page = web.get(f"{WELCOME}?at=steps.0")
    assert field(page, "days") == "bald"
    assert "天：请填 0 到 100000 之间的整数，现在是" in page.text
    assert re.search(r'id="at-steps.0">\s*<div class="flow-step tone-wait wrong">', page.text)
    assert "days" in web.get(f"{WELCOME}?lang=en").text


def test_the_head_is_written_key_by_key(web: httpx.Client, conn: psycopg.Connection) -> None:
    form = {
        "title_zh": "新客欢迎", "title_en": "Welcome", "class": "marketing", "trigger": "schedule", "at": "09:30", "on": "weekdays",
        "weekdays": ["mon", "fri"], "reentry": "after_days", "after_days": "30", "goal": "ordered", "goal_where": "", "value": "9.50",
        "holdout_percent": "5", "exit_event": ["refunded", ""], "exit_where": ["store: S1", ""],
    }  # fmt: skip
    assert web.post(f"{WELCOME}/head", data={"version": "0", **form}).status_code == 303
    assert text(conn).startswith(
        "title: {zh: 新客欢迎, en: Welcome}\ntrigger: {schedule: {at: 09:30, weekdays: [mon, fri]}}\nreentry: {after_days: 30}\n"
    )
    assert "value_fen: 950\n" in text(conn)
    assert "goal: {event: ordered}\nexit_on: [{event: refunded, where: {store: S1}}]\n" in text(conn)
    assert "holdout_percent: 5\n" in text(conn)
    assert "定时开始的旅程要说明给谁" in web.get(WELCOME).text, "a schedule needs an audience"
    web.post(
        f"{WELCOME}/rule", data={"version": str(version(conn)), "at": "head", "rule": "audience", "yaml": "tag: vip"}
    )
    page = web.get(WELCOME)
    assert "audience: {tag: vip}" in text(conn)
    assert "检查通过" in page.text
    assert "每周一、周五 09:30" in lines(page)[0]


def test_saving_a_form_that_says_the_same_changes_nothing(web: httpx.Client, conn: psycopg.Connection) -> None:
    for name in ("welcome", "come_back", "dormant", "repurchase"):
        page = web.get(f"/journeys/{name}/edit").text
        panel = page[page.index('<form id="head"') : page.index("</form>", page.index('<form id="head"'))]
        post_all(web, f"/journeys/{name}/edit/head", panel)
        for step in outline.read(text(conn, name), "x").steps():
            page = web.get(f"/journeys/{name}/edit?at={step.path}").text
            panel = page[page.index('<form id="step"') : page.index("</form>", page.index('<form id="step"'))]
            post_all(web, f"/journeys/{name}/edit/step", panel)
    assert drafts.working(conn).changed == {}


def post_all(web: httpx.Client, path: str, form: str) -> None:
    """Send a form as it stands in the page."""
    pairs = [
        (unescape(name), unescape(value))
        for name, value in re.findall(r'<input(?![^>]*checkbox)[^>]*? name="([^"]*)" value="([^"]*)"', form)
    ]
    pairs += [
        (name, value)
        for name, value in re.findall(r'<input type="checkbox" name="([^"]*)" value="([^"]*)" checked', form)
    ]
    for name, inner in re.findall(r'<select[^>]*? name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        options = re.findall(r'<option value="([^"]*)"( selected)?', inner)
        pairs.append((name, next((value for value, on in options if on), options[0][0])))
    pairs += [
        (name, unescape(inner).removeprefix("\n"))
        for name, inner in re.findall(r'<textarea[^>]*? name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.DOTALL)
    ]
    data: dict[str, list[str]] = {}
    for name, value in pairs:
        data.setdefault(name, []).append(value)
    assert web.post(path, data=data).status_code == 303, path


def test_whoever_comes_second_sees_the_other_and_keeps_what_he_typed(
    web: httpx.Client, conn: psycopg.Connection
) -> None:
    other = signed_in(conn, web.base_url, "operator")
    mine = signed_in(conn, web.base_url, "administrator")
    assert other.post(f"{WELCOME}/insert", data={"version": "0", "place": "steps:0", "kind": "tag"}).status_code == 303
    counts = mine.get(f"{WELCOME}?at=steps.0&counts=0")
    assert counts.status_code == 204, "figures that come late do not bring another's steps with them"
    form = {"version": "0", "at": "steps.0", "kind": "wait", "days": "4", "hours": "", "minutes": ""}
    late = mine.post(f"{WELCOME}/step", data=form)
    assert late.status_code == 422
    assert "operator 刚改过这个旅程" in late.text
    assert "+  - tag:" in unescape(late.text)
    assert 'name="at" value="steps.1"' in late.text, "the step is found where it is now"
    assert field(late, "days") == "4"
    assert "days: 4" not in text(conn)
    form |= {"version": field(late, "version"), "at": "steps.1"}
    assert mine.post(f"{WELCOME}/step", data=form).status_code == 303
    assert "- tag: ''\n  - wait: {days: 4}\n" in text(conn), "both are kept"
    assert mine.post(f"{WELCOME}/do", data={"version": "0", "at": "steps.0", "do": "delete"}).status_code == 422


def test_what_was_typed_for_a_step_that_is_gone_can_be_copied(web: httpx.Client, conn: psycopg.Connection) -> None:
    post(web, conn, "do", at="steps.3", do="delete")
    form = {"version": "0", "at": "steps.3", "kind": "wait_for", "event": "ordered", "event_where": "", "days": "99"}
    late = web.post(f"{WELCOME}/step", data=form)
    assert late.status_code == 422
    assert "这一步已经不在了" in late.text
    assert "days: '99'" in unescape(late.text)


def test_the_text_is_kept_right_or_wrong(web: httpx.Client, conn: psycopg.Connection) -> None:
    typed = text(conn).replace("- message: thanks_second", "- mesage: thanks_second")
    assert post(web, conn, "text", text=typed.replace("\n", "\r\n")).status_code == 303
    assert text(conn) == typed
    page = web.get(f"{WELCOME}?view=text")
    assert "看不懂这一步，是不是想写“message”？" in page.text
    assert "mesage: thanks_second" in page.text
    assert "at=steps.3.then.0" in web.get(WELCOME).text
    post(web, conn, "text", text="title: {zh: a\nsteps")
    page = web.get(WELCOME)
    assert page.status_code == 200
    assert "这不是 YAML" in page.text
    assert "title: {zh: a" in page.text


def test_a_condition_is_built_or_written(web: httpx.Client, conn: psycopg.Connection) -> None:
    post(web, conn, "insert", place="steps:0", kind="if")
    page = web.get(f"{WELCOME}?at=steps.0&rule=if")
    assert 'name="rule!"' in page.text
    assert "编辑条件" not in page.text
    pressed = post(web, conn, "rule", at="steps.0", rule="if", **{"rule!": "add::tag", "rule.kind": "all"})
    assert pressed.status_code == 200
    assert "if: {}" in text(conn), "a button of the builder saves nothing"
    wrong = post(web, conn, "rule", at="steps.0", rule="if", yaml="count: [")
    assert wrong.status_code == 422
    assert "看不懂这段 YAML" in wrong.text
    assert "count: [" in wrong.text
    assert (
        post(web, conn, "rule", at="steps.0", rule="if", yaml="count: ordered\nat_least: 3\ndays: 90").status_code
        == 303
    )
    assert "- if: {count: ordered, at_least: 3, days: 90}\n    then: []" in text(conn)
    assert "检查通过" in web.get(WELCOME).text


def test_ways_of_a_branch_come_and_go(web: httpx.Client, conn: psycopg.Connection) -> None:
    post(web, conn, "insert", place="steps:0", kind="branch")
    post(web, conn, "do", at="steps.0", do="add-way")
    post(web, conn, "rule", at="steps.0", rule="way0", yaml="tag: vip")
    form = {
        "kind": "branch",
        "at": "steps.0",
        "name0": "会员",
        "ask0": "rule",
        "name1": "",
        "ask1": "begun",
        "said1": "store = S1",
    }
    post(web, conn, "step", **form)
    post(web, conn, "insert", place="steps.0.way1:0", kind="exit")
    assert "when: {tag: vip}" in text(conn)
    assert "when: {begun: {store: S1}}" in text(conn)
    page = web.get(f"{WELCOME}?at=steps.0")
    assert "检查通过" in page.text
    assert "会员：" in page.text
    post(web, conn, "do", at="steps.0", do="drop-way:1")
    assert "begun" not in text(conn)
    assert "else: []" in text(conn)


def test_a_message_is_written_beside_its_step(web: httpx.Client, conn: psycopg.Connection) -> None:
    post(web, conn, "insert", place="steps:0", kind="message")
    page = web.get(f"{WELCOME}?at=steps.0&new=message")
    assert field(page, "name") == "welcome_1"
    form = {
        "at": "steps.0",
        "name": "welcome_1",
        "title_zh": "早安: 你好",
        "channel": "sandbox",
        "subject": "",
        "words": "早，{{ person.name }}",
    }
    wrong = post(web, conn, "message", **form)
    assert wrong.status_code == 422
    assert "请填写" in wrong.text
    assert field(wrong, "title_zh") == "早安: 你好"
    assert "messages/welcome_1.md" not in drafts.working(conn).files
    assert post(web, conn, "message", **(form | {"subject": "早"})).status_code == 303
    assert "- message: welcome_1\n" in text(conn)
    assert read_brand(drafts.working(conn).files).messages["welcome_1"]["title"]["zh"] == "早安: 你好"
    page = web.get(WELCOME)
    assert "检查通过" in page.text
    assert "file=messages/welcome_1.md" in page.text


def test_a_scene_comes_with_all_its_files(web: httpx.Client, conn: psycopg.Connection) -> None:
    assert "沉默阶梯" in web.get("/journeys/new").text
    made = web.post("/journeys/new", data={"scene": "silent_ladder", "channel": "sandbox"})
    assert made.headers.get("location") == "/journeys/silent_ladder/edit", re.findall(r"alert.*", made.text)
    assert set(drafts.working(conn).changed) == {
        "journeys/silent_ladder.yml",
        "messages/silent_ladder_rung.md",
        "offers.yml",
    }
    assert "channel: sandbox" in text(conn, "silent_ladder_rung", "messages/{}.md")
    assert "检查通过" in web.get("/journeys/silent_ladder/edit").text
    files = drafts.working(conn).files
    for name, found in scene.scenes().items():
        if name != "repurchase":
            assert outline.read(found.files[f"journeys/{name}.yml"], "x").main.steps
            assert read_brand({**files, **scene.laid(files, found, "sandbox")})


def test_who_may_not_edit_is_told_so(web: httpx.Client, conn: psycopg.Connection) -> None:
    analyst = signed_in(conn, web.base_url, "analyst")
    assert analyst.get(WELCOME).status_code == 403
    assert analyst.get("/journeys/new").status_code == 403
    for what in ("insert", "do", "step", "head", "rule", "text", "message"):
        assert analyst.post(f"{WELCOME}/{what}", data={"version": "0"}).status_code == 403, what
    assert drafts.working(conn).changed == {}
    assert signed_in(conn, web.base_url, "operator").get("/journeys/nowhere/edit").status_code == 404


def test_nonsense_in_the_address_shows_the_head(web: httpx.Client, conn: psycopg.Connection) -> None:
    for query in (
        "at=steps.99",
        "at=x",
        "add=steps.9.then:0",
        "add=x",
        "rule=if",
        "at=steps.0&rule=way9",
        "new=message",
        "view=x",
    ):
        assert web.get(f"{WELCOME}?{query}").status_code == 200, query
    assert post(web, conn, "do", at="steps.99", do="up").status_code == 422
    assert post(web, conn, "insert", place="steps.77.then:0", kind="wait").status_code == 422
    assert post(web, conn, "step", at="steps.0", kind="nonsense").status_code == 422
    assert drafts.working(conn).changed == {}


def test_a_pond_without_files_says_what_to_do(url: str) -> None:
    with serving(url) as base:
        assert "yutang brand load" in httpx.get(f"{base}/journeys/new").text


def test_pairs_are_read_as_people_write_them() -> None:
    for written in ("store: S1, page: menu", "store=S1，page = menu", "{store: S1, page: menu}", "store:S1,page:menu"):
        assert values.pairs(written) == {"store": "S1", "page": "menu"}, written
    assert values.pairs_shown({"store": "S1", "ok": True}) == "store: S1, ok: true"
    with pytest.raises(values.Unreadable):
        values.pairs("a: [")


def test_what_is_surely_not_meant_is_said_beside_the_step(web: httpx.Client, conn: psycopg.Connection) -> None:
    post(web, conn, "text", text=text(conn).replace("steps:\n", "steps:\n  - wait_for: orders\n    days: 3\n", 1))
    page = web.get(WELCOME)
    assert "检查通过" in page.text
    assert "事件目录里没有“orders”，是不是想写“ordered”？" in page.text
    assert 'href="/journeys/welcome/edit?at=steps.0"' in page.text.split("orders")[1]


def test_every_chinese_sentence_has_its_english() -> None:
    wrong = names.Reference("message", "helo", Position("journeys/x.yml", 3, 4))
    with pytest.raises(SourceError) as caught:
        names.check(iter([wrong]), {"message": ["hello"]})
    said = checks.fault(caught.value, "journeys/x.yml", None)
    assert said.words == {
        "zh": "没有名为“helo”的消息，是不是想写“hello”？",
        "en": "there is no message 'helo'; did you mean 'hello'?",
    }
