"""Tasks over the web: the desk of a member of staff beside the chats, and the API; from end to end through the city's login."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
from test_web_login import Console, console, customer_of  # noqa: F401 - a fixture

from cities import VAULT
from edges import BEARER, NOW, serving
from touches import attempt, decided, people, trait
from yutang import definitions, deliver
from yutang.channels import STAFF_TASKS
from yutang.channels.staff.send import Staff
from yutang.identity import canonical
from yutang.model import Reason
from yutang.why import find

DESK = "/desk/wecom/main"


def asked(console: Console, person: int, **more: Any) -> int:  # noqa: F811
    """A task about the person, given out."""
    conn, now = console.mirror.conn, console.mirror.city.now()
    task = {"to": "owner", "within_hours": 4, "escalate_to": None, "escalate_after_hours": None} | more
    [touch] = decided(
        conn, [person], channel="staff", message=f"call_{now}", now=now, task=task,
        deadline=now + timedelta(days=9), subject="回电话", body="问问<b>口味</b>",
    )  # fmt: skip
    conn.execute("update touch set class = 'service' where touch_id = %s", (touch,))
    deliver.send(conn, now, channels={"staff": Staff()})
    return touch


def person_of(console: Console, fish: Any) -> int:  # noqa: F811
    kind = f"external_userid@{console.mirror.account.get('corp_id')}"
    conn = console.mirror.conn
    person = canonical(conn, find(conn, VAULT, f"{kind}={fish.external_userid}"))
    trait(conn, person, "owner", "guide01")
    return person


def test_a_member_of_staff_signs_in_and_taps_done(console: Console) -> None:  # noqa: F811
    fish = customer_of(console, "guide01")
    task = asked(console, person_of(console, fish))
    with console.browser() as browser, console.browser() as colleague:
        away = browser.get(DESK)
        assert (away.status_code, away.headers["location"]) == (303, f"/login/wecom/main?to={DESK}")
        there = browser.get(away.headers["location"]).headers["location"]
        chosen = browser.get(there, params=parse_qs(urlsplit(there).query) | {"userid": "guide01"})
        back = browser.get(chosen.headers["location"])
        assert back.headers["location"] == DESK, "the login remembers where to come back to"
        page = unescape(browser.get(DESK).text)
        assert "回电话" in page
        assert "问问<b>口味</b>" in page
        assert "<b>口味</b>" not in browser.get(DESK).text, "escaped"
        assert "李二" in page
        about = unescape(browser.get(DESK, params={"external_userid": fish.external_userid}).text)
        assert all(word in about for word in ("李二", "偏好/拿铁", "1 单，共 ¥26.00", "回电话"))
        card = browser.get("/sidebar/wecom/main/customer", params={"external_userid": fish.external_userid}).json()
        assert [one["task_id"] for one in card["tasks"]] == [task]

        token = re.search(r'name="token" value="(\w+)"', page)[1]
        console.signs_in(colleague, "guide02")
        for who, given in ((colleague, token), (browser, "x"), (browser, "")):
            refused = who.post(f"{DESK}/tasks/{task}/done", data={"token": given})
            assert refused.status_code == 403, "good for one session and one task"
        assert colleague.get(DESK, params={"external_userid": fish.external_userid}).status_code == 403
        assert "没有未完成的任务" in colleague.get(DESK).text
        done = browser.post(f"{DESK}/tasks/{task}/done", data={"token": token})
        assert (done.status_code, done.headers["location"]) == (303, f"{DESK}?done=1")
        assert "已记下" in browser.get(done.headers["location"]).text
        assert browser.post(f"{DESK}/tasks/{task}/done", data={"token": token}).status_code == 303, "twice is once"
    [row] = STAFF_TASKS.tasks(console.mirror.conn, console.mirror.city.now())
    assert (row.state, row.done_by) == ("done", "guide01")


def test_a_task_of_another_is_seen_and_not_ended(console: Console) -> None:  # noqa: F811
    fish = customer_of(console, "guide01")
    person = person_of(console, fish)
    task = asked(console, person, to="guide02")
    with console.browser() as browser:
        console.signs_in(browser, "guide01")
        page = browser.get(DESK, params={"external_userid": fish.external_userid}).text
        assert "guide02 的任务" in page
        assert "/done" not in page
        console.mirror.city.advance(60)
        own = asked(console, person)
        token = re.search(r'name="token" value="(\w+)"', browser.get(DESK).text)[1]
        assert browser.post(f"{DESK}/tasks/{task}/done", data={"token": token}).status_code == 403
        assert browser.post(f"{DESK}/tasks/{own}/done", data={"token": token}).status_code == 303


def test_what_was_withdrawn_is_said_with_its_reason(console: Console) -> None:  # noqa: F811
    asked(console, person_of(console, customer_of(console, "guide01")))
    conn, now = console.mirror.conn, console.mirror.city.now()
    definitions.retire(conn, now, "message", [])
    for _ in range(2):
        deliver.send(conn, now, channels={"staff": Staff()})
    with console.browser() as browser:
        console.signs_in(browser, "guide01")
        page = unescape(browser.get(DESK).text)
    gone = page.partition("不用再做的")[2]
    assert all(word in gone for word in ("回电话", "李二", Reason.RETIRED.zh))
    assert "没有未完成的任务" in page


@pytest.mark.parametrize(
    "to", ["https://evil.example", "//evil.example", "/desk/../login", "/desk/wecom/main?x=1", "/\\evil"]
)
def test_a_login_leads_to_our_own_pages_alone(console: Console, to: str) -> None:  # noqa: F811
    with console.browser() as browser:
        browser.get("/login/wecom/main", params={"to": to})
        assert browser.get(console.way_back(browser, "guide01")).headers["location"] == "/"


def test_the_api_lists_and_ends_tasks(conn: psycopg.Connection, url: str, home: Any) -> None:  # noqa: ARG001
    persons = people(conn, 2)
    for person in persons:
        trait(conn, person, "owner", "li")
    tasks = decided(conn, persons, channel="staff", message="call", now=NOW, task={"to": "owner", "within_hours": 4})
    deliver.send(conn, NOW, channels={"staff": Staff()})
    with serving(url, local=False) as base, httpx.Client(base_url=base, headers=BEARER) as api:
        assert httpx.get(f"{base}/v1/tasks").status_code == 401
        assert httpx.post(f"{base}/v1/tasks/{tasks[0]}/done").status_code == 401
        assert [one["task_id"] for one in api.get("/v1/tasks", params={"staff": "li"}).json()] == tasks
        assert api.get("/v1/tasks", params={"staff": "wang"}).json() == []
        assert [one["person_id"] for one in api.get("/v1/tasks", params={"person": persons[1]}).json()] == [persons[1]]
        done = f"/v1/tasks/{tasks[0]}/done"
        assert api.post(done, json={"by": "wang"}).json() == {"task_id": tasks[0], "new": True}
        assert api.post(done).json() == {"task_id": tasks[0], "new": False}
        assert [one["done_by"] for one in api.get("/v1/tasks", params={"state": "done"}).json()] == ["wang"]
        for bad in (
            api.get("/v1/tasks", params={"state": "gone"}),
            api.get("/v1/tasks", params={"staff": "a\0"}),
            api.post(done, json={"by": ""}),
        ):
            assert bad.status_code == 400, bad.text
        assert api.post("/v1/tasks/999/done").status_code == 404
        assert "/v1/tasks" in api.get("/v1/openapi.json").json()["paths"]
    deliver.receive(conn, NOW, channels={"staff": Staff()})
    assert attempt(conn, tasks[0]).state == "sent"
