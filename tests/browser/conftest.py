"""A real Chromium for every page's tests, and a page that notes whatever its own policy refuses."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from browsers import SIZES

MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", MAC))), None)
ABSENT = "no Chromium here; install the packages chromium and fonts-noto-cjk to run these tests"
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is a browser test. Without a browser it is left out, or fails where one must be there."""
    needed = bool(os.environ.get("YUTANG_NEED_CHROMIUM"))
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.skipif(CHROMIUM is None and not needed, reason=ABSENT))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        pytest.fail(ABSENT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any) -> Any:
    """`with opened(**settings) as page`: a page of these settings; in the end nothing may have been refused or gone wrong,
    but for console messages that match `expected`."""

    @contextmanager
    def open_page(expected: str = r"(?!)", **settings: Any) -> Iterator[Any]:
        page = chromium.new_page(**settings)
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: refused.append(str(error)))
        yield page
        page.close()
        assert [text for text in refused if not re.search(expected, text)] == []

    return open_page


@pytest.fixture
def shot() -> Callable[[Any, str], Path]:
    """`shot(page, "people")` keeps the whole page as people-desktop.png or people-phone.png, for people to look at.

    The folder is YUTANG_SHOTS, else one beside the system's temporary files; never in the repository.
    """
    folder = Path(os.environ.get("YUTANG_SHOTS") or Path(tempfile.gettempdir(), "yutang-shots"))

    def keep(page: Any, name: str) -> Path:
        size = page.viewport_size
        word = next((word for word, known in SIZES.items() if known == size), f"{size['width']}x{size['height']}")
        path = folder / f"{name}-{word}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return keep
