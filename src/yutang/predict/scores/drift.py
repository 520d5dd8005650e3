"""What the scores had said of the days that have passed since, against what happened.

They speak of 90 and of 30 days, and mostly fewer have passed: a chance is cut to those days as if the orders were spread evenly over all of them
(a constant hazard per person). What is said of coupons is cut to the age that each has reached, by the ages at which others were used.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import psycopg

from yutang.predict.accuracy import accuracy, bernoulli
from yutang.predict.histories import Ledger
from yutang.predict.reading import said_of
from yutang.predict.scores import reading
from yutang.predict.scores.reading import Coupons

DAYS = {"churn_90d": 90, "lead_30d": 30}


def judge(
    name: str, persons: np.ndarray, said: np.ndarray, ledger: Ledger, ids: np.ndarray, since: int, until: int
) -> dict[str, Any] | None:
    """The figures of one score over the days since <= day < until; what is predicted and real are people who ordered. None where nobody
    can be judged. persons: the ids of whom it spoke; ids: the person behind each index of the ledger."""
    if not len(persons):
        return None
    whole, days = DAYS[name], min(until - since, DAYS[name])
    stays = 1 - said if name == "lead_30d" else said
    predicted = 1 - np.clip(stays, 0, 1) ** (days / whole)
    came = ids[np.unique(ledger.person[ledger.between(since, since + days)])] if len(ids) else ids
    return _figures(predicted, np.isin(persons, came), days)


def of_coupons(conn: psycopg.Connection, zone: str, since: int, until: int) -> dict[str, Any] | None:
    """Of everybody's first coupon given on the days since <= day < until: how many were said to be used by now, and how many were. None where
    nobody of whom it spoke was given one."""
    coupons = reading.coupons(conn, until, zone, reading.some(conn))
    given = np.flatnonzero(coupons.issued >= since)
    given = given[np.argsort(coupons.issued[given], kind="stable")]
    ids, first = np.unique(coupons.person[given], return_index=True)
    said = said_of(conn, "p_redeem", ids)
    told = ~np.isnan(said)
    if not told.any():
        return None
    next_ones = given[first[told]]
    return _figures(said[told] * by_now(coupons, next_ones, until), coupons.in_time[next_ones], until - since)


def by_now(coupons: Coupons, rows: np.ndarray, until: int) -> np.ndarray:
    """What part of these coupons' uses has happened before the day `until`: of the coupons that have ended and were used, those that were used by the
    same part of their days."""
    days = coupons.end - coupons.issued + 1
    over = coupons.in_time & (coupons.end < until)
    ages = np.sort(((coupons.used - coupons.issued + 1) / days)[over])
    part = np.minimum((until - coupons.issued[rows]) / days[rows], 1.0)
    return np.searchsorted(ages, part, side="right") / len(ages) if len(ages) else part


def _figures(predicted: np.ndarray, came: np.ndarray, days: int) -> dict[str, Any]:
    found = msgspec.to_builtins(accuracy(predicted, came.astype(float), bernoulli))
    return found | {"predicted": float(predicted.sum()), "real": float(came.sum()), "days": days}
