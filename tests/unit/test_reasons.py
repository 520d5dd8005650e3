"""Reasons: each has its sentences, and a test that produces it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from yutang.model import Reason

TESTS = Path(__file__).parent.parent


def produced() -> str:
    """What the tests of all rings expect, this file left out."""
    files = (path for path in TESTS.rglob("test_*.py") if path != Path(__file__))
    return "\n".join(path.read_text("utf-8") for path in files)


@pytest.fixture(scope="module")
def expectations() -> str:
    return produced()


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_produced_by_a_test(reason: Reason, expectations: str) -> None:
    assert re.search(rf"Reason\.{reason.name}\b|[\"']{reason.value}[\"']", expectations)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_speaks_chinese_and_english(reason: Reason) -> None:
    assert re.search("[\u4e00-\u9fff]", reason.zh)
    assert re.search("[a-z]", reason.en)
