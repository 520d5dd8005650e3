"""Every example of a head on the page about journeys is understood, and every kind of trigger has one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from yutang import journey, source
from yutang.journey.trigger import by_clock

PAGE = (Path(__file__).parents[2] / "docs" / "journeys.md").read_text("utf-8")
HEADS = re.findall(r"^```yml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def read(head: str) -> dict:
    return journey.journey(source.load(f"title: {{zh: 甲, en: A}}\n{head}steps: [{{message: hello}}]\n", "head.yml"))


@pytest.mark.parametrize("head", HEADS)
def test_a_head_is_understood(head: str) -> None:
    assert read(head)["trigger"]


def test_every_kind_of_trigger_is_shown() -> None:
    triggers = [read(head)["trigger"] for head in HEADS]
    assert {key for trigger in triggers for key in trigger} >= {
        "event",
        "segment",
        "schedule",
        "anniversary",
        "near",
        "called",
    }
    assert {trigger.get("when") for trigger in triggers} >= {"entered", "left"}
    assert sum(by_clock(read(head)) is not None for head in HEADS) == 5
