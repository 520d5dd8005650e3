"""The sandbox: a repeat is harmless, and a script decides."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib import resources

from touches import NOW
from yutang.channels.contract import Letter, Result
from yutang.channels.sandbox.send import Reaction, Reply, Sandbox
from yutang.model import Reason


def letter(touch_id: int, tries: int = 1) -> Letter:
    return Letter(
        touch_id, touch_id + 5000, str(touch_id + 5000), "主题", "正文", {"message": "welcome", "tries": tries}
    )


def test_a_repeat_keeps_the_first_and_is_answered_once(conn):
    sandbox = Sandbox(lambda _: Reaction(replies=(Reply("message_opened", timedelta(0)),)))
    assert sandbox.send(conn, NOW, [letter(1)]) == [Result.sent()]
    assert [(a.touch_id, a.person_id, a.type) for a in sandbox.receive(conn, NOW)] == [(1, 5001, "message_opened")]
    assert sandbox.send(conn, NOW + timedelta(hours=1), [letter(1), letter(2)]) == [Result.sent(), Result.sent()]
    rows = conn.execute("select touch_id, bucket, at from sandbox_message order by 1").fetchall()
    assert [tuple(row) for row in rows] == [(1, 5001 % 1024, NOW), (2, 5002 % 1024, NOW + timedelta(hours=1))]
    assert [a.touch_id for a in sandbox.receive(conn, NOW + timedelta(hours=1))] == [2]


def test_the_script_can_fail_for_now_or_for_good(conn):
    def script(x: Letter) -> Reaction:
        if x.touch_id == 2:
            return Reaction(Result.failed("blocked"))
        return Reaction(Result.retry("busy") if x.meta["tries"] == 1 else Result.sent())

    first = Sandbox(script).send(conn, NOW, [letter(1), letter(2)])
    assert [(r.state, r.reason) for r in first] == [("retry", Reason.TEMPORARY), ("failed", Reason.PERMANENT)]
    assert conn.execute("select count(*) from sandbox_message").fetchone()[0] == 0
    assert Sandbox(script).send(conn, NOW, [letter(1, tries=2)]) == [Result.sent()]


def test_the_script_in_the_readme_runs(conn):
    text = (resources.files("yutang.channels.sandbox") / "README.md").read_text("utf-8")
    example: dict = {}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], example)
    example["channel"].send(conn, NOW, [letter(1)])
    assert example["channel"].receive(conn, NOW) == []
    assert [a.type for a in example["channel"].receive(conn, NOW + timedelta(hours=2))] == ["message_opened"]
