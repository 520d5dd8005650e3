"""What a demo brand's world looks like to the demo: days, and the events that each of them brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import psycopg

from yutang.channels.sandbox.send import Script


@dataclass(frozen=True, order=True)
class Happened:
    """One event: when, and its text (JSON) as it comes to the door."""

    at: datetime
    text: bytes


class Feed(Protocol):
    """A world that is fed day by day. `script` says how people answer messages."""

    first: date
    days: int
    script: Script

    def day(self, conn: psycopg.Connection, day: date) -> list[Happened]:
        """The events of one business day, in order of time. Days are asked for once each, in order; `conn` shows what the
        brand did so far (people react to coupons)."""
        ...

    def goods(self) -> Iterator[dict[str, Any]]:
        """What is sold, as the catalogue takes it."""
        ...


@dataclass(frozen=True)
class Passed:
    """How far a run is: after `day`, the `number`-th of `days`."""

    day: date
    number: int
    days: int
    events: int
    touches: int


Watch = Callable[[Passed], None]
