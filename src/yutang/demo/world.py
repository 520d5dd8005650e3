"""The demo's world after its first part: further days pass when somebody at the console asks for them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import structlog

from yutang.brand import load_brand, shipped
from yutang.db.connect import connect
from yutang.demo import database, run
from yutang.demo.database import Installation
from yutang.model import YutangError

log = structlog.get_logger()
KEPT = 56
"""Days that the demo keeps for whoever looks at it: time enough for a journey to show what it does."""
MOST = 30
"""Days that may be asked for at once."""


class Passing(NamedTuple):
    """Days that pass just now: so many of so many."""

    gone: int
    asked: int


class World:
    """A demo's pond, its clock, and the days that are left. The days pass in a thread, one request after the other.

    beside: what else there is to look at: words in both languages, and an address.
    """

    def __init__(
        self, app: Installation, brand: str, url: str, beside: Sequence[tuple[dict[str, str], str]] = ()
    ) -> None:
        self.beside = tuple(beside)
        self.url, self._vault, self._brand = url, app.vault, load_brand(shipped()[brand])
        self._feed = run.feed_of(self._brand, every=1)
        self._last = self._feed.first + timedelta(days=self._feed.days - 1)
        self._now = database.last_instant(url)
        self._lock, self._closed, self._passing = threading.Lock(), threading.Event(), None
        self._caught_up = False
        self._thread: threading.Thread | None = None

    def now(self) -> datetime:
        """What the clocks of this world show."""
        return self._now

    @property
    def today(self) -> date:
        """The last day that was lived through."""
        return self._now.astimezone(ZoneInfo(self._brand.pond["time_zone"])).date()

    @property
    def left(self) -> int:
        """Days that may still pass."""
        return (self._last - self.today).days

    @property
    def passing(self) -> Passing | None:
        """How far what was asked for is; None: time stands still."""
        return self._passing

    def go(self, days: int) -> None:
        """Let days pass. Raises YutangError when some pass already, or none is left."""
        with self._lock:
            if self._passing is not None:
                raise YutangError("日子正在过，请稍等。 days are passing already; wait a moment")
            if not 1 <= days <= MOST or not self.left:
                raise YutangError(
                    f"还剩 {self.left} 天，一次最多 {MOST} 天。 {self.left} days are left, {MOST} at once"
                )
            self._passing = Passing(0, min(days, self.left))
            self._thread = threading.Thread(target=self._pass, args=(self._passing.asked,), name="world", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Finish the day that passes, and begin no other."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _pass(self, days: int) -> None:
        try:
            with connect(self.url) as conn:
                if not self._caught_up:
                    run.catch_up(conn, self._feed, self.today + timedelta(days=1))
                    self._caught_up = True
                for number in range(days):
                    if self._closed.is_set():
                        return
                    day = self.today + timedelta(days=1)
                    run.live(conn, self._vault, self._brand, self._feed, lambda _: None, day, day)
                    self._now = datetime.combine(day, time.max, ZoneInfo(self._brand.pond["time_zone"]))
                    self._passing = Passing(number + 1, days)
        except Exception:
            log.exception("演示的日子停住了。 the demo's days have stopped")
        finally:
            self._passing = None


def first_part(brand: str) -> date:
    """The day on which a demo stops that keeps some days for whoever looks at it."""
    feed = run.feed_of(load_brand(shipped()[run.available(brand)]), every=1)
    return feed.first + timedelta(days=feed.days - 1 - KEPT)
