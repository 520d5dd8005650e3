"""A brand with a journey of every kind of step, lived through by way of the loop: the door, all stages, a real other system."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest

from yutang import channels, ingest, worker
from yutang.brand import publish, read_brand
from yutang.channels.platform.outward import Outward
from yutang.channels.sandbox.send import Sandbox
from yutang.channels.staff.send import Staff
from yutang.ingest import record
from yutang.vault import Vault
from yutang.why import why

VAULT = Vault(b"k" * 32)
MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Nine o'clock on a Monday in Shanghai."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

POND = """name = "teahouse"
time_zone = "Asia/Shanghai"
holdout_percent = 0
[title]
zh = "茶馆"
en = "Teahouse"
[sources]
app = "App"
[budget]
marketing = 20
companion = 20
[consent]
sandbox = "assumed"
email = "assumed"
staff = "assumed"
"""
MESSAGE = "---\ntitle: {{zh: {name}, en: {name}}}\nsubject: {name}\nchannel: {channel}\n---\n{words}\n"
SAYS = {
    "guide": "从{{ run.store }}来的{{ person.name }}",
    "gold": "{{ person.name }}，{{ person.score }} 分",
    "plain": "你好",
    "tea": "茶",
    "coffee": "咖啡",
    "lesson": "第一课",
    "after_lesson": "学完了",
    "thanks": "谢谢接听",
    "sorry": "改天再打",
}
OUTER = """title: {{zh: 全部步骤, en: Every step}}
trigger: {{event: registered}}
steps:
  - message: guide
    channel: [email, sandbox]
  - call:
      url: {url}
      body: {{who: "{{{{ person.name }}}}"}}
      save: {{score: score}}
    then:
      - branch:
          - when: {{answer: {{tier: gold}}}}
            then: [{{message: gold}}]
          - else: [{{message: plain}}]
  - split: {{tea: 50, coffee: 50}}
    then: {{tea: [{{message: tea}}], coffee: [{{message: coffee}}]}}
  - journey: lessons
    wait: true
  - message: after_lesson
  - wait_for: [ordered, viewed]
    days: 2
  - until: {{weekday: fri, time: "10:00", where: person}}
  - set: {{invited: true}}
  - task: ring
    then: [{{message: thanks}}]
    else: [{{message: sorry}}]
"""
INNER = """title: {zh: 三课, en: Lessons}
trigger: {called: true}
class: companion
steps:
  - wait: {days: 1}
  - message: lesson
"""
TASK = """---
title: {zh: 回电, en: Ring}
subject: 请回电
channel: staff
task: {to: owner, within_hours: 8}
---
给{{ person.name }}打电话
"""


@pytest.fixture
def scores() -> Iterator[str]:
    """Another system, which knows 小李 well."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = {"小李": {"tier": "gold", "score": 93}}.get(body["who"], {"tier": "none", "score": 1})
            content = json.dumps(known).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/score"
    server.shutdown()
    server.server_close()


class Story:
    """The teahouse and its people, by their membership numbers."""

    def __init__(self, conn: psycopg.Connection, url: str) -> None:
        self.conn, self.numbers = conn, iter(range(10**6))
        self.outlets = {"sandbox": Sandbox(), "staff": Staff(), "call": Outward(VAULT, "127.0.0.1")}
        files = {f"messages/{n}.md": MESSAGE.format(name=n, channel="sandbox", words=text) for n, text in SAYS.items()}
        files |= {"pond.toml": POND, "messages/ring.md": TASK}
        files |= {"journeys/every_step.yml": OUTER.format(url=url), "journeys/lessons.yml": INNER}
        publish(conn, MORNING - DAY, read_brand(files))
        ingest.add_source(conn, MORNING - DAY, "yutang", "Yutang")

    def say(self, when: datetime, member: str, type: str, **props: Any) -> None:
        event = {
            "id": f"{next(self.numbers)}", "source": "app", "type": type, "at": when.isoformat(),
            "handles": {"shop:teahouse": member}, "props": props,
        }  # fmt: skip
        assert record(self.conn, VAULT, when, [event]).rejected == []

    def look(self, now: datetime) -> None:
        worker.settle(self.conn, now, self.outlets)

    def person(self, member: str) -> int:
        row = self.conn.execute("select person_id from handle_shown where value = %s", (member,)).fetchone()
        assert row
        return row.person_id

    def heard(self, member: str) -> list[tuple[str, str]]:
        """(when, words) of what reached the person."""
        rows = self.conn.execute(
            "select at, body from sandbox_message where person_id = %s order by at, touch_id", (self.person(member),)
        )
        return [(f"{row.at:%m-%d %H}", row.body) for row in rows]


def test_a_brand_of_every_step_is_lived_through(conn, scores):
    story = Story(conn, scores)
    for member, name, zone in (("m1", "小李", "Asia/Shanghai"), ("m2", "Ann", "Europe/London")):
        traits = {"name": name, "time_zone": zone, "owner": "wang"}
        story.say(MORNING - HOUR, member, "profile_updated", traits=traits)
    story.look(MORNING - HOUR)
    start = MORNING + 2 * HOUR
    for member in ("m1", "m2"):
        story.say(start, member, "registered", store="S1")
    for hours in range(24 * 6):
        now = start + hours * HOUR
        if hours == 26:
            story.say(now, "m1", "viewed", page="menu")
        story.look(now)
        for task in channels.STAFF_TASKS.tasks(conn, now, states=["open"]):
            if task.person_id == story.person("m1"):
                channels.STAFF_TASKS.done(conn, now, task.task_id, "wang")
    drinks = {"茶", "咖啡"}
    one, two = story.heard("m1"), story.heard("m2")
    assert [said for said in one if said[1] not in drinks] == [
        ("03-02 03", "从S1来的小李"),
        ("03-02 03", "小李，93 分"),
        ("03-03 03", "第一课"),
        ("03-03 03", "学完了"),
        ("03-06 03", "谢谢接听"),
    ]
    # In London it is night until eight. On Friday at ten there it is evening in Shanghai: nobody rings in time.
    assert [said for said in two if said[1] not in drinks] == [
        ("03-02 08", "从S1来的Ann"),
        ("03-02 08", "你好"),
        ("03-03 08", "第一课"),
        ("03-03 08", "学完了"),
        ("03-07 08", "改天再打"),
    ]
    assert [len([words for _, words in said if words in drinks]) for said in (one, two)] == [1, 1]
    for member in ("m1", "m2"):
        runs = why(conn, story.person(member), now).enrolments
        assert {(run.journey, run.state) for run in runs} == {("every_step", "done"), ("lessons", "done")}
    traits = conn.execute(
        "select value from trait where name in ('score', 'invited') and person_id = %s order by name",
        (story.person("m1"),),
    )
    assert [row.value for row in traits] == [True, 93]
