"""An editor's work on the text of a journey: whatever it does, the file stays readable and everything else as people wrote it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from yutang.brand import tree
from yutang.journey import journey
from yutang.source import load
from yutang.web.pages.editor import edits, heads
from yutang.web.pages.editor.outline import read

TEXT = """\
# The file as a whole.
title: {zh: 试, en: Test}      # what it is called
# Why it begins.
trigger: {event: registered}  # what begins it
value_fen: 500

steps:
  # zeroth, told at ten
  - until: "10:00"
  # first
  - offer: cup       # rides
  # between the two
  - message: hello   # end of line

  - wait_for: ordered   # second
    days: 14
    then:
      # inner first
      - message: a
      # inner second
      - exit:
        because: "bought: enough"
    else: [{message: b}, {tag: late}]
  # third
  - branch:
      # a way
      - when: {tag: vip}
        name: vip
        then:
          - message: gold
      - else: []
  - split: {coffee: 60, "tea time": 40}
    id: drink
    then:
      coffee:
        - if: {tag: x}
          then: []
  - message: last
    channel: [sandbox, email]
  # the end of it
"""


def paths(text: str) -> list[str]:
    return [step.path for step in read(text, "x").steps()]


def kinds(text: str) -> list[str]:
    return [f"{step.path} {step.kind}" for step in read(text, "x").steps()]


def comments(text: str) -> set[str]:
    return {line[line.index("#") :].strip() for line in text.splitlines() if "#" in line}


def without(text: str, *lines: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if line.rstrip("\n") not in lines)


def test_every_step_has_a_path_and_its_own_lines() -> None:
    assert kinds(TEXT) == [
        "steps.0 until", "steps.2 message", "steps.3 wait_for", "steps.3.then.0 message", "steps.3.then.1 exit",
        "steps.3.else.0 message", "steps.3.else.1 tag", "steps.4 branch", "steps.4.way0.0 message", "steps.5 split",
        "steps.5.way0.0 if", "steps.6 message",
    ]  # fmt: skip
    found = {step.path: "\n".join(TEXT.splitlines()[step.first : step.last]) for step in read(TEXT, "x").steps()}
    assert found["steps.0"] == '  # zeroth, told at ten\n  - until: "10:00"'
    assert found["steps.2"].startswith("  # first\n  - offer: cup")
    assert found["steps.2"].endswith("# end of line")
    assert found["steps.3.then.0"] == "      # inner first\n      - message: a"
    assert found["steps.3.then.1"].endswith('because: "bought: enough"')
    assert found["steps.6"] == "  - message: last\n    channel: [sandbox, email]"


def test_a_step_that_goes_takes_its_own_comment_and_nothing_else() -> None:
    assert edits.delete(TEXT, "steps.0") == without(TEXT, "  # zeroth, told at ten", '  - until: "10:00"')
    gone = edits.delete(TEXT, "steps.2")
    assert "cup" not in gone
    assert "hello" not in gone
    assert "# third" in gone


def test_the_last_step_of_a_list_leaves_an_empty_one() -> None:
    text = edits.delete(TEXT, "steps.4.way0.0")
    assert "        then: []\n      - else: []" in text
    text, path = edits.insert(text, "steps.4.way0", 0, [{"message": "new"}])
    assert path == "steps.4.way0.0"
    assert "- message: new" in text
    assert "# a way" in text


def test_steps_are_put_in_where_they_belong() -> None:
    text, path = edits.insert(TEXT, "steps", 1, [{"wait": {"days": 1}}])
    assert path == "steps.1"
    assert text == TEXT.replace("  # first\n", "  - wait: {days: 1}\n  # first\n")
    text, path = edits.insert(TEXT, "steps", 2, [{"tag": "between"}])
    assert path == "steps.1", "never between an offer and its message"
    text, path = edits.insert(TEXT, "steps.3.else", 1, [{"tag": "now"}])
    assert path == "steps.3.else.1"
    assert [step.kind for step in read(text, "x").way("steps.3.else").steps] == ["message", "tag", "tag"]  # type: ignore[union-attr]
    text, path = edits.insert(TEXT, "steps.5.way1", 0, [{"message": "tea"}])
    assert path == "steps.5.way1.0"
    assert tree.read(text)["steps"][5]["then"]["tea time"] == [{"message": "tea"}]


def test_a_journey_without_steps_gets_its_first() -> None:
    for empty in ("steps: []", "steps:", ""):
        text, path = edits.insert(f"title: {{zh: a, en: b}}   # t\n{empty}\n", "steps", 0, [{"message": "x"}])
        assert path == "steps.0"
        assert text.startswith("title: {zh: a, en: b}   # t\n")
        assert "steps:\n  - message: x\n" in text


@pytest.mark.parametrize(
    ("path", "up", "now"),
    [
        ("steps.2", True, "steps.1"), ("steps.2", False, "steps.3"), ("steps.0", False, "steps.2"), ("steps.0", True, "steps.0"),
        ("steps.6", False, "steps.6"), ("steps.3.then.0", True, "steps.3"), ("steps.3.then.1", False, "steps.4"),
        ("steps.3.else.1", True, "steps.3.else.0"), ("steps.4.way0.0", False, "steps.5"), ("steps.5.way0.0", True, "steps.5"),
    ],
)  # fmt: skip
def test_a_step_moves_and_can_be_found_again(path: str, up: bool, now: str) -> None:
    was = read(TEXT, "x").find(path)
    text, found = edits.move(TEXT, path, up)
    assert found == now
    step = read(text, "x").find(now)
    assert was
    assert step
    assert step.node.plain() == was.node.plain()
    assert (step.offer is None) == (was.offer is None)
    assert comments(text) == comments(TEXT)
    if found != path and step.place == was.place == "steps":
        assert edits.move(text, found, not up)[0].replace("\n\n", "\n") == TEXT.replace("\n\n", "\n")


def test_a_step_goes_into_another_list_but_not_into_itself() -> None:
    text, path = edits.move_to(TEXT, "steps.0", "steps.4.way1", 0)
    assert path == "steps.3.way1.0"
    assert tree.read(text)["steps"][3]["branch"][1]["else"] == [{"until": "10:00"}]
    assert comments(text) == comments(TEXT)
    with pytest.raises(edits.NoStep):
        edits.move_to(TEXT, "steps.3", "steps.3.then", 0)


def test_a_double_has_no_id_and_its_own_offer() -> None:
    text, path = edits.duplicate(TEXT, "steps.2")
    assert path == "steps.4"
    assert [step.offer is not None for step in read(text, "x").main.steps][:3] == [False, True, True]
    text, path = edits.duplicate(TEXT, "steps.5")
    assert path == "steps.6"
    assert text.count("id: drink") == 1
    assert text.count("coffee: 60") == 2


def test_an_offer_comes_changes_and_goes() -> None:
    text, path = edits.ride(TEXT, "steps.2", "mug")
    assert path == "steps.2"
    assert text == TEXT.replace("offer: cup ", "offer: mug ")
    text, path = edits.ride(TEXT, "steps.2", "")
    assert path == "steps.1"
    assert "offer:" not in text
    assert comments(text) == comments(TEXT) - {"# rides"}
    text, path = edits.ride(TEXT, "steps.6", "mug")
    assert path == "steps.7"
    assert edits.ride(text, path, "") == (TEXT, "steps.6")


def test_keys_of_a_step_change_and_its_comments_stay() -> None:
    def change(item: Any) -> None:
        item["days"] = 7

    text = edits.rewrite(TEXT, "steps.3", change)
    assert "days: 7" in text
    assert comments(text) == comments(TEXT)
    assert text.split("  - wait_for")[0] == TEXT.split("  - wait_for")[0]
    assert text.split("  # third")[1] == TEXT.split("  # third")[1]


def test_the_head_changes_by_its_keys_alone() -> None:
    text = heads.set_head(TEXT, {"trigger": {"segment": "sleepers"}, "value_fen": 500, "goal": {"event": "ordered"}})
    assert "trigger: {segment: sleepers}  # what begins it\n" in text
    assert "value_fen: 500\ngoal: {event: ordered}\n" in text
    assert heads.set_head(text, {"trigger": {"event": "registered"}, "goal": None}) == TEXT
    assert heads.set_head(TEXT, {"value_fen": None}) == TEXT.replace("value_fen: 500\n", "")
    assert heads.set_head(TEXT, {"title": {"zh": "a", "en": "b"}}).startswith(
        "# The file as a whole.\ntitle: {zh: a, en: b}"
    )


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_done_in_whatever_order_the_rest_stays(seed: int) -> None:
    """The steps that are left are the steps that were there, with their comments; the head is never touched."""
    chance = random.Random(seed)
    text = TEXT
    for n in range(25):
        steps = list(read(text, "x").steps())
        ways = list(read(text, "x").ways())
        what, step = (
            chance.choice(["insert", "delete", "move", "double", "to"]),
            chance.choice(steps) if steps else None,
        )
        before, way = comments(text), chance.choice(ways)
        if what == "insert" or step is None:
            text, path = edits.insert(text, way.place, chance.randint(0, way.length), [{"tag": f"new {n}"}])
            assert read(text, "x").find(path).node.plain() == {"tag": f"new {n}"}  # type: ignore[union-attr]
            assert comments(text) == before
        elif what == "delete":
            lines = text.splitlines()[step.first : step.last]
            text = edits.delete(text, step.path)
            if step.block:
                assert comments(text) == before - comments("\n".join(lines)) or len(lines) > 1
        elif what == "double":
            text, path = edits.duplicate(text, step.path)
            assert comments(text) == before
            assert read(text, "x").find(path).kind == step.kind  # type: ignore[union-attr]
        elif what == "move" or not way.place.startswith(step.path):
            place, index = way.place, chance.randint(0, way.length)
            up = chance.random() < 0.5
            text, path = (
                edits.move(text, step.path, up) if what == "move" else edits.move_to(text, step.path, place, index)
            )
            assert comments(text) == before
            assert read(text, "x").find(path).node.plain() == step.node.plain()  # type: ignore[union-attr]
        assert text.startswith(TEXT[: TEXT.index("steps:")])
        assert text.count("  # the end of it\n") == 1 or "steps: []" in text
    assert journey(load(text, "journeys/x.yml"))
