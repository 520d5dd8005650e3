"""The segments of the console as an operator meets them: plain forms over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
import psycopg
import pytest

from edges import NOW, VAULT, serving
from yutang import definitions, source, users, worker
from yutang.brand import drafts, load_brand, publish, shipped
from yutang.channels import configured
from yutang.ingest import record
from yutang.segment.language import from_json
from yutang.segment.operators import OPERATORS, role_of
from yutang.web.pages.rules import choices, values
from yutang.web.pages.segments.starts import STARTS

PATH = "segments/quiet.yml"


class Controls(HTMLParser):
    """The fields of the page's big form, as a browser would send them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.inside = False
        self.select: tuple[str, list[str]] | None = None
        self.text: str | None = None
        self.presses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = has.get("id") == "segment-form"
        if not self.inside:
            return
        if tag == "input" and has.get("name") and (has.get("type") != "checkbox" or "checked" in has):
            self.found.append((has["name"], has.get("value", "")))
        if tag == "select":
            self.select = (has["name"], [])
        if tag == "option" and self.select and ("selected" in has or not self.select[1]):
            self.select[1].append(has["value"])
        if tag == "textarea":
            self.text = has["name"]
            self.found.append((self.text, ""))
        if tag == "button" and has.get("name") == "rule!":
            self.presses.append(has["value"])

    def handle_data(self, data: str) -> None:
        if self.text:
            self.found[-1] = (self.text, self.found[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self.select:
            self.found.append((self.select[0], self.select[1][-1] if self.select[1] else ""))
            self.select = None
        if tag == "textarea" and self.text:
            self.found[-1] = (self.text, self.found[-1][1].removeprefix("\n"))
            self.text = None
        if tag == "form":
            self.inside = False


def fields(answer: httpx.Response) -> dict[str, Any]:
    page = Controls()
    page.feed(answer.text)
    found: dict[str, Any] = {}
    for name, value in page.found:
        found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def web(url: str, conn: psycopg.Connection) -> Iterator[httpx.Client]:
    """A brand, and three people: two registered 40 days ago, of whom one has ordered, and one today."""
    choices._kept.clear()
    publish(conn, NOW - timedelta(days=60), load_brand(shipped()["luckin"]))
    said = [_event("registered", n, 40 if n < 3 else 0) for n in (1, 2, 3)] + [
        _event("ordered", 1, 20, order_id="o1", amount_fen=1900)
    ]
    assert record(conn, VAULT, NOW, said).accepted == 4
    worker.settle(conn, NOW, configured(VAULT))
    with serving(url) as base, httpx.Client(base_url=base, timeout=30, headers={"origin": base}) as client:
        yield client


def _event(type: str, n: int, days: int, **props: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days)).isoformat()
    handles = {"phone": f"1380000000{n}"}
    return {"id": f"{type}{n}", "source": "import", "type": type, "at": at, "handles": handles, "props": props}


def draft(conn: psycopg.Connection, name: str = "silent_new") -> str | None:
    return drafts.working(conn).text(f"segments/{name}.yml")


def test_silent_new_members_become_a_segment(web: httpx.Client, conn: psycopg.Connection) -> None:
    assert "?from=silent_new" in web.get("/segments/new").text
    form = web.get("/segments/new?from=silent_new")
    assert "第一次「注册成为会员」在 30 天以前" in form.text
    looked = web.post("/segments/new", data=fields(form) | {"rule!": "look"})
    assert 'class="ask-much">1 <small>33.3%' in looked.text
    saved = web.post("/segments/new", data=fields(looked))
    assert (saved.status_code, saved.headers["location"]) == (303, "/segments/silent_new")
    assert draft(conn) == (
        "title: {zh: 沉默新客, en: Silent new members}\n"
        "rule:\n  all:\n    - {first: registered, more_than_days: 30}\n    - {first: registered, within_days: 90}\n    - {none: ordered, days: 30}\n"
    )
    assert "草稿" in web.get("/segments").text
    assert "还是草稿" in web.get("/segments/silent_new").text
    assert [(deed.act, deed.object) for deed in users.deeds(conn)] == [("draft", "segments/silent_new.yml")]
    assert web.post("/segments/silent_new/undo").status_code == 303
    assert draft(conn) is None
    assert web.get("/segments/silent_new").status_code == 404


def test_a_form_says_the_same_when_it_comes_back(web: httpx.Client, conn: psycopg.Connection) -> None:
    """Every operator's example, in groups of every kind, goes into the form and out of it unchanged."""
    known = {kind: definitions.all_current(conn, kind) for kind in ("segment", "journey", "offer")}
    ladder = next(d.name for d in known["offer"] if d.body["sort"] == "ladder")
    coupon = next(d.name for d in known["offer"] if d.body["sort"] != "ladder")
    names = {
        "segment": known["segment"][0].name,
        "journey": known["journey"][0].name,
        "coupon": coupon,
        "ladder": ladder,
    }
    parts = []
    for operator in OPERATORS:
        body = values.example(operator).to_json()
        for name in body:
            if (role := role_of(operator, name)) in names:
                body[name] = names[role]
        parts.append(body)
    parts.append({"count": "ordered", "at_least": 1, "where": {"store": "1", "paid": True, "n": 2}})
    parts.append({"attribute": "x", "in": ["1", 1, True, "true", "a,b", 'c"d', " "]})
    rule = {
        "all": [
            {"any": parts[:20]},
            {"not": {"all": parts[20:40]}},
            {"not": parts[0]},
            {"not": {"not": parts[1]}},
            *parts[40:],
        ]
    }
    yaml = f"title: {{zh: 全, en: All}}\nrule: {json.dumps(rule, ensure_ascii=False)}\n"
    made = web.post("/segments/new", data={"name": "quiet", "yaml": yaml, "version": "0"})
    assert made.status_code == 303, made.text
    page = web.get("/segments/quiet/edit")
    again = web.post("/segments/quiet/edit", data=fields(page) | {"to": "yaml"})
    (text,) = fields(again)["yaml"]
    body = web.post("/segments/check", data={"yaml": text, "name": "quiet"})
    assert "写法正确" in body.text
    saved = web.post("/segments/quiet/edit", data=fields(again))
    assert saved.status_code == 303
    written = drafts.working(conn).text(PATH)
    assert written is not None
    assert from_json(source.load(written, PATH).plain()["rule"]) == from_json(_twice(rule))


def _twice(rule: dict[str, Any]) -> dict[str, Any]:
    """A double negation stands in a group of its own in the form."""
    parts = [{"not": {"all": [part["not"]]}} if "not" in part.get("not", {}) else part for part in rule["all"]]
    return {"all": parts}


def test_the_buttons_of_the_builder_change_the_form_and_keep_what_is_typed(
    web: httpx.Client, conn: psycopg.Connection
) -> None:
    page = web.get("/segments/new")
    for press in ("add::none", "add::tag", "wrap:1", "add:1:attribute.is", "not:0", "up::1", "copy:1", "drop:2"):
        page = web.post("/segments/new", data=fields(page) | {"rule!": press, "title_zh": "我的"})
        assert page.status_code == 200
    sent = fields(page)
    assert sent["title_zh"] == ["我的"]
    assert (sent["rule.0.both"], sent["rule.0.0.kind"], sent["rule.0.1.kind"]) == (["any:0"], ["tag"], ["attribute.is"])
    assert (sent["rule.1.kind"], sent["rule.1.not"]) == (["none"], ["1"])
    assert "rule.2.kind" not in sent
    refused = web.post("/segments/new", data=sent)
    assert refused.status_code == 422
    assert "有 2 个条件还没填好" in refused.text
    assert fields(refused) == sent
    found = web.post("/segments/new", data=sent | {"rule.find": "生日", "rule!": "look"})
    assert fields(found)["rule.2.kind"] == ["anniversary"]
    assert draft(conn, "segment_1") is None


def test_another_comparison_keeps_the_value(web: httpx.Client) -> None:
    page = web.post("/segments/new", data=fields(web.get("/segments/new")) | {"rule!": "add::count.at_least"})
    sent = fields(page) | {"rule.0.kind": "count.at_most", "rule.0.v.at_least": "7", "rule.0.v.window": "days"}
    live = web.post("/rules/live", data=sent | {"base": "rule"})
    assert 'name="rule.0.v.at_most" value="7"' in live.text
    assert 'name="rule.0.v.days" value="90"' in live.text
    assert "最近 90 天内「下单成交」至多 7 次" in live.text


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [("v.at_least", "x", "请填 0 到 1,000,000,000 的整数"), ("v.days", "0", "请填 1 到 3,660 的整数"), ("v.to_days", "90", "前一个天数要大于后一个")],
)  # fmt: skip
def test_what_is_wrong_is_said_at_the_condition(web: httpx.Client, field: str, text: str, words: str) -> None:
    page = web.post("/segments/new", data=fields(web.get("/segments/new")) | {"rule!": "add::count.at_least"})
    window = {"v.days": "days", "v.to_days": "range"}.get(field, "ever")
    sent = fields(page) | {"rule.0.v.window": window, f"rule.0.{field}": text, "base": "rule"}
    live = web.post("/rules/live", data=sent)
    assert live.status_code == 200
    assert words in live.text
    assert 'aria-invalid="true"' in live.text
    assert "填好标出的条件" in live.text


def test_a_number_is_what_the_pond_has_seen(web: httpx.Client, conn: psycopg.Connection) -> None:
    """Children are counted as text in this pond; ages as numbers."""
    for person, (name, value) in enumerate((("kids", '"1"'), ("kids", '"3+"'), ("age", "1")), 1):
        conn.execute(
            "insert into trait (bucket, person_id, name, value, at, event_id) values (%s, %s, %s, %s::jsonb, %s, 0)",
            (person, person, name, value, NOW),
        )
    for name, said in (("kids", "{attribute: kids, is: &quot;1&quot;}"), ("age", "{attribute: age, is: 1}")):
        page = web.post("/segments/new", data=fields(web.get("/segments/new")) | {"rule!": "add::attribute.is"})
        sent = fields(page) | {"rule.0.v.attribute": name, "rule.0.v.is": "1", "to": "yaml"}
        assert said.replace("&quot;1&quot;", "'1'") in web.post("/segments/new", data=sent).text.replace("&#39;", "'")


def test_text_is_checked_with_line_and_column(web: httpx.Client, conn: psycopg.Connection) -> None:
    yaml = "title: {zh: 静, en: Quiet}\nrule: {nnone: ordered}\n"
    for answer in (
        web.post("/segments/check", data={"name": "quiet", "yaml": yaml}),
        web.post("/segments/new", data={"name": "quiet", "yaml": yaml}),
    ):
        assert f"{PATH}:2:7: 不认识的条件“nnone”，是不是想写“none”？ unknown condition &#39;nnone&#39;; " in answer.text
        assert "did you mean &#39;none&#39;?" in answer.text
    assert answer.status_code == 422
    assert fields(answer)["yaml"] == [yaml]
    assert drafts.working(conn).text(PATH) is None


def test_comments_stay_and_nobody_overwrites_another(web: httpx.Client, conn: psycopg.Connection) -> None:
    text = "# Why: asked by Li.\ntitle: {zh: 静, en: Quiet}\nrule:\n  all:\n    # the heart of it\n    - {none: ordered, days: 30}\n    - {tag: vip}\n"
    version = drafts.write(conn, NOW, PATH, text, 0, "li")
    sent = fields(web.get("/segments/quiet/edit"))
    assert sent["version"] == [str(version)]
    assert web.post("/segments/quiet/edit", data=sent | {"rule.1.v.tag": "金卡"}).status_code == 303
    assert drafts.working(conn).text(PATH) == text.replace("vip", "金卡")
    late = web.post("/segments/quiet/edit", data=sent | {"rule.1.v.tag": "银卡"})
    assert late.status_code == 409
    assert "刚被" in late.text
    assert fields(late)["rule.1.v.tag"] == ["银卡"]


def test_deleting_says_where_it_is_used_and_can_be_undone(web: httpx.Client, conn: psycopg.Connection) -> None:
    shown = web.get("/segments/dormant").text
    assert "正用在" in shown
    assert web.post("/segments/dormant/delete").status_code == 303
    assert draft(conn, "dormant") is None
    assert "草稿中已删除" in web.get("/segments").text
    web.post("/segments/dormant/undo")
    assert draft(conn, "dormant") is not None


def test_what_there_is_to_see_of_a_segment(web: httpx.Client) -> None:
    listed = web.get("/segments").text
    assert "还没用到" in listed
    assert web.get("/segments?q=nothing").text.count("没有名称含") == 1
    page = web.get("/segments/never_ordered?person=1&days=30").text
    assert "不在这个人群中" in page
    assert "人数变化" in page
    for part, words in (("portrait", "生命周期"), ("overlap", "重合"), ("versions", "第 1 版")):
        answer = web.get(f"/segments/never_ordered/{part}")
        assert answer.status_code == 200
        assert words in answer.text, part
    assert web.get("/segments/nobody").status_code == 404
    assert web.get("/segments?lang=en").text.count("nowhere yet") >= 1


@pytest.mark.parametrize("start", STARTS)
def test_every_template_is_a_rule(start: str) -> None:
    assert from_json(STARTS[start].rule)


def test_who_may_not(web: httpx.Client, conn: psycopg.Connection) -> None:
    users.add(conn, NOW, "boss", "老板", "administrator", "correct horse battery")
    users.add(conn, NOW, "ann", "分析", "analyst", "correct horse battery")
    users.add(conn, NOW, "shop", "店长", "manager", "correct horse battery")
    for name, statuses in (("ann", (200, 403, 403)), ("shop", (403, 403, 403))):
        with httpx.Client(base_url=web.base_url, headers=dict(web.headers)) as client:
            client.post("/login", data={"name": name, "password": "correct horse battery"})
            answers = (
                client.get("/segments"),
                client.get("/segments/new"),
                client.post("/rules/live", data={"base": "rule"}),
            )
            assert tuple(answer.status_code for answer in answers) == statuses
            assert name != "ann" or "新建人群" not in answers[0].text
    assert web.post("/segments/dormant/delete", headers={"origin": "https://evil.example"}).status_code in (401, 403)
