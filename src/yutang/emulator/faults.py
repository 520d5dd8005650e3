"""What can go wrong, as switches. Rates are shares between 0 and 1; everything is off until it is switched on."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Faults:
    """The troubles of the city.

    Callbacks: lost, duplicate, reordered (held back two seconds), forged (a wrong signature), misdirected (another receiver).
    Answers: slow_answers_s (each answer takes that long), busy_rate (errcode -1), bad_gateway_rate (HTTP 502),
    lost_answers (the call takes effect and the answer is a 502), rate_limited (paths that answer 45009, or ``*``),
    moving_pages (a page begins with the last row of the one before, and the last page is empty).
    People: never_tap (staff who never confirm tasks), block_rate (customers who delete the staff member on a mass message),
    refuse_rate (customers who refuse a takeover).
    """

    lost_callbacks: float = 0
    duplicate_callbacks: float = 0
    reordered_callbacks: float = 0
    forged_callbacks: float = 0
    misdirected_callbacks: float = 0
    slow_answers_s: float = 0
    busy_rate: float = 0
    bad_gateway_rate: float = 0
    lost_answers: float = 0
    rate_limited: set[str] = field(default_factory=set)
    moving_pages: bool = False
    never_tap: set[str] = field(default_factory=set)
    block_rate: float = 0
    refuse_rate: float = 0

    @staticmethod
    def everyday() -> Faults:
        """The small troubles of any real day."""
        return Faults(
            lost_callbacks=0.005, duplicate_callbacks=0.02, reordered_callbacks=0.02, busy_rate=0.005, moving_pages=True
        )
