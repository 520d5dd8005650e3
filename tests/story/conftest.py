"""What stories on the real year have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

import years


@pytest.fixture(scope="session")
def tables() -> Path:
    """The data package's files."""
    return years.tables()
