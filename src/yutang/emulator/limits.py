"""Too many calls: per path and minute or hour, with the punishment that follows, and too many at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from yutang.emulator.errors import CityError

if TYPE_CHECKING:
    from yutang.emulator.city import City

MINUTE, HOUR = 60, 3600
MARK_TAG = "cgi-bin/externalcontact/mark_tag"


class Limits:
    """What was called when. `most` keeps the highest count of any minute per path, for tests of clients."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, int, int]] = Counter()
        self.shut_until: dict[tuple[str, str], float] = {}
        self.in_flight: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def count(self, city: City, owner: str, path: str) -> None:
        """One more call of an owner (corp or app id). Raises CityError 45009."""
        now, rate = city.now().timestamp(), city.settings.rate
        if path in city.faults.rate_limited or "*" in city.faults.rate_limited:
            raise CityError(45009)
        if self.shut_until.get((owner, path), 0) > now:
            self.refused[path] += 1
            raise CityError(45009)
        for span, most, block in (
            (MINUTE, rate.per_api_min, rate.block_min_s),
            (HOUR, rate.per_api_hour, rate.block_hour_s),
        ):
            self._window(owner, path, span, int(now) // span)
            if most and self.counts[(owner, path, span, int(now) // span)] > most:
                self.shut_until[(owner, path)] = now + block
                self.refused[path] += 1
                raise CityError(45009)

    def _window(self, owner: str, path: str, span: int, window: int) -> None:
        key = (owner, path, span, window)
        self.counts[key] += 1
        self.counts.pop((owner, path, span, window - 2), None)
        if span == MINUTE:
            self.most[path] = max(self.most[path], self.counts[key])

    def enter(self, city: City, path: str) -> None:
        """A call begins. Raises CityError 45033; `leave` follows in any case."""
        self.in_flight[path] += 1
        self.most_at_once[path] = max(self.most_at_once[path], self.in_flight[path])
        if path == MARK_TAG and 0 < city.settings.rate.concurrent_mark_tag < self.in_flight[path]:
            raise CityError(45033)

    def leave(self, path: str) -> None:
        self.in_flight[path] -= 1
