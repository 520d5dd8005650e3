"""Several hands: people do not depend on each other, so each hand plays the lives of some buckets in a scratch schema of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime

import psycopg

from yutang.model import Only
from yutang.replay.copying import PORTION, portions
from yutang.replay.run import Run, Watch
from yutang.replay.scratch import Scratch, scratch

MOST = 4
ENOUGH = 40_000
"""Facts that are worth a hand."""
Play = Callable[[psycopg.Connection, list[Only], Watch], Run]
"""Plays the lives of some buckets in an empty pond, and tells how far it is."""


class Stopped(Exception):
    """Another hand has failed, or somebody wants no more."""


def shared_out(buckets: list[Only], facts: float, alone: bool) -> list[list[Only]]:
    """The buckets of each hand, in portions. alone: one hand, because people draw on something that can run out."""
    hands = 1 if alone else max(1, min(MOST, os.cpu_count() or 1, int(facts // ENOUGH)))
    parts = portions(buckets, max(facts, hands * PORTION))
    return [parts[n::hands] for n in range(min(hands, len(parts)))]


@contextmanager
def played(url: str, shares: list[list[Only]], play: Play, watch: Watch) -> Iterator[list[Run]]:
    """The runs of all hands when they have ended; their schemas stay for as long as the block runs."""
    with ExitStack() as stack:
        ponds = [stack.enter_context(scratch(url)) for _ in shares]
        yield [play(ponds[0].conn, shares[0], watch)] if len(shares) == 1 else _together(ponds, shares, play, watch)


def _together(ponds: list[Scratch], shares: list[list[Only]], play: Play, watch: Watch) -> list[Run]:
    stopping, telling, behind = threading.Event(), threading.Lock(), [0.0] * len(shares)

    def tell_of(hand: int) -> Watch:
        def tell(now: datetime, share: float) -> None:
            if stopping.is_set():
                raise Stopped
            with telling:
                behind[hand] = share
                watch(now, sum(behind) / len(behind))

        return tell

    with ThreadPoolExecutor(len(shares)) as pool:
        jobs = [
            pool.submit(play, pond.conn, mine, tell_of(n))
            for n, (pond, mine) in enumerate(zip(ponds, shares, strict=True))
        ]
        try:
            return [job.result() for job in jobs]
        except BaseException:
            stopping.set()
            for pond in ponds:
                pond.conn.cancel()
            raise
