"""A real Chromium for every page's tests, and a page that notes whatever its own policy refuses."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is a browser test, and is left out where there is none."""
    absent = pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium here; install the package chromium to run these tests"
    )
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            item.add_marker(absent)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any) -> Any:
    """`with opened(**settings) as page`: a page of these settings; in the end nothing may have been refused or gone wrong."""

    @contextmanager
    def open_page(**settings: Any) -> Iterator[Any]:
        page = chromium.new_page(**settings)
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
        yield page
        page.close()
        assert refused == []

    return open_page
