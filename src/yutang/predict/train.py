"""The training job: read the order days once, let the candidates compete, serve the best, keep what was seen and said."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from yutang import definitions
from yutang.db.copy import copy_in
from yutang.predict import drift
from yutang.predict.histories import Ledger
from yutang.predict.reading import by_category, sql
from yutang.predict.reading import ledger as read
from yutang.predict.report import Report, report
from yutang.predict.tasks import Outcome, learned
from yutang.segment.moment import Moment, day_of
from yutang.segment.operators import PREDICTED_DAYS, PREDICTIONS


def train(conn: psycopg.Connection, now: datetime) -> Report:
    """Train all models on the business days before today and replace all predictions. The same data give the same figures.

    The reckoning holds no transaction open, as that would hold up whoever reads news; what it found is written in one.
    """
    pond = definitions.pond(conn)
    today = Moment(now, pond["time_zone"]).today
    ledger, ids = read(conn, today)
    outcomes = learned(ledger, today, pond["margin_percent"], by_category(conn, today, ids))
    with conn.transaction():
        sql.one_at_a_time(conn)
        drift.keep(conn, now, ledger, ids, today)
        _serve(conn, now, outcomes, [_keep(conn, now, one, ledger, today) for one in outcomes], ids)
    return report(conn, now)


def _keep(conn: psycopg.Connection, now: datetime, one: Outcome, ledger: Ledger, today: int) -> int:
    """A new version of a model in place of the last one; returns its id."""
    sql.retire(conn, name=one.name)
    since = day_of(ledger.day.min()) if len(ledger.day) else None
    row = sql.keep_model(
        conn, name=one.name, now=now, since=since, until=day_of(today), state=one.state, metrics=Jsonb(one.metrics), parameters=Jsonb(one.parameters)
    ).fetchone()  # fmt: skip
    assert row is not None
    return row.model_id


def _serve(
    conn: psycopg.Connection, now: datetime, outcomes: list[Outcome], models: list[int], ids: np.ndarray
) -> None:
    """All predictions, replaced as a set."""
    said = [
        (name, model, people, values)
        for one, model in zip(outcomes, models, strict=True)
        for name, (people, values) in one.predictions.items()
    ]
    sql.make_predicted(conn)
    for which, (_, _, people, values) in enumerate(said, 1):
        if len(people):
            micro = np.rint(values * drift.MICRO).astype(np.int64)
            copy_in(
                conn,
                "predicted",
                {"person_id": ("int8", ids[people]), "which": ("int2", which), "micro": ("int8", micro)},
            )
    sql.index_predicted(conn)
    sql.analyze_predicted(conn)
    sql.replace(
        conn,
        now=now,
        names=[name for name, *_ in said],
        models=[model for _, model, *_ in said],
        all=[*PREDICTIONS, *PREDICTED_DAYS],
    )
