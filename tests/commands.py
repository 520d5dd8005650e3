"""The command line as a user runs it: a process of its own, in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

COMMAND = [sys.executable, "-m", "yutang.cli"]
Run = Callable[..., subprocess.CompletedProcess[str]]


def environment_of(url: str, home: Path, **more: str) -> dict[str, str]:
    """What a command sees; wide enough that no table wraps."""
    return os.environ | {"YUTANG_HOME": str(home), "YUTANG_DATABASE_URL": url, "COLUMNS": "400"} | more


def runner(environment: Mapping[str, str]) -> Run:
    """`run("brand", "check", folder, code=2, typed="…")`: it must end with this code, and never with a traceback."""

    def run(*arguments: str, code: int = 0, typed: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*COMMAND, *arguments], capture_output=True, text=True, env=environment, timeout=120, input=typed
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Everything that a command has printed."""
    return done.stdout + done.stderr
