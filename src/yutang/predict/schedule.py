"""Training from time to time, in a process of its own: its memory goes back to the system, and the loop's thread waits for nothing."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime

import psycopg

from yutang import config
from yutang.model import YutangError
from yutang.predict.reading import sql

LONGEST_SECONDS = 4 * 3600
"""After this a training is given up."""


def due(conn: psycopg.Connection, now: datetime) -> bool:
    """Is it time to train again? Raises YutangError when the setting is no number of hours."""
    return config.due(config.TRAIN_HOURS, sql.trained_at(conn).fetchone().at, now)


def run() -> None:
    """Train with the settings of this process, and wait for the end. Raises YutangError with what went wrong."""
    command = [sys.executable, "-m", "yutang.cli", "predict", "train", "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise YutangError(f"the training took longer than {LONGEST_SECONDS // 3600} hours and was ended") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise YutangError(f"the training failed: {last}; run `yutang predict train` to see it")
