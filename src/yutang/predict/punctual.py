"""How well clocks tell the next order day: after each order of a window that has passed, against when the next one came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from yutang.predict.backtest import Missing
from yutang.predict.histories import Ledger
from yutang.predict.rhythm import CENTRAL, CLOCKS, LEAST_GAPS, REACH, Gaps, Pool, pool, shrunken

LEAST_ORDERS = 200
"""Orders after which a clock is asked, to say anything."""
MOST_ORDERS = 200_000


@dataclass(frozen=True)
class Punctuality:
    """mae: mean absolute error in days, later than the longest gap counted as that; near, week: shares of all orders that came within 3 and
    within 7 days of the day told."""

    orders: int
    mae: float
    near: float
    week: float


@dataclass(frozen=True)
class Timed:
    """How one clock did."""

    name: str
    zh: str
    en: str
    baseline: bool
    punctuality: Punctuality


@dataclass(frozen=True)
class Race:
    """The outcome. covered: the share of next gaps inside the 80% interval of the log-normal; lapsed: the share that never came."""

    results: list[Timed]
    chosen: str
    baseline: str
    refused: list[str]
    covered: float
    lapsed: float


def race(ledger: Ledger, today: int, days: int) -> Race | Missing:
    """Ask every clock after the orders of the window before the last `days` days; gaps longer than `days` count as that."""
    rows = np.flatnonzero(ledger.between(today - 2 * days, today - days))
    rows = rows[:: max(1, len(rows) // MOST_ORDERS)]
    gaps = Gaps.at(ledger, rows)
    enough = gaps.known >= LEAST_GAPS
    if enough.sum() < LEAST_ORDERS:
        lack = LEAST_ORDERS - int(enough.sum())
        return Missing(f"还缺 {lack} 个有 {LEAST_GAPS} 次以上间隔的订单日", f"{lack} more order days with {LEAST_GAPS} gaps before them are needed")  # fmt: skip
    rows, gaps = rows[enough], gaps.of(enough)
    real = following(ledger, rows, days)
    everybody = rhythm_of(ledger, today - 2 * days)
    results = [
        Timed(
            clock.name,
            clock.zh,
            clock.en,
            clock.baseline,
            punctuality(clock.predict(gaps, everybody, days), real, days),
        )
        for clock in CLOCKS
    ]
    chosen, baseline, refused = _choose(results)
    return Race(results, chosen, baseline, refused, _covered(gaps, everybody, real, days), float(np.mean(real > days)))


def rhythm_of(ledger: Ledger, end: int) -> Pool:
    """Everybody's rhythm from what was known at the beginning of a day; before there is any, from all."""
    rows = last_rows(ledger, end)
    gaps = Gaps.at(ledger, rows)
    enough = gaps.known >= LEAST_GAPS
    if enough.sum() < LEAST_ORDERS and end <= int(ledger.day.max()):
        return rhythm_of(ledger, int(ledger.day.max()) + 1)
    return pool(gaps.of(enough))


def last_rows(ledger: Ledger, end: int) -> np.ndarray:
    """The row of each person's last order day before `end`."""
    rows = np.flatnonzero(ledger.day < end)
    if not len(rows):
        return rows
    person = ledger.person[rows]
    return rows[np.r_[np.diff(person) != 0, True]]


def following(ledger: Ledger, rows: np.ndarray, days: int) -> np.ndarray:
    """Days from each row to the same person's next order day; days + 1 where none came within `days`."""
    after = np.minimum(rows + 1, len(ledger.day) - 1)
    same = (rows + 1 < len(ledger.day)) & (ledger.person[after] == ledger.person[rows])
    return np.where(same, np.minimum(ledger.day[after] - ledger.day[rows], days + 1), days + 1).astype(float)


def punctuality(told: np.ndarray, real: np.ndarray, days: int) -> Punctuality:
    """Who never came is no hit, whatever was told."""
    error = np.abs(np.minimum(told, days) - np.minimum(real, days))
    came = real <= days
    return Punctuality(
        len(real), float(error.mean()), float(np.mean(came & (error <= REACH))), float(np.mean(came & (error <= 7)))
    )


def _covered(gaps: Gaps, everybody: Pool, real: np.ndarray, days: int) -> float:
    middle, spread = shrunken(gaps, everybody)
    low, high = np.exp(middle - CENTRAL * spread), np.exp(middle + CENTRAL * spread)
    # A day is a whole number, so each end reaches half a day further. Who never came lies inside if the interval goes beyond.
    inside = (real >= low - 0.5) & (real <= high + 0.5)
    return float(np.mean(np.where(real > days, high > days, inside)))


def _choose(results: Sequence[Timed]) -> tuple[str, str, list[str]]:
    """(the clock that hits most often, the best baseline, the clocks that are no better). The mean error is not asked: who tells the
    likeliest week errs more on those who come much later, and it is the week that a reminder needs."""
    baseline = max((one for one in results if one.baseline), key=lambda one: one.punctuality.near)
    others = [one for one in results if not one.baseline]
    better = [
        one for one in others
        if one.punctuality.near > baseline.punctuality.near and one.punctuality.week >= baseline.punctuality.week
    ]  # fmt: skip
    chosen = max(better, key=lambda one: one.punctuality.near, default=baseline)
    return chosen.name, baseline.name, [one.name for one in others if one not in better]
