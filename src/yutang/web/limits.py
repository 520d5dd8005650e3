"""How often the same thing may be asked for from outside, where no key guards it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

MOST_KEYS = 10_000
"""Beyond this many, the one that was quiet for longest is forgotten."""


class Limit:
    """At most `most` times within `per`, for each key; in the memory of this process."""

    def __init__(self, most: int, per: timedelta) -> None:
        self.most, self.per = most, per
        self._seen: OrderedDict[str, tuple[datetime, int]] = OrderedDict()
        self._lock = threading.Lock()

    def reached(self, key: str, now: datetime) -> bool:
        """Would this be one too many? Not counted."""
        with self._lock:
            since, n = self._seen.get(key, (now, 0))
            return n >= self.most and timedelta() <= now - since < self.per

    def allows(self, key: str, now: datetime) -> bool:
        """Count this time; False when it is one too many."""
        with self._lock:
            since, n = self._seen.pop(key, (now, 0))
            since, n = (now, 1) if now - since >= self.per or now < since else (since, n + 1)
            self._seen[key] = since, n
            while len(self._seen) > MOST_KEYS:
                self._seen.popitem(last=False)
            return n <= self.most

    def since(self, key: str) -> datetime | None:
        """When its count began; None where there is none."""
        with self._lock:
            return self._seen.get(key, (None, 0))[0]

    def forget(self, key: str) -> None:
        """It may be asked for as if it never was."""
        with self._lock:
            self._seen.pop(key, None)

    def give_back(self, key: str) -> None:
        """One that was counted is not to count."""
        with self._lock:
            if key in self._seen:
                since, n = self._seen[key]
                self._seen[key] = since, max(0, n - 1)
