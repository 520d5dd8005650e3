"""The messages' pages over HTTP: the library, the preview as each channel shows it, and the editor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import psycopg
import pytest

from edges import NOW, serving, signed_in
from ponds import Pond
from touches import decided
from yutang import definitions, users
from yutang.brand import drafts, load_brand, publish, shipped
from yutang.brand.folder import Brand, read_brand

PATH = "messages/welcome.md"
WORDS = "{{ person.name }}，您好。"
TYPED = {"title_zh": "提醒", "title_en": "", "subject": "一件事", "channel": "sandbox", "body": WORDS, "do": "save"}


def brand() -> Brand:
    """The coffee brand, which may write on every channel."""
    files = load_brand(shipped()["luckin"]).files
    return read_brand(files | {"pond.toml": re.sub(r"(?s)\[consent\].*?(?=\n\[|\Z)", "", files["pond.toml"])})


@pytest.fixture
def web(url: str, conn: psycopg.Connection) -> Iterator[httpx.Client]:
    publish(conn, NOW - timedelta(days=1), brand())
    with serving(url) as base, httpx.Client(base_url=base, headers={"Origin": base}, timeout=30) as client:
        yield client


def read(conn: psycopg.Connection, name: str) -> dict[str, Any]:
    """A message as the drafted files would have it."""
    return read_brand(drafts.working(conn).files).messages[name]


def seen(web: httpx.Client, **typed: str) -> str:
    answer = web.post("/messages/preview", data=TYPED | typed)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def test_the_library_lists_finds_and_counts(web: httpx.Client, conn: psycopg.Connection) -> None:
    page = unescape(web.get("/messages").text)
    assert "欢迎" in page
    assert "ladder_rung" in page
    assert 'hx-trigger="load"' in page
    assert "welcome" not in web.get("/messages", params={"q": "ladder_rung"}).text.split("<main")[1]
    assert "没有符合条件的消息" in web.get("/messages", params={"channel": "sms"}).text
    people = [Pond(conn).person() for _ in range(4)]
    touches = decided(conn, people, channel="sandbox", message="welcome", now=NOW)
    for touch, person, state in zip(touches, people, ("sent", "sent", "sent", "failed"), strict=True):
        conn.execute(
            """insert into attempt (bucket, person_id, touch_id, channel, state, tries, at, reason)
               values (%s, %s, %s, 'sandbox', %s, 1, %s, %s)""",
            (person & 1023, person, touch, state, NOW, "permanent" if state == "failed" else None),
        )
    publish(conn, NOW, brand())
    counted = web.get("/messages", params={"figures": 1})
    assert "25.0%" in counted.text
    assert "hx-trigger" not in counted.text
    figures = web.get("/messages/welcome/figures").text
    assert "渠道永久拒绝" in figures
    assert "25.0%" in figures


def test_one_message_with_its_preview_on_any_channel(web: httpx.Client) -> None:
    page = unescape(web.get("/messages/welcome").text)
    assert "林小满" in page
    assert "并无此人" in page
    assert "{{ person.name }}" in page
    assert "【签名】" in web.get("/messages/welcome", params={"on": "sms"}).text
    assert "device email" in web.get("/messages/welcome", params={"on": "email"}).text
    assert web.get("/messages/nothing").status_code == 404


def test_the_persons_own_pages_are_shown_as_addresses(web: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"body": "券包 {{ wallet }} 退订 {{ preferences }}"}
    without = seen(web, **words)
    assert "/w/" not in without, "nobody has said under which address browsers reach us"
    monkeypatch.setenv("YUTANG_PUBLIC_URL", "http://127.0.0.1")
    assert "券包 http://127.0.0.1/w/… 退订 http://127.0.0.1/p/…" in seen(web, **words)
    editor = unescape(web.get("/messages/new").text)
    assert all(f'data-copy="{{{{ {name} }}}}"' in editor for name in ("wallet", "preferences"))


def test_a_message_is_written_saved_and_undone(web: httpx.Client, conn: psycopg.Connection) -> None:
    body = "{{ person.name }}，您好。\r\n\r\n  <b>再见</b> 🙂\r\n"
    answer = web.post("/messages/new", data=TYPED | {"name": "reminder", "version": "0", "body": body})
    assert (answer.status_code, answer.headers["location"]) == (303, "/messages/reminder/edit")
    found = read(conn, "reminder")
    assert found["body"] == "{{ person.name }}，您好。\n\n  <b>再见</b> 🙂"
    assert found["title"] == {
        "zh": "提醒",
        "en": "提醒",
    }
    assert definitions.current(conn, "message", "reminder") is None
    page = web.get("/messages/reminder/edit")
    assert "&lt;b&gt;再见" in page.text
    assert "<b>再见" not in page.text
    assert "草稿" in web.get("/messages").text
    assert web.post("/messages/reminder/undo").headers["location"] == "/messages"
    assert "reminder" not in web.get("/messages").text
    assert [(deed.act, deed.object) for deed in users.deeds(conn)] == [("draft", "messages/reminder.md")]


def test_what_is_not_changed_stays_as_it_was_written(web: httpx.Client, conn: psycopg.Connection) -> None:
    was = drafts.working(conn).text(PATH)
    assert was is not None
    commented = was.replace("title:", "# who comes anew\ntitle:", 1)
    drafts.write(conn, NOW, PATH, commented, 0, "test")
    page = unescape(web.get("/messages/welcome/edit").text)
    form = {name: _value(page, name) for name in ("title_zh", "title_en", "subject", "version")}
    body = page.split('<textarea id="body"')[1].split(">\n", 1)[1].split("</textarea>")[0]
    answer = web.post(
        "/messages/welcome/edit", data=form | {"channel": "sandbox", "body": body, "subject": "欢迎您", "do": "save"}
    )
    assert answer.status_code == 303
    now = drafts.working(conn).text(PATH)
    assert now is not None
    assert now.replace("subject: 欢迎您", f"subject: {form['subject']}") == commented
    stale = web.post("/messages/welcome/edit", data=form | TYPED | {"version": form["version"], "subject": "旧的"})
    assert (stale.status_code, 'value="旧的"' in stale.text) == (409, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"body": "{% if coupon %}没有结束"}, "messages/reminder.md:"),
        ({"subject": "{{ person.name"}, "messages/reminder.md:"),
        ({"body": "{{ persn.name }}"}, "there is no variable 'persn'; did you mean 'person'?"),
        ({"body": "{% include 'foot.md' %}"}, "a message stands alone"),
        ({"body": ""}, "必填"),
        ({"title_zh": ""}, "必填"),
        ({"name": "welcome"}, "已有这个编号"),
        ({"channel": "pigeon"}, "there is no channel 'pigeon'"),
        ({"channel": "staff", "task.within_hours": "很久"}, "填小时数"),
    ],
)
def test_an_error_says_where_and_keeps_what_was_typed(
    web: httpx.Client, conn: psycopg.Connection, change: dict[str, str], said: str
) -> None:
    typed = TYPED | {"name": "reminder", "version": "0", "title_en": "A reminder"} | change
    answer = web.post("/messages/new", data=typed)
    page = unescape(answer.text)
    assert (answer.status_code, said in page) == (422, True), page
    assert 'value="A reminder"' in page
    assert all(value in page for name, value in change.items() if value)
    assert not drafts.working(conn).changed


def test_unknown_variables_are_named_with_the_nearest(web: httpx.Client, conn: psycopg.Connection) -> None:
    Pond(conn).person(birthday="03-18", city="杭州")
    assert "person.birthday" in seen(web, body="{{ person.birthdy }}")
    assert "是不是 coupon.discount" in seen(web, body="{{ coupon.discuont }}")
    assert "是不是 person" in seen(web, body="{{ persom.name }}")
    assert "what '*' makes here is larger than 100000" in seen(web, body="{{ 'x' * 10**10 }}")
    for good in (
        "{{ person.city }}",
        "{% for n in [1] %}{{ n }}{{ loop.index }}{% endfor %}",
        "{% set x = 1 %}{{ x }}",
        "{{ pond.title }}",
    ):
        assert "没有变量" not in seen(web, body=good)
        assert "没有顾客有" not in seen(web, body=good)


def test_the_preview_is_for_a_made_up_person_or_for_one_whom_one_may_see(
    web: httpx.Client, conn: psycopg.Connection
) -> None:
    person = Pond(conn).person(name="阿珍", city="绍兴")
    assert "林小满，您好" in seen(web)
    assert "阿珍，您好" in seen(web, see_person=str(person))
    assert "there is no person" in seen(web, see_person="99999")
    assert "8.5折" in seen(web, body="{% if coupon %}{{ coupon.discount }}{% else %}没有券{% endif %}")
    assert "没有券" in seen(
        web, body="{% if coupon %}{{ coupon.discount }}{% else %}没有券{% endif %}", see_coupon="without"
    )
    assert "无法显示" in seen(web, body="{{ 1 / 0 }}")
    assert "<script>" not in web.post("/messages/preview", data=TYPED | {"body": "<script>alert(1)</script>"}).text


@pytest.mark.parametrize(("length", "parts"), [(66, 1), (67, 2), (130, 2), (131, 3)])
def test_a_text_message_is_charged_by_its_parts(web: httpx.Client, length: int, parts: int) -> None:
    """The signature 【签名】 takes four characters."""
    assert f"{length + 4} 字（含签名），按 {parts} 条计费" in seen(web, channel="sms", body="字" * length)


def test_each_channel_takes_its_own_attachments(web: httpx.Client, conn: psycopg.Connection) -> None:
    new = {"name": "card", "version": "0"}
    form = unescape(web.post("/messages/new", data=TYPED | new | {"channel": "wecom", "do": "channel"}).text)
    assert "+ 加链接" in form
    assert "+ 加小程序卡片" in form
    assert "短信模板" not in form.split('<fieldset id="attachments"')[1]
    added = unescape(web.post("/messages/new", data=TYPED | new | {"channel": "wecom", "do": "add:link"}).text)
    assert 'name="a0.url"' in added
    assert WORDS in added
    card = {
        "a0.kind": "link",
        "a0.title": "{{ person.name }}的券",
        "a0.url": "https://example.com/c",
        "a0.desc": "点开",
    }
    shown = seen(web, channel="wecom", **card)
    assert "林小满的券" in shown
    assert "linkcard" in shown
    assert "缺少 url" in seen(web, channel="wecom", **(card | {"a0.url": ""}))
    assert web.post("/messages/new", data=TYPED | new | card | {"channel": "wecom"}).status_code == 303
    assert read(conn, "card")["attachments"] == [
        {"kind": "link", "title": "{{ person.name }}的券", "url": "https://example.com/c", "desc": "点开"}
    ]
    gone = web.post("/messages/card/edit", data=TYPED | card | {"channel": "wecom", "do": "cut:0"})
    assert gone.status_code == 200
    assert "a0.kind" not in gone.text


def test_notices_and_tasks_keep_their_fields(web: httpx.Client, conn: psycopg.Connection) -> None:
    notice = {
        "a0.kind": "subscribe",
        "a0.template": "T1",
        "a0.data": "thing1: {{ person.name }}的生日券\r\ntime2：2026-03-31",
        "a0.page": "pages/x",
    }
    shown = seen(web, channel="miniprogram", **notice)
    assert "林小满的生日券" in shown
    assert "time2" in shown
    assert "只发平台审核过的模板" in seen(web, channel="miniprogram")
    assert (
        web.post("/messages/new", data=TYPED | notice | {"channel": "miniprogram", "name": "birthday"}).status_code
        == 303
    )
    assert read(conn, "birthday")["attachments"][0]["data"] == {
        "thing1": "{{ person.name }}的生日券",
        "time2": "2026-03-31",
    }
    task = {
        "channel": "staff",
        "name": "call",
        "task.within_hours": "4",
        "task.escalate_to": "boss",
        "task.escalate_after_hours": "2.5",
    }
    assert web.post("/messages/new", data=TYPED | task).status_code == 303
    assert read(conn, "call")["task"] == {
        "to": "owner",
        "within_hours": 4,
        "escalate_to": "boss",
        "escalate_after_hours": 2.5,
    }
    page = web.get("/messages/call/edit").text
    assert _value(page, "task.escalate_to") == "boss"
    assert "device staff" in page


def test_a_delete_warns_where_it_is_used_and_can_be_undone(web: httpx.Client, conn: psycopg.Connection) -> None:
    page = web.get("/messages/welcome/edit").text
    assert "data-confirm" in page
    assert "旅程 welcome 正在使用它" in page
    assert web.post("/messages/welcome/delete", data={"version": "0"}).status_code == 303
    told = web.get("/messages")
    assert "草稿中已删除" in told.text
    assert 'action="/messages/welcome/undo"' in told.text
    assert web.post("/messages/welcome/undo").headers["location"] == "/messages/welcome/edit"
    assert not drafts.working(conn).changed


def test_who_may_only_look_does_not_edit(web: httpx.Client, conn: psycopg.Connection) -> None:
    signed_in(conn, web.base_url, "administrator").close()
    with signed_in(conn, web.base_url, "analyst") as analyst:
        page = analyst.get("/messages/welcome")
        assert page.status_code == 200
        assert "/edit" not in page.text
        refused = [analyst.get("/messages/new"), analyst.post("/messages/preview", data=TYPED), analyst.post("/messages/new", data=TYPED),
                   analyst.post("/messages/welcome/delete", data={"version": "0"})]  # fmt: skip
        assert [answer.status_code for answer in refused] == [403] * 4
    with signed_in(conn, web.base_url, "salesperson", staff="g1") as guide:
        assert guide.get("/messages").status_code == 403


def _value(page: str, name: str) -> str:
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page)
    assert found is not None, name
    return unescape(found[1])
