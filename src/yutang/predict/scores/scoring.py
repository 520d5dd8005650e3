"""All three scores: learned from some of the pond, then told of everybody, a part of the people at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import psycopg
from scipy.special import expit

from yutang.model import EVERYBODY
from yutang.predict.scores import coupons, people
from yutang.predict.scores.features import REDEEM, matrix
from yutang.predict.scores.people import CHURN_90D, LEAD_30D, Score, View
from yutang.predict.scores.reading import Pond, parts, read, some
from yutang.predict.scores.rounds import Scored
from yutang.predict.tasks import Outcome

PARTS = 8
"""Of more people than are learned from, so many parts are read one after the other."""
SCORES: dict[str, Score] = {one.name: one for one in (CHURN_90D, LEAD_30D)}
Told = tuple[str, np.ndarray, np.ndarray]
"""(score, person ids, chances)."""


def learned(conn: psycopg.Connection, today: int, zone: str) -> list[Outcome]:
    """Train the scores on the business days before `today`, and score everybody of whom they are asked."""
    only = some(conn)
    pond = read(conn, today, zone, only)
    found = [*(people.learn(pond, one) for one in SCORES.values()), coupons.learn(pond)]
    serving = [one for one in found if one.model is not None]
    ponds: Iterator[Pond] = (
        iter([pond]) if only == EVERYBODY else (read(conn, today, zone, part) for part in parts(PARTS) if serving)
    )
    told = [said for one in ponds for said in tell(one, serving)]
    return [_outcome(one, told) for one in found]


def tell(pond: Pond, serving: list[Scored]) -> Iterator[Told]:
    """What the scores say of the people of a pond on the day `pond.until`."""
    for one in serving:
        assert one.model is not None
        who, seen = _asked(pond, one)
        if len(who):
            yield one.name, pond.ids[who], expit(one.model.odds(seen))


def _asked(pond: Pond, one: Scored) -> tuple[np.ndarray, np.ndarray]:
    """(indexes of people, what the model sees of them)."""
    if one.name in SCORES:
        return View(pond, SCORES[one.name], pond.until).matrix()
    everybody = pond.seen(np.arange(len(pond.ids)), pond.until)
    who = np.flatnonzero((everybody.days("ordered") > 0) | (everybody.days("given") > 0))
    return who, matrix(REDEEM, coupons.next_one(pond, who, one.parameters["lately"]))


def _outcome(one: Scored, told: list[Told]) -> Outcome:
    mine = [(ids, values) for name, ids, values in told if name == one.name]
    if not mine:
        return Outcome(one.name, one.state, one.metrics, one.parameters)
    ids, values = (np.concatenate(column) for column in zip(*mine, strict=True))
    index = np.arange(len(ids))
    return Outcome(one.name, one.state, one.metrics, one.parameters, {one.name: (index, values)}, ids)
