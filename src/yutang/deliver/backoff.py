"""When to try again: five waits that grow, moved a little per letter so that a batch that failed together does not return together."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b

WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6))
MOST_TRIES = len(WAITS) + 1
SPREAD = 0.2


def wait(tries: int, touch_id: int) -> timedelta | None:
    """How long to wait after the `tries`-th try (from 1) failed; up to a fifth longer than `WAITS`. None: give up."""
    if tries >= MOST_TRIES:
        return None
    return WAITS[tries - 1] * (1 + SPREAD * _part(tries, touch_id))


def _part(tries: int, touch_id: int) -> float:
    """A number in [0, 1) that belongs to this try of this letter."""
    digest = blake2b(f"{touch_id}/{tries}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32
