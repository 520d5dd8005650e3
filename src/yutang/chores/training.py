"""Training in a process of its own: its memory goes back to the system, and no thread of ours waits for arithmetic.

``python -m yutang.chores.training`` reads what to do from standard input: an address may hold a password, and command lines can be seen.
"""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from datetime import datetime

import psycopg
import structlog

from yutang import config
from yutang.db.connect import connect
from yutang.model import YutangError
from yutang.predict.reading import sql

log = structlog.get_logger()
LONGEST_SECONDS = 4 * 3600
"""After this a training is given up."""


def due(conn: psycopg.Connection, now: datetime) -> bool:
    """Is it time to train again? Raises YutangError when the setting is no number of hours."""
    return config.due(config.TRAIN_HOURS, sql.trained_at(conn).fetchone().at, now)


def run(url: str, now: datetime) -> None:
    """Train, and wait for the end. Raises YutangError with what went wrong."""
    command = [sys.executable, "-m", __name__]
    asked = json.dumps({"url": url, "now": now.isoformat()})
    try:
        done = subprocess.run(
            command, input=asked, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise YutangError(
            f"训练超过 {LONGEST_SECONDS // 3600} 小时，已结束。 "
            f"the training took longer than {LONGEST_SECONDS // 3600} hours and was ended"
        ) from None
    if done.returncode:
        log.error("训练失败。 the training failed", said=done.stderr)
        last = (done.stderr.strip().splitlines() or ["没有说明 no word"])[-1]
        raise YutangError(
            "训练失败，运行 `yutang predict train` 查看原因。 "
            f"the training failed: {last}; run `yutang predict train` to see it"
        )


def main() -> None:
    """What the process does."""
    from yutang.app import train

    asked = json.load(sys.stdin)
    try:
        with connect(asked["url"]) as conn:
            train(conn, datetime.fromisoformat(asked["now"]))
    except Exception as error:
        traceback.print_exc()
        # The last line is what the page says.
        raise SystemExit(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}") from None


if __name__ == "__main__":
    main()
