"""What the last models had said of the days that have passed since, against what happened.

A model speaks of 90 days, and less has mostly passed: what it said of each person is cut to the days that have passed in the
proportion in which the closed form, with the parameters of that day, cuts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from yutang.predict import tasks
from yutang.predict.accuracy import accuracy, bernoulli, deviance
from yutang.predict.dropout import Model
from yutang.predict.histories import Histories, Ledger
from yutang.predict.past import Past
from yutang.predict.products import train as products
from yutang.predict.reach import drift as reach
from yutang.predict.reading import said, said_of, sql
from yutang.predict.rhythm import REACH
from yutang.predict.scores import drift as scores
from yutang.segment.moment import day_number, day_of


@dataclass(frozen=True)
class Since:
    """What a training knows of the days that have passed, of which the last one knew nothing. today: the business day on which it begins; ledger,
    ids: the order days, and the person behind each index."""

    zone: str
    today: int
    ledger: Ledger
    ids: np.ndarray
    goods: products.Goods


@dataclass(frozen=True)
class Passed:
    """A serving model, the days that have passed since it was trained (since <= day < until), and what it had said of whom."""

    model: Any
    since: int
    until: int
    people: np.ndarray
    values: np.ndarray


def keep(conn: psycopg.Connection, now: datetime, known: Since) -> None:
    """Store how every model that speaks did; one that was trained today has nothing to be judged by."""
    for model in sql.serving(conn).fetchall():
        since = day_number(model.until)
        until = min(known.today, since + tasks.DAYS)
        if until > since and (found := _judged(conn, now, known, model, since, until)):
            sql.keep_drift(
                conn, model=model.model_id, now=now, since=day_of(since), until=day_of(until), metrics=Jsonb(found)
            )


def _judged(
    conn: psycopg.Connection, now: datetime, known: Since, model: Any, since: int, until: int
) -> dict[str, Any] | None:
    """The figures of one model; None where nothing can be held against it."""
    if model.name == "reach":  # its rates by channel are asked for even where no person has a chance of their own
        return reach.answers(conn, model, now)
    if model.state != "serving":
        return None
    if model.name == "best_hour":
        return reach.hours(conn, known.zone, now, since, until)
    if model.name == "products":
        return products.drift(conn, known.goods, since, until)
    if model.name == "p_redeem":
        return scores.of_coupons(conn, known.zone, since, until)
    if model.name in scores.DAYS:
        return scores.judge(model.name, *said(conn, model.name), known.ledger, known.ids, since, until)
    values = said_of(conn, model.name, known.ids)
    people = np.flatnonzero(~np.isnan(values))
    return judge(Passed(model, since, until, people, values[people]), known.ledger)


def judge(passed: Passed, ledger: Ledger) -> dict[str, Any] | None:
    """The figures of one model; None where nobody can be judged."""
    if passed.model.name == "next_order_day":
        return _hits(passed, ledger)
    days = passed.until - passed.since
    past = Past(ledger, passed.since, days)
    both, mine, theirs = np.intersect1d(passed.people, past.people, return_indices=True)
    if not len(both):
        return None
    of = Histories(past.of.repeats[theirs], past.of.last[theirs], past.of.span[theirs])
    closed = Model(**passed.model.parameters["closed"], shift=1, log_likelihood=0.0, evaluations=0)
    said = passed.values[mine] * cut(passed.model.name, closed, of, days)
    unit = tasks.YUAN if passed.model.name == "value_90d" else 1
    real = _real(passed.model.name, past)[theirs] / unit
    loss = bernoulli if passed.model.name == "p_order_90d" else deviance
    found = msgspec.to_builtins(accuracy(said / unit, real, loss))
    return found | {"predicted": float(said.sum()) / unit, "real": float(real.sum()), "days": days}


def cut(name: str, closed: Model, of: Histories, days: int) -> np.ndarray:
    """What part of a prediction for `tasks.DAYS` days falls into the first `days` of them, for each."""
    if name == "p_order_90d":
        whole, part = (_returning(closed, of, span) for span in (tasks.DAYS, days))
    else:
        whole, part = (closed.expected(of, span) for span in (tasks.DAYS, days))
    return np.where(whole > 0, part / np.maximum(whole, 1e-300), days / tasks.DAYS)


def _returning(closed: Model, of: Histories, days: int) -> np.ndarray:
    return 1 - ((closed.alpha + of.span) / (closed.alpha + of.span + days)) ** (closed.r + of.repeats)


def _real(name: str, past: Past) -> np.ndarray:
    return {"p_order_90d": tasks.came_back, "value_90d": tasks.spent}.get(name, tasks.ordered)(past)


def _hits(passed: Passed, ledger: Ledger) -> dict[str, Any] | None:
    """Of the days told that lie behind us, with the days around them: how many saw an order."""
    due = (passed.values >= passed.since) & (passed.values + REACH < passed.until)
    if not due.any():
        return None
    people, days = passed.people[due], passed.values[due].astype(np.int64)
    wide = int(ledger.day.max()) + 2 * REACH + 2
    rows = ledger.person * wide + ledger.day
    first = np.maximum(days - REACH, passed.since)
    begin, end = (np.searchsorted(rows, people * wide + day) for day in (first, days + REACH + 1))
    return {"people": int(due.sum()), "near": float(np.mean(end > begin)), "days": passed.until - passed.since}
