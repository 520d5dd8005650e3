"""Each step that somebody passed, and what was seen there, reads as a sentence."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ponds import NOON, Pond
from yutang import ingest, journey, offer, source
from yutang.channels.platform.outward import Outward
from yutang.deliver import calls
from yutang.model import EVERYBODY
from yutang.offer import definition as offer_definition
from yutang.vault import Vault
from yutang.why import lines, why
from yutang.why.chain import Enrolment
from yutang.why.words import both

DAY = timedelta(days=1)
STEPS = """
  - wait_for: [ordered, viewed]
    days: 3
  - branch:
      - {when: {answer: {store: S1}}, name: here, then: []}
      - {when: {begun: {code: card}}, then: []}
  - if: {begun: {code: card}}
    then: []
  - split: {tea: 100, coffee: 0}
  - set: {favourite: latte, city: null}
  - task: call_back
  - call: {url: "http://127.0.0.1:9/score"}
  - journey: inner
    wait: true
  - until: {weekday: [sat, sun], time: "10:00", where: person}
  - exit: true
    because: all said
"""


@pytest.fixture
def pond(conn) -> Pond:
    pond = Pond(conn)
    ingest.add_source(conn, NOON, "yutang", "Yutang")
    pond.message("call_back")
    inner = "title: {zh: 内, en: Inner}\ntrigger: {called: true}\nsteps: [{wait: {days: 1}}]"
    outer = f"title: {{zh: 外, en: Outer}}\ntrigger: {{event: registered}}\nsteps:\n{STEPS}"
    for name, text in (("inner", inner), ("outer", outer)):
        pond.define("journey", name, journey.journey(source.load(text, f"{name}.yml")))
    return pond


def lived(pond: Pond) -> tuple[Enrolment, Enrolment]:
    """The run of somebody who has walked through everything: the outer one and the inner one."""
    person, now = pond.person(time_zone="Europe/London"), NOON
    pond.happened(person, "registered", code="card")
    journey.advance(pond.conn, now)
    pond.happened(person, "viewed", now, store="S1")
    journey.advance(pond.conn, now)
    pond.happened(person, "task_done", now, journey="outer", task="call_back", staff="li")
    journey.advance(pond.conn, now)
    calls.make(pond.conn, now, EVERYBODY, {"call": Outward(Vault(b"s" * 32))})
    (told,) = pond.conn.execute("select props from event where type = 'called'").fetchone()
    pond.happened(person, "called", now, **told)
    for days in range(10):
        journey.advance(pond.conn, now + days * DAY)
    runs = why(pond.conn, person, now + 10 * DAY).enrolments
    return next(r for r in runs if r.journey == "outer"), next(r for r in runs if r.journey == "inner")


def test_a_run_is_told_step_by_step(pond):
    outer, inner = lived(pond)
    assert [(step.line["zh"], step.words["zh"]) for step in outer.steps] == [
        ("等「下单成交」或「浏览」，最多 3 天", "等到了「浏览」"),
        ("依次判断：here：等到的事件的 store = S1；2：触发事件的 code = card", "走「here」这条路"),
        ("判断：触发事件的 code = card", "满足"),
        ("分流：tea 100%, coffee 0%", "分到「tea」组"),
        ("更新属性 city = ∅, favourite = latte", "已更新属性"),
        ("等任务「试」完成", "员工已完成任务"),
        ("调用 http://127.0.0.1:9/score", "已发起调用"),
        ("等对方回答，最多 1 小时", "调用失败：地址在内网，未经设置允许，不予调用"),
        ("进入子旅程「内」", "已进入子旅程"),
        ("等子旅程「内」结束", "子旅程已结束"),
        ("等到 周六、周日 10:00（顾客当地时间）", "等到了"),
    ]
    assert [step.words["en"] for step in outer.steps][7:] == [
        "the call failed: the address lies inside the network and no setting allows it to be called",
        "the other journey has begun",
        "the other journey has ended",
        "the wait is over",
    ]
    assert outer.ended == both("已走完：all said", "done: all said")
    assert inner.words == both("由旅程「外」的一步开始", "a step of the journey 'Outer' began it")


def test_every_line_and_every_outcome_has_words():
    """Nothing is told by its bare word."""
    texts = (
        "  - hours: {from: '08:00', to: '22:00'}\n    then: []\n  - ladder: x\n    message: call_back\n",
        "  - untag: a\n  - offer: o\n  - message: m\n    channel: [sms, email]\n  - until: 2026-03-08\n",
    )
    for text in texts:
        head = "title: {zh: 甲, en: A}\ntrigger: {event: registered}\nsteps:\n"
        for line in journey.journey(source.load(head + text, "a.yml"))["program"]:
            said = lines.line(line, lambda _kind, name: both(name, name))
            assert said["zh"] not in (line["do"], "")
            assert "None" not in said["en"] + said["zh"]
    assert lines.outcome(None, "call_failed:gave_up")["en"] == "the call failed: given up after the last retry"


def test_a_run_on_a_ladder_says_the_rung_and_when_the_next_is_due(pond):
    ladder = "back: {title: {zh: 回来, en: Back}, sort: ladder, down: [90], up: [95], silence_days: 30, wait_days: 7, valid_days: 7, basket_fen: 3000, existing: none}"
    early, late = pond.person(), pond.person()
    pond.happened(early, "registered", NOON - DAY)
    offer.advance(pond.conn, NOON)
    pond.define("offer", "back", offer_definition.read(ladder)["back"])
    text = "title: {zh: 梯, en: Ladder}\ntrigger: {event: registered}\nsteps: [{ladder: back, message: call_back}]"
    pond.define("journey", "climb", journey.journey(source.load(text, "climb.yml")))
    for person in (early, late):
        pond.happened(person, "registered", NOON)

    def said(person: int, now: datetime) -> Enrolment:
        for stage in (offer.advance, journey.advance):
            stage(pond.conn, now)
        return next(run for run in why(pond.conn, person, now).enrolments if run.journey == "climb")

    assert "不在这个阶梯上" in said(early, NOON).now_at["zh"]
    assert (said(late, NOON).now_at["en"], said(late, NOON).due_at) == (
        "speak at every move of the ladder 'Back': before rung 1",
        NOON + 30 * DAY,
    )
    assert said(late, NOON + 30 * DAY).now_at["zh"] == "随阶梯「回来」的每一步发消息：在第 1 档，不会再有下一档"
