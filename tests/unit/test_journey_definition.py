"""A journey's file becomes a program, or an error that says where and how to mend it."""

from __future__ import annotations

import pytest

from faults import english
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
    assert program[0] == {"id": "wait:1d2h", "do": "wait", "seconds": 93_600, "next": 1}
    assert program[1]["offer"] == "welcome10"
    waiting = program[2]
    assert program[waiting["yes"]] == {"id": "tag:bought", "do": "tag", "tag": "bought", "next": 4}
    branch = program[waiting["no"]]
    (way,) = branch["ways"]
    assert (way["name"], way["rule"]) == ("yes", {"tag": "vip"})
    assert program[way["to"]]["channels"] == ["email"]
    assert program[way["to"]]["next"] == branch["no"]
    assert program[branch["no"]]["message"] == "reminder"


def test_every_line_has_an_id_made_of_its_words_and_numbered_in_the_order_of_writing():
    program = read(
        """
  - wait: {days: 1}
  - if: {tag: vip}
    then: [{message: hello}, {wait: {days: 1}}]
    else: [{message: hello}]
  - call: {url: "https://erp.example.com/score"}
  - call: {url: "https://erp.example.com/score"}
    id: again
  - wait: {days: 1}
"""
    )["program"]
    assert [line["id"] for line in program] == [
        "wait:1d",
        "if",
        "message:hello",
        "wait:1d:2",
        "call:erp.example.com",
        "call:erp.example.com/answer",
        "again",
        "again/answer",
        "wait:1d:3",
        "end",
        "message:hello:2",
    ]


def test_a_branch_has_many_ways_and_a_split_one_for_each_arm():
    program = read(
        """
  - branch:
      - when: {tag: vip}
        name: gold
        then: [{message: a}]
      - when: {begun: {store: S1}}
        then: [{message: b}]
      - else: [{message: c}]
  - split: {tea: 60, coffee: 40}
    then:
      coffee: [{message: d, channel: [wecom, sms]}]
"""
    )["program"]
    branch, split = program[0], next(line for line in program if line["do"] == "split")
    assert [(way["name"], program[way["to"]]["message"]) for way in branch["ways"]] == [("gold", "a"), ("2", "b")]
    assert (branch["ways"][1]["begun"], program[branch["no"]]["message"]) == ({"store": "S1"}, "c")
    assert [(way["name"], way["weight"]) for way in split["ways"]] == [("tea", 60), ("coffee", 40)]
    assert program[split["ways"][0]["to"]]["do"] == "end"
    assert program[split["ways"][1]["to"]]["channels"] == ["wecom", "sms"]


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ("  - mesage: hello\n", "welcome.yml:4:5: a step is one of"),
        ("  - wiat: {hours: 2}\n", "did you mean 'wait'?"),
        ("  - offer: x\n", "welcome.yml:4:5: an offer must stand right before the message"),
        ("  - offer: x\n  - wait: {days: 1}\n", "welcome.yml:4:5: an offer must stand right before the message"),
        ("  - wait: {day: 1}\n", "welcome.yml:4:12: unknown key 'day'; did you mean 'days'?"),
        ("  - wait: {days: 100000}\n", "welcome.yml:4:11: a wait takes ten years at most; write for example {days: 7}"),
        ("  - wait: {days: 0}\n", "welcome.yml:4:11: a wait takes some time; write for example {days: 7}"),
        ("  - wait_for: ordered\n", "welcome.yml:4:5: how long to wait is missing; write for example 'days: 7'"),
        ("  - wait_for: []\n    days: 1\n", "welcome.yml:4:15: the list is empty; write at least one event"),
        ('  - until: "25:00"\n', "welcome.yml:4:12: '25:00' is not a time of day; write for example '10:00'"),
        ("  - until: 2026-13-01\n", "welcome.yml:4:12: '2026-13-01' is no date; write it as 2026-01-31"),
        ("  - until: {weekday: friday}\n", "welcome.yml:4:22: 'friday' is not possible here; did you mean 'fri'?"),
        ("  - until: {where: person}\n", "welcome.yml:4:12: until when is missing"),
        ('  - until: {time: "9:00"}\n', "welcome.yml:4:19: '9:00' is not a time of day"),
        ("  - until: {date: 2026-11-11, weekday: fri}\n", "welcome.yml:4:12: a date has its own day of the week; remove"),
        ("  - message: a\n    tag: b\n", "welcome.yml:4:5: a step is one of"),
        ("  - message: a\n    channel: [sms, sms]\n", "welcome.yml:5:14: name each channel once"),
        ("  - if: {tagg: vip}\n    then: []\n", "welcome.yml:4:9: unknown condition"),
        ("  - if: {begun: {}}\n    then: []\n", "welcome.yml:4:17: name at least one property"),
        ("  - branch: []\n", "welcome.yml:4:5: a branch has at least one way; write for example '- when: {tag: vip}'"),
        ("  - branch: [{else: []}, {when: {tag: a}, then: []}]\n", "welcome.yml:4:14: 'else' stands alone and comes last"),
        ("  - branch: [{when: {tag: a}}]\n", "welcome.yml:4:14: 'then' is missing"),
        ("  - branch: [{when: {tag: a}, name: x, then: []}, {when: {tag: b}, name: x, then: []}]\n", "welcome.yml:4:51: two ways are called 'x'"),
        ("  - split: {a: 1}\n", "welcome.yml:4:12: a split has at least two arms; write for example {a: 50, b: 50}"),
        ("  - split: {a: 0, b: 0}\n", "welcome.yml:4:12: every weight is 0"),
        ("  - split: {one: 1, two: 1}\n    then: {tow: []}\n", "welcome.yml:5:17: the split has no arm 'tow'; did you mean 'two'?"),
        ("  - set: {}\n", "welcome.yml:4:5: name the trait and its value"),
        ("  - set: {time_zone: Mars/Base}\n", "welcome.yml:4:5: not an IANA time zone"),
        ("  - call: {url: erp}\n", "welcome.yml:4:17: 'erp' is not an address to call; write for example https://"),
        ('  - call: {url: "https://a@b.example/"}\n', "welcome.yml:4:17: 'https://a@b.example/' is not an address to call"),
        ('  - call: {url: "https://b.example/{{ x }}"}\n', "what differs from person to person goes into 'body'"),
        ('  - call: {url: "https://b.example/", method: DELETE}\n', "'DELETE' is not possible here; write one of: GET, POST, PUT"),
        ('  - call: {url: "https://b.example/", body: {a: "{{ x"}}\n', "welcome.yml:4:49: the template is wrong: "),
        ("  - id: a\n    wait: {days: 1}\n  - id: a\n    wait: {days: 2}\n", "welcome.yml:6:9: two steps have the id 'a'; give each its own"),
        ("  - id: a/b\n    wait: {days: 1}\n", "welcome.yml:4:9: 'a/b' is no id; write letters, digits"),
        ("  - exit: false\n", "welcome.yml:4:11: the step ends the run whatever 'exit' says; write exit: true, or leave the step out"),
        ('  - exit: "no"\n', "welcome.yml:4:11: the step ends the run whatever 'exit' says; write exit: true, or leave the step out"),
        ("  - exit: true\n    becuse: x\n", "welcome.yml:5:5: unknown key 'becuse'; did you mean 'because'?"),
    ],
)  # fmt: skip
def test_a_wrong_step_is_named_with_its_place_and_the_fix(steps, error):
    with pytest.raises(SourceError) as caught:
        read(steps)
    assert error in english(caught.value)


def test_a_journey_is_of_class_marketing_unless_it_says_service():
    steps = "  - message: hello\n"
    assert read(steps)["class"] == "marketing"
    assert read(steps, HEAD + "class: service\n")["class"] == "service"
    with pytest.raises(SourceError) as urgent:
        read(steps, HEAD + "class: urgent\n")
    assert "3:8: a journey is of class service, companion or marketing, not 'urgent'" in english(urgent.value)
    with pytest.raises(SourceError) as held_out:
        read(steps, HEAD + "class: service\nholdout_percent: 5\n")
    assert "4:18: a journey of class service keeps its word to everybody" in english(held_out.value)
