"""Whatever state the database may hold, somebody has words for it."""

from __future__ import annotations

import re
from importlib import resources

from yutang.cli.chain import STYLE
from yutang.web.pages.text import TEXT
from yutang.why import words

SCHEMA = resources.files("yutang.db") / "schema" / "0009_deliver.sql"


def test_each_state_of_an_attempt_has_words_and_a_colour() -> None:
    (listed,) = re.findall(r"state text not null check \(state in \(([^)]*)\)\)", SCHEMA.read_text("utf-8"))
    states = set(re.findall(r"'(\w+)'", listed))
    assert "assigned" in states
    assert set(words.ATTEMPTS) == set(words.TASKS) == states
    assert states <= set(STYLE)
    assert {f"attempt.{state}" for state in states} <= set(TEXT)
