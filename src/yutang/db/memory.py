"""How much of the machine's memory the embedded server keeps pages in."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

MIB = 1 << 20
LEAST, MOST = 128, 8_192
"""MiB. Memory is taken page by page as the pond grows, so a small pond never takes its share."""
_OLD_LIMIT = "memory/memory.limit_in_bytes"
"""Control groups of the first version, as in older containers."""


def shared_buffers(control: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> str:
    """The setting `shared_buffers`: a quarter of the memory that we may use, which is where PostgreSQL's manual begins
    (https://www.postgresql.org/docs/current/runtime-config-resource.html), of the machine or of the container's limit."""
    here = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    quarter = min([here, *_limits(control, own)]) // 4 // MIB
    return f"{max(LEAST, min(quarter, MOST))}MB"


def _limits(control: Path, own: Path) -> list[int]:
    """Bytes that our control group, and each above it, may use; none where there are no such groups, or no limit is set."""
    found = []
    group = ""
    with contextlib.suppress(OSError):
        group = next((line[3:] for line in own.read_text().splitlines() if line.startswith("0::")), "").strip("/")
    folders = [control / group, *(control / group).parents]
    for file in (control / _OLD_LIMIT, *(one / "memory.max" for one in folders if one.is_relative_to(control))):
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
            found.append(int(file.read_text()))
    return found
