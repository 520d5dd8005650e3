"""The committed reference pages are what the code says today."""

from __future__ import annotations

from pathlib import Path

from yutang.cli.docs import FOLDER, pages

ROOT = Path(__file__).parents[2]


def test_reference_pages_are_current() -> None:
    """Write them anew with `yutang docs`."""
    found = {file.name: file.read_text("utf-8") for file in (ROOT / FOLDER).glob("*.md")}
    assert found == pages()
