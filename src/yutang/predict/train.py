"""The training job: read the order days once, let the candidates compete, serve the best, keep what was seen and said."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from yutang import definitions
from yutang.db.copy import copy_in
from yutang.model import BUCKETS, EVERYBODY, Only
from yutang.predict import drift
from yutang.predict.histories import Ledger
from yutang.predict.products import train as products
from yutang.predict.reach import keeping
from yutang.predict.reach import learning as reach
from yutang.predict.reach.worth import Measured
from yutang.predict.reading import MICRO, by_category, sql
from yutang.predict.reading import ledger as read
from yutang.predict.report import Report, report
from yutang.predict.scores import scoring
from yutang.predict.tasks import Outcome, learned
from yutang.segment.moment import Moment, day_of
from yutang.segment.operators import PREDICTED_DAYS, PREDICTIONS

ORDERS = {"orders_90d", "p_order_90d", "p_alive", "value_90d", "margin_90d", "next_order_day"}
SCORES = {"churn_90d", "lead_30d", "p_redeem"}
REACH = {"best_hour", "reach"}


@dataclass(frozen=True)
class Learned:
    """What a training has found: nothing of it is kept yet. ledger, ids: the order days, and the person behind each index; reached: those
    of `outcomes` that tell of reach; lists: products, where they were asked for."""

    zone: str
    today: int
    ledger: Ledger
    ids: np.ndarray
    outcomes: list[Outcome]
    reached: list[Outcome]
    lists: products.Lists | None


def train(conn: psycopg.Connection, now: datetime, measured: Sequence[Measured] = ()) -> Report:
    """Train all models on the business days before today and replace all predictions. The same data give the same figures.

    What was found is written in one transaction. measured: what experiments have shown of journeys, for what their touches are worth
    (`app.train` asks for it).
    """
    found = learn(conn, now)
    assert found.lists is not None
    with conn.transaction():
        sql.one_at_a_time(conn)
        drift.keep(conn, now, drift.Since(found.zone, found.today, found.ledger, found.ids, found.lists.goods))
        serve(conn, now, found, measured)
        products.keep(conn, found.lists)
    return report(conn, now)


def learn(conn: psycopg.Connection, now: datetime, asked: Collection[str] | None = None) -> Learned:
    """What the days before today teach; `asked`: only the models behind these predictions, and no lists of products. Reads only, and holds
    no transaction open, as that would hold up whoever reads news."""
    pond = definitions.pond(conn)
    zone, today = pond["time_zone"], Moment(now, pond["time_zone"]).today
    ledger, ids = read(conn, today)
    outcomes: list[Outcome] = []
    reached: list[Outcome] = []
    if asked is None or ORDERS & set(asked):
        found = learned(ledger, today, pond["margin_percent"], by_category(conn, today, ids))
        outcomes += [replace(one, ids=ids) for one in found]
    if asked is None or SCORES & set(asked):
        outcomes += scoring.learned(conn, today, zone)
    if asked is None or REACH & set(asked):
        reached = reach.learned(conn, now, zone)
    lists = products.learned(conn, today, pond["recommend"]) if asked is None else None
    return Learned(zone, today, ledger, ids, [*outcomes, *reached, *([lists.outcome] if lists else [])], reached, lists)


def serve(
    conn: psycopg.Connection,
    now: datetime,
    found: Learned,
    measured: Sequence[Measured] = (),
    among: Sequence[Only] = (EVERYBODY,),
) -> None:
    """Put the models and what they say of the people in the buckets of `among` in place of the last ones. Inside a transaction."""
    models = [_keep(conn, now, one, found) for one in found.outcomes]
    _replace(conn, now, found.outcomes, models, among)
    keeping.keep(conn, now, found.reached, measured)


def _keep(conn: psycopg.Connection, now: datetime, one: Outcome, found: Learned) -> int:
    """A new version of a model in place of the last one; returns its id."""
    sql.retire(conn, name=one.name)
    since = day_of(found.ledger.day.min()) if len(found.ledger.day) else None
    row = sql.keep_model(
        conn, name=one.name, now=now, since=since, until=day_of(found.today), state=one.state, metrics=Jsonb(one.metrics), parameters=Jsonb(one.parameters)
    ).fetchone()  # fmt: skip
    assert row is not None
    return row.model_id


def _replace(
    conn: psycopg.Connection, now: datetime, outcomes: list[Outcome], models: list[int], among: Sequence[Only]
) -> None:
    """All predictions, replaced as a set."""
    said = [
        (name, model, one.ids[people], values)
        for one, model in zip(outcomes, models, strict=True)
        for name, (people, values) in one.predictions.items()
        if one.ids is not None
    ]
    here = np.zeros(BUCKETS, bool)
    for part in among:
        here[part.lo : part.hi + 1] = True
    sql.make_predicted(conn)
    for which, (_, _, people, values) in enumerate(said, 1):
        mine = here[people % BUCKETS]
        if mine.any():
            micro = np.rint(values[mine] * MICRO).astype(np.int64)
            columns = {"person_id": ("int8", people[mine]), "which": ("int2", which), "micro": ("int8", micro)}
            copy_in(conn, "predicted", columns)
    sql.index_predicted(conn)
    sql.analyze_predicted(conn)
    sql.replace(
        conn,
        now=now,
        names=[name for name, *_ in said],
        models=[model for _, model, *_ in said],
        all=[*PREDICTIONS, *PREDICTED_DAYS],
    )
