"""Staff tasks and the calendar of the console, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from html import unescape

import httpx
import psycopg
import pytest

from edges import NOW, VAULT, serving
from ponds import Pond
from yutang import users
from yutang.channels import STAFF_TASKS
from yutang.channels.platform import account
from yutang.journey import journey
from yutang.model import YutangError, bucket_of
from yutang.source import load

PASSWORD = "一句没有人会猜到的话"
HOUR = timedelta(hours=1)


@pytest.fixture
def pond(conn: psycopg.Connection) -> Pond:
    users.add(conn, NOW, "wang", "", "administrator", PASSWORD)
    users.add(conn, NOW, "chen", "", "manager", PASSWORD, stores=["xuhui"])
    users.add(conn, NOW, "li", "", "salesperson", PASSWORD, stores=["xuhui"], staff="guide01")
    users.add(conn, NOW, "sun", "", "salesperson", PASSWORD, stores=["jingan"], staff="guide02")
    users.add(conn, NOW, "zhao", "", "analyst", PASSWORD)
    pond = Pond(conn)
    for store in ("xuhui", "jingan"):
        pond.define("store", store, {"title": {"zh": store, "en": store}, "lat": 31.2, "lon": 121.4})
    return pond


@pytest.fixture
def base(url: str, pond: Pond) -> Iterator[str]:  # noqa: ARG001
    with serving(url, local=False) as address:
        yield address


@contextmanager
def signed_in(base: str, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base, timeout=60, headers={"Origin": base}) as one:
        assert one.post("/login", data={"name": name, "password": PASSWORD}).status_code == 303
        yield one


def task(
    pond: Pond, title: str, staff: str, due: datetime, *, to: str | None = "boss", ended: datetime | None = None
) -> int:
    person = pond.person(name=f"of {title}")
    (number,) = pond.conn.execute("select nextval('touch_id')").fetchone()  # type: ignore[misc]
    pond.conn.execute(
        """insert into staff_task (touch_id, bucket, person_id, journey, message, title, words, staff, escalate_to, state, made_at, due_at,
                                   escalate_at, late_at, look_at, ended_at, done_by)
           values (%s, %s, %s, 'welcome', 'm', %s, 'Say this', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            number, bucket_of(person), person, title, staff, to, "done" if ended else "open", NOW, due,
            None if ended or to is None else due + HOUR, due + 9 * HOUR, None if ended else NOW + HOUR, ended, staff if ended else None,
        ),
    )  # fmt: skip
    return number


def titles(one: httpx.Client, query: str = "") -> list[str]:
    import re

    page = one.get(f"/tasks{query}")
    assert page.status_code == 200
    return re.findall(r"<h2>(\w+)</h2>", page.text)


def test_each_sees_the_tasks_that_are_his(base: str, pond: Pond) -> None:
    task(pond, "later", "guide01", NOW + 3 * HOUR)
    task(pond, "soon", "guide02", NOW + HOUR)
    task(pond, "overdue", "guide01", NOW - HOUR)
    task(pond, "ended", "guide02", NOW - HOUR, ended=NOW)
    with signed_in(base, "wang") as wang, signed_in(base, "chen") as chen, signed_in(base, "li") as li:
        assert titles(wang) == ["overdue", "soon", "later"]
        assert titles(wang, "?view=overdue") == ["overdue"]
        assert titles(wang, "?view=ended") == ["ended"]
        assert titles(wang, "?store=jingan") == titles(wang, "?staff=guide02") == ["soon"]
        assert titles(chen) == titles(li) == ["overdue", "later"], "those of his stores' staff"
        assert titles(chen, "?staff=guide02") == titles(chen, "?store=jingan") == []
    with signed_in(base, "zhao") as zhao:
        assert zhao.get("/tasks").status_code == 403


def test_a_task_is_done_passed_on_and_called_off(base: str, pond: Pond, conn: psycopg.Connection) -> None:
    done, passed, dropped = (task(pond, word, "guide01", NOW + HOUR) for word in ("a", "b", "c"))
    other = task(pond, "d", "guide02", NOW + HOUR, to=None)
    with signed_in(base, "li") as li:
        back = li.post(f"/tasks/{done}/done", data={"to": "/tasks?view=overdue"})
        assert (back.status_code, back.headers["location"]) == (303, "/tasks?view=overdue")
        assert li.post(f"/tasks/{passed}/escalate", data={"to": "https://evil.example"}).headers["location"] == "/tasks"
        assert li.post(f"/tasks/{dropped}/drop", data={"x": "y"}).status_code == 403
        assert li.post(f"/tasks/{other}/done", data={"x": "y"}).status_code == 404, "another's"
        assert li.post("/tasks/999999/done", data={"x": "y"}).status_code == 404
    with signed_in(base, "chen") as chen:
        assert chen.post(f"/tasks/{other}/drop", data={"x": "y"}).status_code == 404
        assert chen.post(f"/tasks/{dropped}/drop", data={"x": "y"}).status_code == 303
        chen.post(f"/tasks/{dropped}/done", data={"x": "y"})
        assert "已结束" in unescape(chen.get("/tasks").text), "what has happened meanwhile is said"
    with signed_in(base, "wang") as wang:
        wang.post(f"/tasks/{other}/escalate", data={"x": "y"})
    kept = {row.task_id: (row.state, row.staff, row.done_by) for row in STAFF_TASKS.tasks(conn, NOW)}
    assert kept[done] == ("done", "guide01", "guide01")
    assert kept[passed] == ("escalated", "boss", None)
    assert kept[dropped][0] == "dropped"
    assert kept[other][0] == "open", "nobody to pass it on to"
    acts = [(d.by, d.act, d.object) for d in users.deeds(conn) if d.act.startswith("task")]
    assert acts == [("chen", "task_drop", f"task/{dropped}"), ("li", "task_escalate", f"task/{passed}"), ("li", "task_done", f"task/{done}")]  # fmt: skip
    with pytest.raises(YutangError):
        STAFF_TASKS.escalate(conn, NOW, passed)


def test_pages_follow_one_another_without_gaps(base: str, pond: Pond) -> None:
    for n in range(65):
        task(
            pond,
            f"t{n:02}",
            f"guide0{n % 2 + 1}",
            NOW + (n // 2) * HOUR,
            ended=NOW - (n // 2) * HOUR if n % 5 == 0 else None,
        )
    for view in ("", "?view=ended"):
        for name in ("wang", "chen"):
            with signed_in(base, name) as one:
                seen, query = [], view
                while True:
                    seen += titles(one, query)
                    link = one.get(f"/tasks{query}").text.partition('rel="next" href="')[2].partition('"')[0]
                    if not link:
                        break
                    query = unescape(link)
            wanted = {f"t{n:02}" for n in range(65) if (n % 5 == 0) == bool(view) and (name == "wang" or n % 2 == 0)}
            assert len(seen) == len(set(seen))
            assert set(seen) == wanted


def test_a_page_that_nobody_has_written_is_the_first(base: str, pond: Pond) -> None:
    task(pond, "one", "guide01", NOW)
    with signed_in(base, "wang") as wang:
        for after in ("x", "2026-01-01~x", "2026-01-01T00:00:00~1", "~", "9999-99-99~1"):
            assert titles(wang, f"?after={after}") == ["one"]


def test_the_calendar_shows_campaigns_and_what_the_platform_allows(base: str, pond: Pond) -> None:
    account.add(
        pond.conn, VAULT, NOW, "official_account", "main", {"app_id": "wxA", "secret": "s", "token": "callbackToken"}
    )  # fmt: skip
    text = "title: {zh: 会员日, en: Member day}\ntrigger: {member_day: 28}\naudience: {count: ordered, at_least: 0, days: 30}\nsteps: [{message: hello}]\n"
    body = journey(load(text, "x.yml"))
    pond.message("hello", "official_account")
    pond.define("journey", "member_day", body)
    with signed_in(base, "zhao") as zhao:
        page = zhao.get("/calendar").text
        assert "会员日" in page
        assert "2026 年 3 月" in page
        assert 'href="?month=2026-02"' in page
        assert 'href="?month=2026-04"' in page
        assert "模板消息" in page
        day = zhao.get("/calendar?month=2026-03&day=2026-03-28").text
        assert "2026-03-28 周六" in day
        assert "会员日" not in zhao.get("/calendar?month=2026-02").text
        assert "2026 年 12 月" in zhao.get("/calendar?month=2026-12&day=2026-01-01").text
        assert {zhao.get(f"/calendar?month={bad}").status_code for bad in ("x", "2026-13", "0001-01-01")} == {404}
    with signed_in(base, "li") as li:
        assert li.get("/calendar").status_code == 403


def test_the_calendar_counts_what_went_out_and_what_waits(base: str, pond: Pond) -> None:
    for n in range(3):
        person = pond.person()
        touch = pond.touch(person, at=NOW)
        pond.conn.execute(
            "insert into attempt (bucket, person_id, touch_id, channel, state, at) values (%s, %s, %s, 'sandbox', %s, %s)",
            (bucket_of(person), person, touch, "sent" if n else "failed", NOW - timedelta(days=1)),
        )
    with signed_in(base, "wang") as wang:
        day = wang.get("/calendar?month=2026-03&day=2026-03-19").text
        assert "<dt>已发</dt><dd>2</dd>" in day
        assert '<th scope="row">站内消息</th><td class="n">2</td>' in day
