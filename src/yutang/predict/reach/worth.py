"""What a touch that reaches somebody is worth, for each journey that asks for it: from its experiment, where that has shown anything.

`decide` multiplies it for each touch: see `expected_touch` in the schema.
"""

from __future__ import annotations

from dataclasses import dataclass

SIGMAS = 1.96
"""Half a 95% interval, in standard errors."""
LEAST_REACHES = 0.1
"""Fewer answers per treated person than this are no measure of what one of them is worth."""


@dataclass(frozen=True)
class Measured:
    """What an experiment has shown of a journey. difference: net margin per treated person that they would not have brought anyway (fen), with
    its 95% interval for one look; shown: does the interval that is right at every look exclude 0? people: treated, seen to the end of
    their days."""

    journey_id: int
    difference: float
    low: float
    high: float
    shown: bool
    people: int


def shrunk(difference: float, low: float, high: float) -> float:
    """The difference less what luck has added to it: times 1 − (se / difference)², not below 0 times (James-Stein for one estimate).

    What barely clears its interval is thus believed by three quarters, what is four standard errors away by fifteen sixteenths.
    """
    error = (high - low) / 2 / SIGMAS
    return difference * max(0.0, 1 - (error / difference) ** 2) if difference else 0.0


def per_reach(measured: Measured, reaches: float) -> float | None:
    """Fen of one touch that reaches: the shrunk effect per treated person over the answers that a treated person gives (`reaches`).

    None where the experiment has not shown anything, or where hardly anybody answers: then what the journey declares holds.
    """
    if not measured.shown or reaches < LEAST_REACHES:
        return None
    return shrunk(measured.difference, measured.low, measured.high) / reaches
