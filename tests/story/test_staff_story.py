"""A complaint that a member of staff must call about: done in time, passed on and done by the next, too late, or of no more use."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from yutang import worker
from yutang.brand import load_brand, publish
from yutang.channels import STAFF_TASKS, configured
from yutang.identity import canonical
from yutang.ingest import record
from yutang.vault import Vault
from yutang.why import find, why
from yutang.why.chain import Touch

ZONE = ZoneInfo("Asia/Shanghai")
OPENING = datetime(2026, 3, 2, 9, 0, tzinfo=ZONE)
VAULT = Vault(b"k" * 32)
BRAND = {
    "pond.toml": """
name = "tea"
title = { zh = "茶铺", en = "Tea" }
time_zone = "Asia/Shanghai"
holdout_percent = 0
[sources]
app = "App"
[price]
staff = 2
[budget]
marketing = 3
""",
    "messages/call_back.md": """---
title: {zh: 回访电话, en: Call back}
subject: 给{{ person.name }}回电话
channel: staff
task: {to: owner, within_hours: 4, escalate_to: boss, escalate_after_hours: 4}
---
问清楚哪里不满意，免费重做。
""",
    "messages/thanks.md": "---\ntitle: {zh: 谢谢, en: Thanks}\nsubject: 谢谢\nchannel: sandbox\n---\n谢谢您接我们的电话。\n",
    "messages/sorry.md": "---\ntitle: {zh: 抱歉, en: Sorry}\nsubject: 抱歉\nchannel: sandbox\n---\n抱歉没有联系上您。\n",
    "journeys/care.yml": """
title: {zh: 投诉回访, en: Care}
trigger: {event: complained}
reentry: always
goal: {event: ordered}
steps:
  - task: call_back
    then:
      - message: thanks
    else:
      - message: sorry
""",
}


class Story:
    """A tea shop; `look` runs the loop until nothing is due."""

    def __init__(self, conn: psycopg.Connection, folder: Path) -> None:
        for name, text in BRAND.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        self.conn, self.channels, self.numbers = conn, configured(VAULT), iter(range(10**6))
        publish(conn, OPENING, load_brand(folder))
        self.look(OPENING)

    def say(self, at: datetime, type: str, member: str, **props: Any) -> None:
        event = {
            "id": str(next(self.numbers)), "source": "app", "type": type, "at": at.isoformat(),
            "handles": {"shop:tea": member}, "props": props,
        }  # fmt: skip
        answer = record(self.conn, VAULT, at, [event])
        assert answer.accepted == 1, answer.rejected
        self.look(at)

    def look(self, now: datetime) -> None:
        worker.settle(self.conn, now, self.channels)

    def complains(self, member: str, owner: str | None = "li") -> int:
        """At ten past nine; returns the person."""
        at = OPENING + timedelta(minutes=5)
        if owner:
            self.say(at, "profile_updated", member, traits={"name": "小鱼", "owner": owner})
        self.say(at + timedelta(minutes=5), "complained", member)
        return canonical(self.conn, find(self.conn, VAULT, f"shop:tea={member}"))

    def task(self, person: int) -> Any:
        (row,) = STAFF_TASKS.tasks(self.conn, OPENING, persons=[person])
        return row

    def got(self, person: int) -> list[str]:
        rows = self.conn.execute("select subject from sandbox_message where person_id = %s order by at", (person,))
        return [row.subject for row in rows]

    def call(self, person: int, now: datetime) -> Touch:
        """The task as the chain tells it."""
        touches = why(self.conn, person, now).enrolments[-1].touches
        return next(touch for touch in touches if touch.message == "call_back")

    def spent(self, person: int) -> int:
        row = self.conn.execute(
            "select sum(price) as n from touch where person_id = %s and verdict = 'send'", (person,)
        ).fetchone()
        return row.n


@pytest.fixture
def story(conn: psycopg.Connection, tmp_path: Path, home: Path) -> Story:  # noqa: ARG001
    return Story(conn, tmp_path)


def at(hour: float) -> datetime:
    return OPENING.replace(hour=0) + timedelta(hours=hour)


def test_done_in_time_goes_on_with_thanks(story: Story) -> None:
    fish = story.complains("a")
    task = story.task(fish)
    assert (task.staff, task.title, task.journey) == ("li", "给小鱼回电话", "care")
    assert task.due_at == at(13 + 1 / 6)
    assert STAFF_TASKS.done(story.conn, at(11), task.task_id, "li")
    story.look(at(11.01))
    assert story.got(fish) == ["谢谢"]
    assert story.spent(fish) == 3, "two points for the call, one for the words"


def test_escalation_then_late_then_sorry(story: Story) -> None:
    fish = story.complains("b")
    story.look(at(13.2))
    assert (story.task(fish).staff, story.task(fish).state) == ("boss", "escalated")
    story.look(at(17.1))
    assert story.got(fish) == [], "the boss still has time"
    assert story.call(fish, at(17.1)).words["zh"] == "已派给员工，等他完成"
    story.look(at(17.3))
    assert story.task(fish).state == "late"
    assert story.got(fish) == ["抱歉"]
    touch = story.call(fish, at(17.3))
    assert touch.words["zh"] == "没有办成：没有按时完成"
    assert (touch.attempt.state, touch.attempt.reason) == ("failed", "not_sent")
    assert [word.type for word in touch.follow_ups if word.type.startswith("task")] == ["task_escalated", "task_late"]


def test_the_next_in_line_does_it(story: Story) -> None:
    fish = story.complains("c")
    story.look(at(13.2))
    assert STAFF_TASKS.done(story.conn, at(15), story.task(fish).task_id, "boss", own=True)
    story.look(at(15.01))
    assert story.got(fish) == ["谢谢"]


def test_a_complaint_of_the_evening_is_due_in_the_morning(story: Story) -> None:
    story.say(at(19.9), "profile_updated", "d", traits={"owner": "li"})
    story.say(at(20), "complained", "d")
    fish = find(story.conn, VAULT, "shop:tea=d")
    assert story.task(fish).due_at == at(24 + 8)


def test_whoever_has_bought_again_is_not_called(story: Story) -> None:
    fish = story.complains("e")
    story.say(at(10), "ordered", "e", order_id="o", amount_fen=1500)
    story.look(at(10.1))
    assert (story.task(fish).state, story.task(fish).reason) == ("dropped", "goal_met")
    story.look(at(20))
    assert story.got(fish) == []


def test_nobody_to_call_goes_on_at_once(story: Story, conn: psycopg.Connection) -> None:
    """There is an escalation, so somebody has it; without one nobody would."""
    fish = story.complains("f", owner=None)
    assert story.task(fish).staff == "boss"
    conn.execute("update staff_task set escalate_to = null")
    STAFF_TASKS.drop(conn, at(10), story.task(fish).task_id)
    story.look(at(10.01))
    assert story.got(fish) == ["抱歉"], "a journey does not wait for what nobody will do"
