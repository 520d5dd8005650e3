"""Drafts become a plan, the plan is rehearsed, approved and applied: through the console, as people meet it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from edges import NOW, VAULT, serving, signed_in
from plans import WELCOME, files, message
from replays import Brand as Life
from yutang import definitions, plan, users
from yutang.brand import drafts, load_brand, read_brand, shipped
from yutang.demo.synthetic import Coffee
from yutang.model import YutangError, bucket_of
from yutang.replay.ticks import parse_tick

SHORTER = WELCOME.replace("wait: {days: 2}\n    id: pause", "wait: {days: 3}\n    id: nap")


def write(conn: psycopg.Connection, path: str, text: str | None) -> None:
    drafts.write(conn, NOW, path, text, drafts.working(conn).version(path), "li")


@pytest.fixture
def base(url: str, conn: psycopg.Connection) -> Iterator[str]:
    plan.publish(conn, NOW, read_brand(files()))
    with serving(url) as address:
        yield address


def key(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found
    return found[1]


def stand(conn: psycopg.Connection, step: int, people: int = 2) -> None:
    """So many people on a line of the journey `welcome`."""
    d = definitions.current(conn, "journey", "welcome")
    assert d is not None
    for n in range(people):
        person = 100 + 10 * step + n
        conn.execute(
            "insert into person (bucket, person_id, created_at) values (%s, %s, %s)", (bucket_of(person), person, NOW)
        )
        conn.execute(
            """insert into enrolment (bucket, person_id, journey_id, cause, version, arm, state, step, entered_at, stepped_at)
               values (%s, %s, %s, 'test', %s, 'treated', 'active', %s, %s, %s)""",
            (bucket_of(person), person, d.definition_id, d.version, step, NOW, NOW),
        )


def test_without_drafts_there_is_nothing_to_preview(web: httpx.Client) -> None:
    page = web.get("/plans/new")
    assert page.status_code == 200
    assert "没有待上线的改动" in page.text
    assert "还没有计划" in web.get("/plans").text


def test_a_pond_without_files_says_how_to_get_them(url: str) -> None:
    with serving(url) as address, httpx.Client(base_url=address) as client:
        assert "yutang brand load" in client.get("/plans/new").text


def test_from_a_draft_into_service_and_back(web: httpx.Client, conn: psycopg.Connection) -> None:
    write(conn, "messages/hello.md", message("嗨"))
    page = web.get("/plans/new").text
    assert "修改消息 hello" in page
    assert "影响发送" in page
    assert "没有旅程会发消息“promo”" in page
    sent = {"chosen": "1", "file": "messages/hello.md", "key": key(page)}
    made = web.post("/plans/new", data=sent)
    assert made.url.path == "/plans/1"
    assert "可以上线" in made.text
    assert "没有旅程会发消息“promo”" in made.text
    assert web.post("/plans/new", data=sent).url.path == "/plans/1", "the same form again makes no second plan"
    applied = web.post("/plans/1/apply")
    assert "计划 1 已上线" in applied.text
    assert 'href="/journeys/welcome"' in applied.text, "the journey that says this message is to be watched"
    found = definitions.current(conn, "message", "hello")
    assert found is not None
    assert found.body["body"] == "嗨"
    assert drafts.working(conn).changed == {}
    back = web.post("/plans/1/revert")
    assert back.url.path == "/plans/2"
    assert "回退计划 1" in back.text
    web.post("/plans/2/apply")
    found = definitions.current(conn, "message", "hello")
    assert found is not None
    assert found.body["body"] == "你好"
    deeds = [deed.act for deed in users.deeds(conn, about="plan/1")]
    assert deeds == ["plan_applied", "plan_make"]


def test_only_the_ticked_files_go_in(web: httpx.Client, conn: psycopg.Connection) -> None:
    write(conn, "messages/hello.md", message("嗨"))
    write(conn, "journeys/welcome.yml", WELCOME.replace("days: 5", "days: 6"))
    page = web.get("/plans/new", params={"chosen": "1", "file": "messages/hello.md"}).text
    assert "修改消息 hello" in page
    assert "修改旅程 welcome" not in page
    web.post("/plans/new", data={"chosen": "1", "file": "messages/hello.md", "key": key(page)})
    web.post("/plans/1/apply")
    assert list(drafts.working(conn).changed) == ["journeys/welcome.yml"]
    assert "请至少勾选一个文件" in web.get("/plans/new?chosen=1").text
    none = web.post("/plans/new", data={"chosen": "1"})
    assert none.status_code == 422


def test_a_mistake_is_named_with_its_place(web: httpx.Client, conn: psycopg.Connection) -> None:
    write(conn, "journeys/welcome.yml", WELCOME.replace("message: hello", "message: hallo"))
    page = web.get("/plans/new").text
    assert "journeys/welcome.yml:8:14" in page
    assert "生成计划" not in re.sub(r"<p class=\"quiet\">.*?</p>", "", page)


def test_people_on_a_step_that_goes_are_sent_where_somebody_says(web: httpx.Client, conn: psycopg.Connection) -> None:
    stand(conn, 0)
    write(conn, "journeys/welcome.yml", SHORTER)
    page = web.get("/plans/new").text
    assert "等待 2 天" in page
    assert "请选择去处" in page
    sent = {"chosen": "1", "file": "journeys/welcome.yml", "key": key(page), "days": "7"}
    refused = web.post("/plans/new", data=sent)
    assert refused.status_code == 422
    assert "请为每一组选择去处" in refused.text
    assert 'value="7"' in refused.text, "what was typed stays"
    chosen = web.get("/plans/new", params={**sent, "move": "welcome/pause=nap"}).text
    assert 'value="welcome/pause=nap" selected' in chosen
    made = web.post("/plans/new", data={**sent, "move": "welcome/pause=nap"})
    assert made.url.path == "/plans/1"
    assert "人工指定" in made.text
    web.post("/plans/1/apply")
    rows = conn.execute("select version, step from enrolment").fetchall()
    assert [(row.version, row.step) for row in rows] == [(2, 0), (2, 0)]
    gone = web.post("/plans/new", data={**sent, "move": "welcome/pause=nowhere"})
    assert gone.status_code == 422


def test_another_person_approves_and_may_refuse_with_a_reason(base: str, conn: psycopg.Connection) -> None:
    plan.publish(conn, NOW, read_brand(files(approval=True)))
    li, wang = (
        signed_in(conn, base, "operator", "li", follow=True),
        signed_in(conn, base, "administrator", "wang", follow=True),
    )
    for number, words in ((1, "嗨"), (2, "您好")):
        write(conn, "messages/hello.md", message(words))
        made = li.post("/plans/new", data={"chosen": "1", "file": "messages/hello.md"})
        assert made.url.path == f"/plans/{number}"
    assert "提出人不能批准自己的计划" in made.text
    own = li.post("/plans/1/approve")
    assert own.status_code == 422
    assert "须由另一个人批准" in own.text
    assert "plan 1" not in own.text, "a Chinese page speaks Chinese"
    early = li.post("/plans/1/apply")
    assert "还没有人批准" in early.text
    assert "yutang brand" not in early.text
    refused = wang.post("/plans/2/refuse", data={"why": "太早"})
    assert "已否决" in refused.text
    assert "太早" in refused.text
    assert "已批准计划 1" in wang.post("/plans/1/approve").text
    assert "计划 1 已上线" in li.post("/plans/1/apply").text
    assert "Approved" in li.get("/plans/1?lang=en").text


def test_an_outdated_plan_says_so_and_is_made_anew(web: httpx.Client, conn: psycopg.Connection) -> None:
    write(conn, "messages/hello.md", message("嗨"))
    web.post("/plans/new", data={"chosen": "1", "file": "messages/hello.md"})
    plan.publish(conn, NOW, read_brand(files(segments_vip="title: {zh: 贵客, en: VIP}\nrule: {tag: gold}\n")))
    page = web.get("/plans/1").text
    assert "已过期" in page
    assert "/plans/new?chosen=1&amp;file=messages/hello.md" in page
    answer = web.post("/plans/1/apply")
    assert answer.status_code == 422
    assert plan.found(conn, 1).state == "outdated", "and that is kept"


def test_roles(base: str, conn: psycopg.Connection) -> None:
    write(conn, "messages/hello.md", message("嗨"))
    operator, analyst = (
        signed_in(conn, base, "operator", "li", follow=True),
        signed_in(conn, base, "analyst", "chen", follow=True),
    )
    operator.post("/plans/new", data={"chosen": "1", "file": "messages/hello.md"})
    for path in ("/plans", "/plans/1", "/plans/new", "/rehearsals"):
        assert analyst.get(path).status_code == 200
    assert "/plans/1/apply" not in analyst.get("/plans/1").text
    for path in ("/plans/new", "/plans/1/apply", "/plans/1/approve", "/plans/1/refuse", "/plans/1/revert"):
        assert analyst.post(path).status_code == 403
    seller = signed_in(conn, base, "salesperson", "zhao", follow=True)
    assert seller.get("/plans").status_code == 403
    assert operator.post("/plans/1/apply", headers={"Origin": "https://elsewhere.example"}).status_code == 403


@pytest.fixture
def lived(url: str) -> Iterator[tuple[httpx.Client, Life]]:
    """A coffee brand, six days old."""
    brand = load_brand(shipped()["luckin"])
    life = Life(url, Coffee(brand.pond["time_zone"], people=30, seed=3), brand)
    life.live(6, parse_tick("20:00"))
    with (
        serving(url, clock=life.until) as base,
        httpx.Client(base_url=base, timeout=60, headers={"Origin": base}, follow_redirects=True) as client,
    ):
        yield client, life


def draft_of(conn: psycopg.Connection) -> dict[str, Any]:
    hello = "title: {zh: 早安, en: Morning}\ntrigger: {event: registered}\nsteps:\n  - message: welcome\n"
    write(conn, "journeys/hello.yml", hello)
    return {"chosen": "1", "file": "journeys/hello.yml", "days": "2", "tick": "10:00,20:00"}


def ended(web: httpx.Client, path: str) -> str:
    with web.stream("GET", path + "/progress") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("event: done"):
                break
    return web.get(path).text


def test_a_draft_is_rehearsed_before_and_with_its_plan(
    lived: tuple[httpx.Client, Life], conn: psycopg.Connection
) -> None:
    web, life = lived
    sent = draft_of(conn)
    first, last = ((life.until() - timedelta(days=n)).date().isoformat() for n in (6, 1))
    wrong = web.post("/plans/new/rehearse", data={**sent, "rehearse": "backtest", "since": last, "until": "2020-01-01"})
    assert wrong.status_code == 422
    assert "起不晚于止" in wrong.text
    assert "2020-01-01" in wrong.text
    asked = web.post(
        "/plans/new/rehearse", data={**sent, "rehearse": "backtest", "since": first, "until": last, "share": "100"}
    )
    assert asked.url.path == "/rehearsals/1"
    report = ended(web, "/rehearsals/1")
    assert "每天进入" in report
    assert "早安" in report
    assert "发消息「" in report
    assert "data-chart" in report
    page = web.get("/plans/new").text
    assert "/rehearsals/1" in page, "the preview knows what its files were tried with"
    made = web.post("/plans/new", data={**sent, "with_dry_run": "1"})
    assert made.url.path == "/plans/1"
    assert "/rehearsals/2?plan=1" in made.text
    dry = ended(web, "/rehearsals/2")
    assert "今后" in web.get("/rehearsals").text
    assert "每人收到几条" in dry
    kept = web.get("/rehearsals/1/report")
    assert kept.headers["content-disposition"].startswith("attachment")
    again = web.post("/plans/1/rehearse", data={"rehearse": "dryrun", "days": "0"})
    assert again.status_code == 422
    assert "天数请写 1 到 366" in again.text
    assert web.get("/rehearsals/99").status_code == 404


def test_a_rehearsal_is_stopped_and_the_log_knows_by_whom(
    lived: tuple[httpx.Client, Life], conn: psycopg.Connection
) -> None:
    web, life = lived
    first, last = ((life.until() - timedelta(days=n)).date().isoformat() for n in (6, 1))
    asked = {"rehearse": "backtest", "since": first, "until": last, "share": "100"}
    page = web.post("/plans/new/rehearse", data={**draft_of(conn), **asked})
    assert "/rehearsals/1/stop" in page.text
    stopped = web.post("/rehearsals/1/stop")
    assert "已被停止，没有报告" in stopped.text
    assert "/rehearsals/1/stop" not in stopped.text
    assert "已停止" in web.get("/rehearsals").text
    log = web.get("/settings/audit").text
    assert "停止试跑或回测" in log
    assert "rehearse_stop" not in log
    assert "在停止之前已经结束" in web.post("/rehearsals/1/stop").text


def test_what_fails_says_why(
    lived: tuple[httpx.Client, Life], conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: Any) -> None:
        raise YutangError("the disk is full")

    monkeypatch.setattr("yutang.replay.making.make_sure", no_room)
    web, life = lived
    last = (life.until() - timedelta(days=1)).date().isoformat()
    asked = {**draft_of(conn), "rehearse": "backtest", "since": last, "until": last}
    assert "没有成功：the disk is full" in ended(web, web.post("/plans/new/rehearse", data=asked).url.path)


def test_the_page_says_who_would_have_bought_or_that_nobody_knows(
    lived: tuple[httpx.Client, Life], conn: psycopg.Connection
) -> None:
    """A report of before it was told how many were left alone says nothing of it."""
    web, life = lived
    last = (life.until() - timedelta(days=1)).date().isoformat()
    asked = {**draft_of(conn), "rehearse": "backtest", "since": last, "until": last}
    path = web.post("/plans/new/rehearse", data=asked).url.path
    ended(web, path)

    def page(**more: Any) -> str:
        some = {"value": 40.0, "low": 40.0, "high": 40.0}
        told = {"days": 14} | dict.fromkeys(("entered", "bought", "given", "given_bought"), some) | more
        conn.execute("update rehearsal set report = jsonb_set(report, '{anyway}', %s)", [Jsonb(told)])
        return web.get(path).text

    some, half = {"value": 31.0, "low": 31.0, "high": 31.0}, {"value": 0.5, "low": 0.4, "high": 0.6}
    known = page(untouched=some, share=half, given_untouched=some, given_share=None)
    assert "31 人当时没有被触达；其中 40 人在 14 天内也买了：50.0%（40.0%–60.0%）" in known
    assert known.count("看到的这样的人不足 30 个") == 1
    assert "<dt>本来就会买</dt><dd>未知</dd>" in page(
        untouched=some, share=None, given_untouched=some, given_share=None
    )
    assert "本来就会买" not in page(share=half, given_share=half)


def test_days_that_have_not_come_are_no_past(lived: tuple[httpx.Client, Life], conn: psycopg.Connection) -> None:
    web, _ = lived
    asked = {**draft_of(conn), "rehearse": "backtest", "since": "2030-01-01", "until": "2030-01-02"}
    refused = web.post("/plans/new/rehearse", data=asked)
    assert refused.status_code == 422
    assert "2030-01-02 还没有到" in refused.text
    assert "has not come yet" not in refused.text


def test_no_key_of_ours_is_shown(web: httpx.Client) -> None:
    assert VAULT.api_key not in web.get("/plans").text
