"""What a candidate may look at: everything before a day, and how far ahead it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from yutang.predict.histories import Histories, Ledger


@dataclass(frozen=True)
class Past:
    """The order days before the day `end`, for predictions of the `days` days from `end` on. Whatever is fitted on it is fitted once.

    The ledger may hold later days: no candidate looks at them, `real` and `spent` do.
    """

    ledger: Ledger
    end: int
    days: int
    kept: dict[Any, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def _known(self) -> tuple[np.ndarray, Histories]:
        return self.ledger.known(self.end)

    @property
    def people(self) -> np.ndarray:
        """Indexes of everybody who had ordered by then."""
        return self._known[0]

    @property
    def of(self) -> Histories:
        return self._known[1]

    def once(self, what: Callable[[Past], Any]) -> Any:
        """`what` of this past, reckoned the first time it is asked."""
        if what not in self.kept:
            self.kept[what] = what(self)
        return self.kept[what]

    def fitted(self, fit: Callable[[Histories], Any]) -> Any:
        """A model of the histories, fitted the first time it is asked."""
        if fit not in self.kept:
            self.kept[fit] = fit(self.of)
        return self.kept[fit]

    def counted(self, since: int, until: int) -> np.ndarray:
        """Order days of these people in a window."""
        return self.ledger.counts(self.people, since, until)

    def spent(self, since: int, until: int) -> np.ndarray:
        """Fen of these people in a window; a window of refunds alone is worth nothing."""
        return np.maximum(self.ledger.sums(self.people, since, until), 0.0)

    def earlier(self, end: int, days: int | None = None) -> Past:
        """The same people's past as it was on an earlier day, asked for another window if need be."""
        key = (end, days or self.days)
        if key == (self.end, self.days):
            return self
        if key not in self.kept:
            self.kept[key] = Past(self.ledger, *key)
        return self.kept[key]
