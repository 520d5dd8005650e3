"""What is foretold on the days of a replay: models are trained again from what was known by then, and never see what came later."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg

from yutang.model import Only
from yutang.predict.train import Learned, learn, serve
from yutang.replay.copying import live
from yutang.segment.operators import PREDICTED_DAYS, PREDICTIONS

EVERY = timedelta(days=28)
"""How often the models are trained in a replay. The live pond does it every day; here each day would cost as much as a day there."""
OF_WORTH = ("reach", "margin_90d", "value_90d")
"""What the expected value of a touch is reckoned from."""


def asked(bodies: Iterable[dict[str, Any]]) -> frozenset[str]:
    """The predictions that these definitions may ask for."""
    said = msgspec.json.encode(list(bodies)).decode()
    names = {name for name in (*PREDICTIONS, *PREDICTED_DAYS) if f'"{name}"' in said}
    if '"value_expected":true' in said:
        names |= set(OF_WORTH)
    if '"best":true' in said:
        names.add("best_hour")
    return frozenset(names)


@dataclass
class Oracle:
    """The trainings of a replay, each made once, on the whole live pond, for all hands. hands: how many come for each of them."""

    url: str
    names: frozenset[str]
    hands: int
    _made: dict[datetime, tuple[Learned, int]] = field(default_factory=dict, init=False)
    _one_by_one: threading.Lock = field(default_factory=threading.Lock, init=False)

    def learned(self, now: datetime) -> Learned:
        """What was known at this instant says; given away once the last hand has come for it."""
        with self._one_by_one:
            if now in self._made:
                found, left = self._made.pop(now)
            else:
                with live(self.url) as pond:
                    found, left = learn(pond, now, self.names), self.hands
            if left > 1:
                self._made[now] = found, left - 1
            return found


@dataclass
class Foretelling:
    """One hand's part of it: it is told of the people in `parts`. at: when it is due next; None where nobody asks."""

    oracle: Oracle | None = None
    parts: list[Only] = field(default_factory=list)
    at: datetime | None = None

    @classmethod
    def of(cls, oracle: Oracle, parts: list[Only], since: datetime) -> Foretelling:
        return cls(oracle, parts, since) if oracle.names else cls()

    def tell(self, conn: psycopg.Connection, now: datetime) -> bool:
        """Train and keep what is said, if it is time; returns whether it was. Segments read it in their next pass."""
        if self.oracle is None or self.at is None or now < self.at:
            return False
        found = self.oracle.learned(now)
        with conn.transaction():
            serve(conn, now, found, among=self.parts)
        self.at = now + EVERY
        return True
