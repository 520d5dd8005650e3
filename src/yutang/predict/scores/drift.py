"""What the scores had said of the days that have passed since, against what happened.

They speak of 90 and of 30 days, and mostly fewer have passed: a chance is cut to those days as if the orders were spread evenly over all of them
(a constant hazard per person). The score of coupons is not held against single days: its back-test is new at each training.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from yutang.predict.accuracy import accuracy, bernoulli
from yutang.predict.histories import Ledger

DAYS = {"churn_90d": 90, "lead_30d": 30}


def judge(
    name: str, persons: np.ndarray, said: np.ndarray, ledger: Ledger, ids: np.ndarray, since: int, until: int
) -> dict[str, Any] | None:
    """The figures of one score over the days since <= day < until; what is predicted and real are people who ordered. None where nobody
    can be judged. persons: the ids of whom it spoke; ids: the person behind each index of the ledger."""
    if name not in DAYS or not len(persons):
        return None
    whole, days = DAYS[name], min(until - since, DAYS[name])
    stays = 1 - said if name == "lead_30d" else said
    predicted = 1 - np.clip(stays, 0, 1) ** (days / whole)
    came = ids[np.unique(ledger.person[ledger.between(since, since + days)])] if len(ids) else ids
    real = np.isin(persons, came).astype(float)
    found = msgspec.to_builtins(accuracy(predicted, real, bernoulli))
    return found | {"predicted": float(predicted.sum()), "real": float(real.sum()), "days": days}
