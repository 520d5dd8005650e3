"""How much memory the embedded server keeps pages in: a quarter of what there is, or of what the container allows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from yutang.db.memory import LEAST, MOST, shared_buffers

GIB = 1 << 30
MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
UNLIMITED = f"{max(LEAST, min(MACHINE // 4 >> 20, MOST))}MB"


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """The control groups of a machine, and us in one of them."""
    (tmp_path / "control/system/yutang").mkdir(parents=True)
    (tmp_path / "own").write_text("9:name=systemd:/\n0::/system/yutang\n")
    return tmp_path


def told(group: Path) -> str:
    return shared_buffers(group / "control", group / "own")


def test_a_quarter_of_the_machine(group: Path) -> None:
    assert told(group) == UNLIMITED
    assert shared_buffers(group / "nothing", group / "nobody") == UNLIMITED


def test_no_limit_is_none(group: Path) -> None:
    (group / "control/system/yutang/memory.max").write_text("max\n")
    (group / "control/memory").mkdir()
    (group / "control/memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert told(group) == UNLIMITED


@pytest.mark.parametrize(
    "place", ["system/yutang/memory.max", "system/memory.max", "memory.max", "memory/memory.limit_in_bytes"]
)
def test_the_limit_of_our_group_or_of_one_above_it(group: Path, place: str) -> None:
    (group / "control" / place).parent.mkdir(exist_ok=True)
    (group / "control" / place).write_text(f"{GIB}\n")
    assert told(group) == "256MB"


def test_never_less_than_it_can_work_with(group: Path) -> None:
    (group / "control/memory.max").write_text(f"{GIB // 4}\n")
    assert told(group) == f"{LEAST}MB"
