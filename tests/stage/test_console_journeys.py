"""Journeys in the console: the list, and one journey with its people, versions, effect and collisions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from test_console_plans import write

from edges import NOW, serving, signed_in
from plans import WELCOME, files
from ponds import Pond
from yutang import decide, definitions, plan
from yutang.brand import read_brand
from yutang.model import bucket_of
from yutang.web.pages.journeys import program

FORKED = """\
title: {zh: 分岔, en: Forked}
trigger: {event: registered}
goal: {event: ordered}
holdout_percent: 0
steps:
  - wait_for: ordered
    days: 3
    then:
      - tag: came
      - message: hello
    else:
      - message: hello
      - exit: true
  - wait: {days: 1}
"""


@pytest.fixture
def base(url: str, conn: psycopg.Connection) -> Iterator[str]:
    plan.publish(conn, NOW, read_brand(files(journeys_forked=FORKED)))
    with serving(url) as address:
        yield address


def run(conn: psycopg.Connection, name: str, person: int, **row: Any) -> None:
    """One run of a person through the version in service."""
    d = definitions.current(conn, "journey", name)
    assert d is not None
    row = {"state": "active", "arm": "treated", "step": 0, "at": NOW, "reason": None, "cause": "test"} | row
    conn.execute(
        "insert into person (bucket, person_id, created_at) values (%s, %s, %s) on conflict do nothing",
        (bucket_of(person), person, NOW),
    )
    conn.execute(
        """insert into enrolment (bucket, person_id, journey_id, cause, version, arm, state, step, entered_at, stepped_at, ended_at, reason)
           values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            bucket_of(person), person, d.definition_id, row["cause"], d.version, row["arm"], row["state"], row["step"], row["at"],
            row["at"], None if row["state"] == "active" else NOW, row["reason"],
        ),
    )  # fmt: skip


def passed(conn: psycopg.Connection, name: str, person: int, step: int, outcome: str) -> None:
    d = definitions.current(conn, "journey", name)
    assert d is not None
    conn.execute(
        "insert into step (bucket, person_id, journey_id, cause, seq, step, outcome, at) values (%s, %s, %s, 'test', 0, %s, %s, %s)",
        (bucket_of(person), person, d.definition_id, step, outcome, NOW),
    )


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_list_tells_how_people_fare(web: httpx.Client, conn: psycopg.Connection) -> None:
    for n in range(8):
        run(conn, "forked", n + 1, state="done" if n < 4 else "active", reason="goal_met" if n < 2 else None)
    run(conn, "forked", 9, arm="holdout")
    page = text_of(web.get("/journeys").text)
    row = page[page.index("分岔") :]
    assert "发生「注册成为会员」时" in row
    assert re.search(r"9 5 4 1 25\.0% 对照 0\.0%", row)


def test_drafts_and_what_was_stopped_are_marked(web: httpx.Client, conn: psycopg.Connection) -> None:
    write(conn, "journeys/later.yml", WELCOME.replace("欢迎", "以后再说"))
    write(conn, "journeys/welcome.yml", WELCOME.replace("days: 5", "days: 6"))
    page = text_of(web.get("/journeys").text)
    assert "以后再说 草稿" in page
    assert "欢迎 有未上线的修改" in page
    assert "只要上线" not in page
    draft = web.get("/journeys/later")
    assert draft.status_code == 200
    assert "还是草稿" in draft.text
    assert 'href="/plans/new"' in draft.text
    plan.publish(conn, NOW, read_brand(files()))
    assert "分岔 已停" in text_of(web.get("/journeys").text)
    assert "停用" in web.get("/journeys/forked").text
    assert web.get("/journeys/nothing").status_code == 404


def test_search_and_class_narrow_the_list(web: httpx.Client) -> None:
    assert "分岔" in web.get("/journeys?q=fork").text
    assert "欢迎" not in web.get("/journeys?q=分岔").text.partition("<tbody>")[2]
    assert "没有符合条件的旅程" in web.get("/journeys?class=service").text


def test_each_step_tells_who_stands_passed_and_left(web: httpx.Client, conn: psycopg.Connection) -> None:
    for person in (1, 2, 3):
        run(conn, "forked", person)
    run(conn, "forked", 4, state="done", reason="goal_met", step=3)
    passed(conn, "forked", 4, 0, "came:ordered")
    page = web.get("/journeys/forked").text
    said = text_of(page)
    assert "3 人在这里" in said
    assert "1 次经过" in said
    assert "等到了「下单成交」 1" in said
    assert "目标已达成 1" in said
    assert 'href="/journeys/forked/people?version=1&amp;step=0"' in page
    people = text_of(web.get("/journeys/forked/people?version=1&step=0").text)
    assert "停在：等「下单成交」" in people
    assert all(f"顾客 {n}" in people for n in (1, 2, 3))
    assert "顾客 4" not in people


def test_a_program_is_shown_as_it_was_written() -> None:
    body = read_brand(files(journeys_forked=FORKED)).journeys["forked"]
    rows = program.rows(body["program"], lambda _kind, name: {"zh": name, "en": name})
    assert [row.line["do"] for row in rows] == ["wait_for", "tag", "message", "wait", "end"]
    ((label, inside),) = rows[0].ways
    assert label["zh"] == "没等到", "who goes on stands in the list itself, who leaves beside it"
    assert [row.line["do"] for row in inside] == ["message", "end"]
    body = read_brand(files(journeys_forked=FORKED.replace("      - exit: true\n", ""))).journeys["forked"]
    rows = program.rows(body["program"], lambda _kind, name: {"zh": name, "en": name})
    assert [row.line["do"] for row in rows] == ["wait_for", "wait", "end"]
    assert [[row.line["do"] for row in inside] for _, inside in rows[0].ways] == [["tag", "message"], ["message"]]


def test_every_shipped_journey_can_be_shown_whole() -> None:
    from yutang.brand import load_brand, shipped

    for folder in shipped().values():
        for body in load_brand(folder).journeys.values():
            seen: list[int] = []
            _walk(program.rows(body["program"], lambda _kind, name: {"zh": name, "en": name}), seen)
            assert sorted(seen) == list(range(len(body["program"])))


def _walk(rows: Any, seen: list[int]) -> None:
    for row in rows:
        seen.append(row.number)
        for _, inside in row.ways:
            _walk(inside, seen)


def test_people_come_page_after_page(web: httpx.Client, conn: psycopg.Connection) -> None:
    for n in range(120):
        run(conn, "welcome", n + 1, at=NOW - timedelta(minutes=n // 40), arm="holdout" if n % 10 == 0 else "treated")
    seen: list[str] = []
    path: str | None = "/journeys/welcome/people"
    while path:
        page = web.get(path).text
        seen += re.findall(r'href="/persons/(\d+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = "/journeys/welcome/people" + following[1].replace("&amp;", "&") if following else None
    assert sorted(map(int, seen)) == list(range(1, 121))
    assert int(seen[0]) <= 40, "the newest first"
    held = web.get("/journeys/welcome/people?arm=holdout&state=active").text
    assert len(re.findall(r'href="/persons/\d+"', held)) == 12
    assert "没有符合条件的记录" in web.get("/journeys/welcome/people?state=exited").text
    assert web.get("/journeys/welcome/people?after=nonsense&state=what").status_code == 200


def test_versions_say_what_each_has_changed(web: httpx.Client, conn: psycopg.Connection) -> None:
    later = NOW + timedelta(hours=1)
    plan.publish(conn, later, read_brand(files(journeys_welcome=WELCOME.replace("days: 5", "days: 6"))))
    page = text_of(web.get("/journeys/welcome/versions").text)
    assert "第 2 版" in page
    assert "等待 5 天 → 等待 6 天" in page
    assert page.index("第 2 版") < page.index("第一版")


def test_the_effect_says_why_it_cannot_say_anything_yet(web: httpx.Client) -> None:
    page = web.get("/journeys/welcome/effect").text
    assert "没有对照组" in page
    assert "holdout_percent" in page
    assert 'value="7" selected' in web.get("/journeys/welcome/effect?days=7").text
    assert 'value="28" selected' in web.get("/journeys/welcome/effect?days=999").text


def test_collisions_say_who_got_the_slot(url: str, conn: psycopg.Connection) -> None:
    pond = Pond(conn, budget={"window_days": 7, "marketing": 1, "companion": 1, "service": None, "total": None})
    person = pond.person()
    pond.touch(person, 100, journey="poor")
    pond.touch(person, 900, journey="rich")
    decide.judge(conn, NOW - timedelta(days=18) + timedelta(hours=1))
    with serving(url) as address, httpx.Client(base_url=address) as client:
        page = text_of(client.get("/journeys/poor/collisions").text)
        assert "让给" in page
        assert "没有触达被压下" in client.get("/journeys/rich/collisions").text


def test_roles(base: str, conn: psycopg.Connection) -> None:
    analyst, seller = signed_in(conn, base, "analyst", follow=True), signed_in(conn, base, "salesperson", follow=True)
    assert "/journeys/new" not in analyst.get("/journeys").text
    assert "/journeys/welcome/edit" not in analyst.get("/journeys/welcome").text
    for path in ("", "/versions", "/people", "/effect", "/collisions"):
        assert analyst.get(f"/journeys/welcome{path}").status_code == 200
    assert seller.get("/journeys").status_code == 403
