"""What the tests of pages have in common: a server over the test's database, and a browser of whoever sits at the machine."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from edges import serving


@pytest.fixture
def base(url: str) -> Iterator[str]:
    """The address of the edge; a test that needs a pond of its own makes it before and has its own."""
    with serving(url) as address:
        yield address


@pytest.fixture
def web(base: str) -> Iterator[httpx.Client]:
    """It follows where an answer leads."""
    with httpx.Client(base_url=base, timeout=30, headers={"Origin": base}, follow_redirects=True) as client:
        yield client
