"""A journey's file becomes a program, or an error that says where and how to mend it."""

from __future__ import annotations

import pytest

from yutang import journey, source
from yutang.source import SourceError

HEAD = "title: {zh: 欢迎, en: Welcome}\ntrigger: {event: registered}\n"


def read(steps: str, head: str = HEAD) -> dict:
    return journey.journey(source.load(f"{head}steps:\n{steps}", "welcome.yml"))


def test_lines_follow_each_other_in_the_order_of_reading():
    body = read(
        """
  - wait: {days: 1, hours: 2}
  - offer: welcome10
  - message: hello
  - wait_for: ordered
    days: 7
    then: [{tag: bought}]
    else:
      - if: {tag: vip}
        then: [{message: vip-reminder, channel: email}]
      - message: reminder
  - until: "10:00"
"""
    )
    program = body["program"]
    assert [line["do"] for line in program] == [
        "wait",
        "message",
        "wait_for",
        "tag",
        "until",
        "end",
        "branch",
        "message",
        "message",
    ]
    assert program[0] == {"do": "wait", "seconds": 93_600, "next": 1}
    assert program[1]["offer"] == "welcome10"
    waiting = program[2]
    assert program[waiting["yes"]] == {"do": "tag", "tag": "bought", "next": 4}
    branch = program[waiting["no"]]
    assert program[branch["yes"]]["channel"] == "email"
    assert program[branch["yes"]]["next"] == branch["no"]
    assert program[branch["no"]]["message"] == "reminder"


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ("  - mesage: hello\n", "welcome.yml:4:5: a step is one of"),
        ("  - offer: x\n", "welcome.yml:4:5: an offer must stand right before the message"),
        ("  - offer: x\n  - wait: {days: 1}\n", "welcome.yml:4:5: an offer must stand right before the message"),
        ("  - wait: {day: 1}\n", "welcome.yml:4:12: unknown key 'day'; did you mean 'days'?"),
        ("  - wait: {days: 0}\n", "takes some time"),
        ("  - wait_for: ordered\n", "how long to wait is missing"),
        ('  - until: "25:00"\n', "is not a time of day"),
        ("  - message: a\n    tag: b\n", "a step is one of"),
        ("  - if: {tagg: vip}\n    then: []\n", "welcome.yml:4:9: unknown condition"),
    ],
)
def test_a_wrong_step_is_named_with_its_place_and_the_fix(steps, error):
    with pytest.raises(SourceError) as caught:
        read(steps)
    assert error in str(caught.value)


def test_a_journey_is_of_class_marketing_unless_it_says_service():
    steps = "  - message: hello\n"
    assert read(steps)["class"] == "marketing"
    assert read(steps, HEAD + "class: service\n")["class"] == "service"
    with pytest.raises(SourceError, match="3:8: a journey is of class service or marketing, not 'urgent'"):
        read(steps, HEAD + "class: urgent\n")
    with pytest.raises(SourceError, match="4:18: a journey of class service keeps its word to everybody"):
        read(steps, HEAD + "class: service\nholdout_percent: 5\n")


def test_a_trigger_is_one_event_or_one_segment():
    with pytest.raises(SourceError, match="one event or one segment"):
        read("  - exit: true\n", "title: {zh: 甲, en: A}\ntrigger: {}\n")
    with pytest.raises(SourceError, match="only a journey that a segment triggers"):
        read("  - exit: true\n", HEAD + "exit_on_leave: true\n")
