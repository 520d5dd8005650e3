"""What the models are, how well they did in the back-test and since, and of what nothing can be said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from yutang.predict.reading import sql
from yutang.predict.tasks import NAMES
from yutang.predict.words import NOTES, TITLES, UNITS, verdict
from yutang.why.chain import Words

PASSED = 400
"""Drift figures that are shown, over all models."""


@dataclass(frozen=True)
class Drift:
    """How a version did in the days since <= day < until after its training; what is in metrics depends on the model."""

    version: int
    at: datetime
    since: date
    until: date
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """A model as it stands. metrics: the back-test (see `backtest.Contest`, `punctual.Race`), or what is missing."""

    name: str
    title: Words
    unit: Words
    version: int
    trained_at: datetime
    since: date | None
    until: date
    state: str
    verdict: Words
    metrics: dict[str, Any]
    parameters: dict[str, Any]
    drift: list[Drift]
    note: Words | None = None


@dataclass(frozen=True)
class Report:
    """models: empty when nothing was trained yet."""

    at: datetime
    models: list[Trained]


def report(conn: psycopg.Connection, now: datetime) -> Report:
    """The models that stand now, each with what became of its predictions and those of the versions before it."""
    passed: dict[str, list[Drift]] = {}
    for row in sql.drifts(conn, limit=PASSED):
        passed.setdefault(row.name, []).append(Drift(row.version, row.at, row.since, row.until, row.metrics))
    rows = sorted(sql.serving(conn).fetchall(), key=lambda row: NAMES.index(row.name))
    return Report(now, [_trained(row, passed.get(row.name, [])) for row in rows])


def _trained(row: Any, passed: list[Drift]) -> Trained:
    return Trained(
        row.name,
        TITLES[row.name],
        UNITS[row.name],
        row.version,
        row.trained_at,
        row.since,
        row.until,
        row.state,
        verdict(row.state, row.metrics),
        row.metrics,
        row.parameters,
        passed,
        NOTES.get(row.name),
    )
