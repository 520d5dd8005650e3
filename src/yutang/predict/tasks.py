"""What is trained, one after the other: each gives a model's state, its figures and its predictions, or says what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np

from yutang.predict import boosted
from yutang.predict.backtest import Contest, Missing, Task, contest, windows
from yutang.predict.candidates import ORDERS, RETURNS, Candidate, basket, worth
from yutang.predict.dropout import mbg_nbd
from yutang.predict.histories import Ledger
from yutang.predict.past import Past
from yutang.predict.punctual import last_rows, race, rhythm_of
from yutang.predict.rhythm import CLOCKS, LEAST_GAPS, Gaps

DAYS = 90
"""How far ahead predictions look."""
YUAN = 100


@dataclass(frozen=True)
class Outcome:
    """One model. state: serving, refused or abstained; predictions: name → (indexes of people, values)."""

    name: str
    state: str
    metrics: dict[str, Any]
    parameters: dict[str, Any] = field(default_factory=dict)
    predictions: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    ids: np.ndarray | None = None
    """The person behind each index, where it is not that of the order days."""


def ordered(past: Past) -> np.ndarray:
    return past.counted(past.end, past.end + past.days)


def came_back(past: Past) -> np.ndarray:
    return (ordered(past) > 0).astype(float)


def spent(past: Past) -> np.ndarray:
    return past.spent(past.end, past.end + past.days)


ORDERS_90D = Task("orders_90d", ORDERS, ordered, "deviance")
P_ORDER_90D = Task("p_order_90d", RETURNS, came_back, "deviance", chance=True)
NAMES = (
    "orders_90d",
    "p_order_90d",
    "value_90d",
    "next_order_day",
    "churn_90d",
    "lead_30d",
    "p_redeem",
    "best_hour",
    "reach",
    "products",
)
"""The models, in the order in which they are trained and shown."""


def learned(
    ledger: Ledger,
    today: int,
    margin_percent: float | None,
    categories: Mapping[str, tuple[Ledger, np.ndarray]] | None = None,
) -> list[Outcome]:
    """Train everything on the order days before `today`; `categories`: of each its order days, and the index of its people in `ledger`."""
    rounds = windows(ledger, today, DAYS)
    clock = _clocks(ledger, today, categories or {})
    if isinstance(rounds, Missing):
        return [_abstained(name, rounds) for name in NAMES[:3]] + [clock]
    now = Past(ledger, today, DAYS)
    found = contest(ORDERS_90D, rounds)
    orders = _orders(found, now)
    by = _named(ORDERS, found.chosen).predict
    return [orders, _returns(contest(P_ORDER_90D, rounds), now), _value(by, rounds, now, margin_percent), clock]


def _abstained(name: str, missing: Missing) -> Outcome:
    return Outcome(name, "abstained", {"missing": {"zh": missing.zh, "en": missing.en}})


def _named(candidates: tuple[Candidate, ...], name: str) -> Candidate:
    return next(one for one in candidates if one.name == name)


def _orders(found: Contest, now: Past) -> Outcome:
    return _served(found, now, ORDERS, lambda values: {"orders_90d": values})


def _returns(found: Contest, now: Past) -> Outcome:
    """Whether somebody is still there is told only where knowing it has helped to tell who comes back."""
    if found.chosen == found.baseline:
        return _served(found, now, RETURNS, lambda values: {"p_order_90d": values})
    alive = now.fitted(mbg_nbd).alive(now.of)
    return _served(found, now, RETURNS, lambda values: {"p_order_90d": values, "p_alive": alive})


def _value(by: Callable[[Past], np.ndarray], rounds: list[Past], now: Past, margin_percent: float | None) -> Outcome:
    """In fen; and the same in margin where the pond says what part of an order that is."""
    candidates = worth(by)
    found = contest(Task("value_90d", candidates, spent, "rmse", unit=YUAN), rounds)

    def told(values: np.ndarray) -> dict[str, np.ndarray]:
        return {"value_90d": values} | (
            {"margin_90d": values * margin_percent / 100} if margin_percent is not None else {}
        )

    more = {"basket": now.once(basket).parameters} if found.chosen == "gamma_gamma" else {}
    return _served(found, now, candidates, told, more)


def _served(
    found: Contest,
    now: Past,
    candidates: tuple[Candidate, ...],
    told: Callable[[np.ndarray], Mapping[str, np.ndarray]],
    more: Mapping[str, Any] | None = None,
) -> Outcome:
    """Fit the chosen one on everything. Where saying nothing at all was best, nothing is said."""
    metrics = msgspec.to_builtins(found)
    if found.chosen == candidates[0].name and found.chosen in ("nobody", "nothing"):
        return Outcome(found.task, "refused", metrics)
    values = np.maximum(_named(candidates, found.chosen).predict(now), 0.0)
    parameters = {"chosen": found.chosen, "closed": now.fitted(mbg_nbd).parameters} | dict(more or {})
    if _named(candidates, found.chosen).extra:
        parameters |= {"trees": boosted.TREES, "settings": boosted.SETTINGS}
    return Outcome(
        found.task, "serving", metrics, parameters, {name: (now.people, one) for name, one in told(values).items()}
    )


def _clocks(ledger: Ledger, today: int, categories: Mapping[str, tuple[Ledger, np.ndarray]]) -> Outcome:
    """The clock of all orders, and of each category that has days enough: it has a contest of its own."""
    whole = _clock(ledger, today)
    metrics, predictions = dict(whole.metrics), dict(whole.predictions)
    for category, (its, people) in categories.items():
        one = _clock(its, today)
        metrics.setdefault("categories", {})[category] = {"state": one.state} | one.metrics
        for name, (index, days) in one.predictions.items():
            predictions[f"{name}:{category}"] = (people[index], days)
    return replace(whole, metrics=metrics, predictions=predictions)


def _clock(ledger: Ledger, today: int) -> Outcome:
    """Who has no rhythm yet, or has been away for longer than the longest gap, is told no day."""
    found = race(ledger, today, DAYS)
    if isinstance(found, Missing):
        return _abstained("next_order_day", found)
    everybody = rhythm_of(ledger, today)
    rows = last_rows(ledger, today)
    gaps = Gaps.at(ledger, rows)
    rhythmic, here = gaps.known >= LEAST_GAPS, today - ledger.day[rows] <= DAYS
    metrics = msgspec.to_builtins(found) | {
        "told": int((rhythmic & here).sum()), "without_rhythm": int((~rhythmic).sum()), "away": int((rhythmic & ~here).sum()),
    }  # fmt: skip
    if found.chosen == found.baseline:
        return Outcome("next_order_day", "refused", metrics)
    rows, gaps = rows[rhythmic & here], gaps.of(rhythmic & here)
    told = next(clock for clock in CLOCKS if clock.name == found.chosen).predict(gaps, everybody, DAYS)
    days = ledger.day[rows] + np.maximum(np.rint(told), 1)
    parameters = {"chosen": found.chosen, "everybody": everybody.parameters}
    return Outcome("next_order_day", "serving", metrics, parameters, {"next_order_day": (ledger.person[rows], days)})
