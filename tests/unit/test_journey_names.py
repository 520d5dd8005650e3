"""What the steps of journeys name is checked against what there is; journeys that begin each other in a circle are refused."""

from __future__ import annotations

import pytest

from faults import english
from yutang import source
from yutang.brand import names
from yutang.source import SourceError

KNOWN = {
    "message": ["hello"],
    "task": ["call_back"],
    "coupon": ["cup", "packet"],
    "channel": ["sandbox", "email"],
    "segment": ["vip"],
    "sub-journey": ["inner"],
    "journey": ["inner"],
    "ladder": [],
}
HEAD = "title: {zh: 甲, en: A}\ntrigger: {event: registered}\nsteps:\n"


def check(steps: str) -> None:
    names.check(names.references(source.load(HEAD + steps, "a.yml")), KNOWN)


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ("  - journey: iner\n", "a.yml:4:14: there is no sub-journey 'iner'; did you mean 'inner'?"),
        ("  - task: hello\n", "a.yml:4:11: there is no task 'hello'; write one of: call_back"),
        ("  - message: hello\n    channel: [email, sandbux]\n", "a.yml:5:22: there is no channel 'sandbux'; did you mean 'sandbox'?"),
        ("  - branch:\n      - when: {segment: vp}\n        then: []\n", "a.yml:5:15: there is no segment 'vp'"),
        ("  - branch:\n      - else: [{message: helo}]\n", "a.yml:5:26: there is no message 'helo'"),
        ("  - split: {a: 1, b: 1}\n    then: {a: [{offer: cop}, {message: hello}]}\n", "a.yml:5:24: there is no coupon 'cop'"),
        ("  - wait_for: ordered\n    days: 1\n    else: [{task: x}]\n", "a.yml:6:19: there is no task 'x'"),
        ("  - call: {url: 'https://a.example'}\n    then: [{message: helo}]\n", "a.yml:5:22: there is no message 'helo'"),
    ],
)  # fmt: skip
def test_a_name_that_there_is_not(steps: str, error: str) -> None:
    with pytest.raises(SourceError) as caught:
        check(steps)
    assert error in english(caught.value)


def test_words_of_the_author_are_no_names() -> None:
    """Properties, traits, bodies and arms may be called anything."""
    check(
        """  - if: {begun: {segment: x, message: y}}
    then: [{set: {offer: a, channel: b}}]
  - branch:
      - {when: {answer: {journey: x}}, then: [{message: hello}]}
  - split: {message: 1, task: 1}
    then: {message: [{offer: packet}, {message: hello}]}
  - call: {url: "https://a.example", body: {message: {offer: x}}, save: {task: a.b}}
  - wait_for: [{event: viewed, where: {offer: z}}]
    days: 1
"""
    )


def circles(**journeys: str) -> None:
    names.check_circles({name: source.load(HEAD + steps, f"{name}.yml") for name, steps in journeys.items()})


def test_journeys_in_a_circle_are_refused_with_the_place() -> None:
    with pytest.raises(SourceError) as far:
        circles(
            a="  - journey: b\n",
            b="  - if: {tag: x}\n    then: [{journey: c, wait: true}]\n",
            c="  - journey: a\n",
        )
    assert english(far.value).startswith("c.yml:4:14: journeys begin each other in a circle: a → b → c → a; take")
    with pytest.raises(SourceError) as near:
        circles(a="  - journey: a\n")
    assert english(near.value).startswith("a.yml:4:14: journeys begin each other in a circle: a → a")


def test_two_ways_to_the_same_journey_are_no_circle() -> None:
    circles(
        a="  - journey: b\n  - journey: c\n",
        b="  - journey: c\n",
        c="  - if: {in_journey: a}\n    then: []\n",
    )
