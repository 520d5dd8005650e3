"""What `decide` looks up beside predictions: how often touches are answered, and what one that reaches is worth for a journey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from yutang import definitions
from yutang.predict.reach.reading import sql
from yutang.predict.reach.worth import Measured, per_reach
from yutang.predict.tasks import Outcome
from yutang.why.chain import Words
from yutang.why.words import title_of

NO_RATES: dict[str, list[Any]] = {"channels": [], "classes": [], "rates": [], "touches": []}


@dataclass(frozen=True)
class Worth:
    """A journey that asks what its touches are expected to bring. declared: fen of a touch that reaches, by its file; fen: by its
    experiment, None while that has shown nothing; difference, low, high: net margin per treated person (fen); reaches: answers per
    treated person; mean_fen: what a person of the pond brings in 90 days, None while that is not foretold."""

    journey: str
    title: Words
    declared: int
    fen: float | None
    difference: float | None
    low: float | None
    high: float | None
    people: int | None
    reaches: float
    mean_fen: float | None
    at: datetime


def keep(conn: psycopg.Connection, now: datetime, reached: Sequence[Outcome], measured: Sequence[Measured]) -> None:
    """What a training has found of channels and journeys, once its predictions are kept."""
    rates = next((one.parameters["rates"] for one in reached if "rates" in one.parameters), NO_RATES)
    sql.replace_rates(conn, now=now, **rates)
    keep_worths(conn, now, measured)


def asking(conn: psycopg.Connection) -> dict[int, str]:
    """The journeys in service that ask what a touch is expected to bring: id → name."""
    found = definitions.all_current(conn, "journey")
    return {d.definition_id: d.name for d in found if d.body.get("value_expected")}


def keep_worths(conn: psycopg.Connection, now: datetime, measured: Sequence[Measured]) -> None:
    """Replace what touches of the journeys that ask are worth; `measured`: of those that have an experiment. After the predictions."""
    told = {one.journey_id: one for one in measured}
    rows = []
    for journey in asking(conn):
        reaches, one = _reaches(conn, journey), told.get(journey)
        shown = (one.difference, one.low, one.high, one.people) if one else (None, None, None, None)
        rows.append((journey, one and per_reach(one, reaches), *shown, reaches))
    names = ("journeys", "fens", "differences", "lows", "highs", "people", "reaches")
    mean = sql.mean_value(conn).fetchone()
    sql.replace_worths(
        conn, now=now, mean=mean and mean.fen, **{name: [row[n] for row in rows] for n, name in enumerate(names)}
    )


def _reaches(conn: psycopg.Connection, journey: int) -> float:
    row = sql.reaches(conn, journey=journey).fetchone()
    return float(row.reaches) if row else 0.0


def worths(conn: psycopg.Connection) -> list[Worth]:
    """What was kept, by journey."""
    return [
        Worth(row.name, title_of({"title": row.title}, row.name), int(row.declared or 0), row.fen, row.difference, row.low, row.high,
              row.people, row.reaches or 0.0, row.mean_fen, row.at)
        for row in sql.worths(conn)
    ]  # fmt: skip


@dataclass(frozen=True)
class Rate:
    """How often touches of a class on a channel are answered; '*' stands for all."""

    channel: str
    kind: str
    rate: float
    touches: int


def rates(conn: psycopg.Connection) -> list[Rate]:
    """What was kept, by channel."""
    return [Rate(row.channel, row.kind, row.rate, row.touches) for row in sql.rates(conn)]
