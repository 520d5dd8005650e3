"""What is surely not meant is said with its place and the fix, and keeps nobody from publishing."""

from __future__ import annotations

import re

import pytest

from yutang.brand import load_brand, read_brand, shipped

FILES = dict(load_brand(shipped()["luckin"]).files)
MESSAGE = "---\ntitle: {zh: 再见, en: Bye}\nsubject: 再见\nchannel: sandbox\n---\n再见\n"
COUPON = "\ntea:\n  sort: coupon\n  title: {zh: 茶, en: Tea}\n  discount: {off_fen: 700}\n  minimum_fen: 1000\n"


def hints(**changed: str) -> list[str]:
    """Of the brand with other texts of some files: FILE:LINE:COLUMN and the English sentence."""
    found = read_brand(FILES | changed).hints
    assert all(re.search("[\u4e00-\u9fff].*[。？]$", hint.said.zh) for hint in found)
    assert all(str(hint) == f"{hint.position}: {hint.said.zh} {hint.said.en}" for hint in found)
    return [f"{hint.position}: {hint.said.en}" for hint in found]


def spoilt(path: str, old: str, new: str) -> list[str]:
    assert old in FILES[path]
    return hints(**{path: FILES[path].replace(old, new, 1)})


@pytest.mark.parametrize("name", sorted(shipped()))
def test_of_a_brand_that_is_as_it_should_be_nothing_is_said(name: str) -> None:
    assert load_brand(shipped()[name]).hints == ()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("goal: {event: ordered}", "goal: {event: orders}", "journeys/welcome.yml:3:15: the catalogue has no event 'orders'; did you mean 'ordered'?"),
        ("trigger: {event: registered}", "trigger: {event: [ordered, registred]}", "journeys/welcome.yml:2:28: the catalogue has no event 'registred'; did you mean 'registered'?"),
        ("steps:", "audience: {all: [{tag: vip}, {not: {last: orderd, within_days: 3}}]}\nsteps:", "journeys/welcome.yml:6:43: the catalogue has no event 'orderd'; did you mean 'ordered'?"),
        ("steps:", "exit_when: {sequence: viewed, then: orderd, within_days: 3}\nsteps:", "journeys/welcome.yml:6:37: the catalogue has no event 'orderd'"),
        ("steps:", "steps:\n  - branch:\n      - when: {none: orderd, days: 3}\n        then: [{if: {count: registred, at_least: 1}, then: [{tag: vip}]}]", "journeys/welcome.yml:9:29: the catalogue has no event 'registred'"),
        ("steps:", "steps:\n  - branch:\n      - when: {none: orderd, days: 3}\n        then: [{tag: vip}]", "journeys/welcome.yml:8:22: the catalogue has no event 'orderd'"),
        ("steps:", "exit_on: [{event: unfolowed}]\nsteps:", "journeys/welcome.yml:6:19: the catalogue has no event 'unfolowed'"),
        ("steps:", "steps:\n  - wait_for: [viewed, {event: refund}]\n    days: 1\n    then: [{wait_for: order, days: 1}]", "journeys/welcome.yml:7:32: the catalogue has no event 'refund'"),
        ("steps:", "steps:\n  - wait_for: viewed\n    days: 1\n    then: [{wait_for: order, days: 1}]", "journeys/welcome.yml:9:23: the catalogue has no event 'order'"),
    ],
)  # fmt: skip
def test_an_event_that_is_nearly_a_known_one(old: str, new: str, says: str) -> None:
    assert any(hint.startswith(says) for hint in spoilt("journeys/welcome.yml", old, new))


def test_a_segment_asks_about_an_event_that_is_nearly_a_known_one() -> None:
    """What is no event may be called as it likes."""
    rule = "title: {zh: 近, en: Near}\nrule:\n  any:\n    - {attribute: orderd, is: orderd}\n    - {sum: orderd, at_least: 1, where: {order: orderd}}\n"
    said = "segments/near.yml:5:13: the catalogue has no event 'orderd'; did you mean 'ordered'?"
    assert [hint[: len(said)] for hint in hints(**{"segments/near.yml": rule})] == [said]


def test_a_brand_may_have_events_of_its_own_and_ask_what_they_say() -> None:
    own = "steps:\n  - wait_for: {event: cup_refilled, where: {event: order}}\n    days: 1"
    assert spoilt("journeys/welcome.yml", "steps:", own) == []


def test_what_no_journey_uses() -> None:
    found = hints(**{"messages/bye.md": MESSAGE, "offers.yml": FILES["offers.yml"] + COUPON})
    line = FILES["offers.yml"].count("\n") + 2
    assert found == [
        "messages/bye.md:2:1: no journey says the message 'bye'; name it in one, or remove the file",
        f"offers.yml:{line}:1: no journey gives the offer 'tea'; name it in one, or remove it; leave it if another system gives it out",
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("margin_floor_percent: 25", "margin_floor_percent: 40", ["offers.yml:22:18: who pays 28 percent pays less than margin_floor_percent (40)"]),
        ("margin_floor_percent: 25", "margin_floor_percent: 28", []),
        ("minimum_fen: 1200", "minimum_fen: 1200\n  margin_floor_percent: 59", ["offers.yml:4:13: who pays 58 percent pays less"]),
        ("minimum_fen: 1200", "minimum_fen: 1200\n  margin_floor_percent: 58", []),
        ("minimum_fen: 1200", "minimum_fen: 120\n  margin_floor_percent: 5", ["offers.yml:4:13: who pays 0 percent pays less"]),
        ("minimum_fen: 1200", "minimum_fen: 120", []),
        ("minimum_fen: 1200", "margin_floor_percent: 90", []),
    ],
)  # fmt: skip
def test_what_lies_below_its_own_floor_is_given_to_nobody(old: str, new: str, says: list[str]) -> None:
    """Of a coupon that takes a sum off, the smallest order decides; without one nobody can tell."""
    found = spoilt("offers.yml", old, new)
    assert [hint[: len(said)] for hint, said in zip(found, says, strict=True)] == says
