"""A journey's head: triggers, re-entry, exits and value are read, or refused with place and fix."""

from __future__ import annotations

import pytest

from faults import english
from yutang import journey, source
from yutang.source import SourceError

AUDIENCE = "audience: {tag: vip}\n"


def read(head: str, steps: str = "[{message: hello}]") -> dict:
    return journey.journey(source.load(f"title: {{zh: 甲, en: A}}\n{head}\nsteps: {steps}\n", "a.yml"))


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("{event: ordered}", {"event": ["ordered"], "where": {}}),
        (
            "{event: [ordered, refunded], where: {store: S1}}",
            {"event": ["ordered", "refunded"], "where": {"store": "S1"}},
        ),
        ("{segment: sleepers}", {"segment": "sleepers", "when": "entered"}),
        ("{left: sleepers}", {"segment": "sleepers", "when": "left"}),
        ("{schedule: {at: '09:30'}}", {"schedule": {"at": "09:30"}}),
        ("{schedule: {at: '09:30', weekdays: [fri, mon]}}", {"schedule": {"at": "09:30", "weekdays": [1, 5]}}),
        ("{schedule: {at: '09:30', days: 1}}", {"schedule": {"at": "09:30", "days": [1]}}),
        (
            "{schedule: {at: '09:30', dates: [11-11, 2026-06-18]}}",
            {"schedule": {"at": "09:30", "dates": ["11-11", "2026-06-18"]}},
        ),
        (
            "{schedule: {at: '09:30', every: {days: 14, from: 2026-01-05}}}",
            {"schedule": {"at": "09:30", "every": {"days": 14, "from": "2026-01-05"}}},
        ),
        ("{member_day: 13}", {"schedule": {"at": "10:00", "days": [13]}}),
        ("{member_day: {day: 13, at: '12:00'}}", {"schedule": {"at": "12:00", "days": [13]}}),
        (
            "{anniversary: {of: birthday, days_before: 7, at: '09:00'}}",
            {"anniversary": {"trait": "birthday", "days_before": 7, "at": "09:00"}},
        ),
        (
            "{anniversary: {of: {event: registered}}}",
            {"anniversary": {"event": "registered", "days_before": 0, "at": "10:00"}},
        ),
        ("{near: {store: any, within_m: 800}}", {"near": {"store": None, "within_m": 800}}),
        ("{near: {store: bund, within_m: 800}}", {"near": {"store": "bund", "within_m": 800}}),
        ("{called: true}", {"called": True}),
    ],
)
def test_every_trigger_has_one_form(written, means):
    assert read(f"{AUDIENCE}trigger: {written}")["trigger"] == means


@pytest.mark.parametrize(
    ("head", "error"),
    [
        ("trigger: {}", "2:10: a trigger is one of: event, segment"),
        ("trigger: {event: ordered, segment: x}", "2:10: a trigger is one of"),
        ("trigger: {event: []}", "2:18: the list is empty"),
        ("trigger: {event: ordered, wher: {}}", "unknown key 'wher'; did you mean 'where'?"),
        ("trigger: {schedule: {days: [13]}}", "'at' is missing"),
        ("trigger: {schedule: {at: noon}}", "is not a time of day"),
        (AUDIENCE + "trigger: {schedule: {at: '10:00', days: [1], weekdays: [mon]}}", "in one schedule; keep one"),
        (AUDIENCE + "trigger: {schedule: {at: '10:00', days: [32]}}", "a whole number from 1 to 31"),
        (
            AUDIENCE + "trigger: {schedule: {at: '10:00', dates: [13-01]}}",
            "is no date; write it as 2026-11-11, or as 11-11",
        ),
        (AUDIENCE + "trigger: {schedule: {at: '10:00', dates: [04-31]}}", "is no date"),
        (AUDIENCE + "trigger: {schedule: {at: '10:00', weekdays: [monday]}}", "did you mean 'mon'?"),
        ("trigger: {member_day: 13}", "2:10: a schedule begins a journey for whom?"),
        ("trigger: {near: {store: any}}", "'within_m' is missing"),
        ("trigger: {called: false}", "write 'called: true'"),
        ("trigger: {left: x}\nexit_on_leave: true", "3:16: only a journey that begins with entering a segment"),
        (
            "trigger: {event: x}\nreentry: sometimes",
            "3:10: 'sometimes' is no re-entry rule; write one of: never, always, each_time",
        ),
        ("trigger: {event: x}\nvalue_fen: {trait: worth}", "'otherwise' is missing"),
        ("trigger: {event: x}\nexit_on: {event: y}", "expected a list"),
        ("trigger: {event: x}\nexit_when: {tagg: y}", "unknown condition"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_the_fix(head, error):
    with pytest.raises(SourceError) as caught:
        read(head)
    assert error in english(caught.value)


def test_on_a_ladder_one_stands_once():
    with pytest.raises(SourceError) as caught:
        read("trigger: {event: x}\nreentry: each_time", "[{ladder: l, message: m}]")
    assert "3:10: who stands on a ladder twice" in english(caught.value)


def test_re_entry_exits_and_value():
    body = read("""trigger: {event: x}
reentry: {after_days: 30}
value_fen: {trait: worth, otherwise: 300}
exit_on: [{event: refunded}, {event: ordered, where: {store: S1}}]
exit_when: {tag: vip}""")
    assert body["reentry"] == {"after_days": 30}
    assert (body["value_fen"], body["value_trait"]) == (300, "worth")
    assert body["exit_on"] == [{"event": "refunded", "where": {}}, {"event": "ordered", "where": {"store": "S1"}}]
    assert body["exit_when"] == {"tag": "vip"}
    plain = read("trigger: {event: x}\nvalue_fen: 5")
    assert (plain["reentry"], plain["value_fen"], plain["value_trait"], plain["exit_on"]) == ("never", 5, None, [])
