"""What was said of hours and of answers, against what came since."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import psycopg

from yutang.predict.accuracy import accuracy, bernoulli
from yutang.predict.reach import reading
from yutang.predict.reach.answers import Sent
from yutang.predict.reach.hours import DAYS, HOURS, WINDOW
from yutang.predict.reading import said_of
from yutang.segment.moment import Moment, instant


def hours(conn: psycopg.Connection, zone: str, now: datetime, since: int, until: int) -> dict[str, Any] | None:
    """Of the visits on the days since <= day < until, the share that fell into the three hours told of that day of the week, or else of all.
    None where nobody came who was told one."""
    begin, end = (instant(int(at)) for at in Moment(now, zone).starts(np.array([since, until])))
    some = reading.joined(list(reading.parts(conn, begin, end, zone)))
    person, (day, hour) = some.visits.person, np.divmod(some.visits.slot, HOURS)
    first = said_of(conn, "best_hour", some.ids)[person]
    for n in range(DAYS):
        own = said_of(conn, f"best_hour:{n + 1}", some.ids)[person]
        first = np.where((day == n) & ~np.isnan(own), own, first)
    told = ~np.isnan(first)
    if not told.any():
        return None
    hit = (hour - first)[told] % HOURS < WINDOW
    people = len(np.unique(person[told]))
    return {"people": people, "visits": len(hit), "in_window": float(hit.mean()), "days": until - since}


def answers(conn: psycopg.Connection, model: Any, now: datetime) -> dict[str, Any] | None:
    """Of the touches sent since the training and at least 72 hours ago, how many answers were told and how many came. None where nothing was
    sent on a channel of which anything was known."""
    sent = reading.sent(conn, model.trained_at, now)
    chance = _chance(conn, sent, model.parameters.get("rates"))
    known = ~np.isnan(chance)
    if not known.any():
        return None
    predicted, real = chance[known], sent.answered[known].astype(float)
    found = msgspec.to_builtins(accuracy(predicted, real, bernoulli))
    return found | {
        "people": len(np.unique(sent.person[known])),
        "touches": int(known.sum()),
        "predicted": float(predicted.sum()),
        "real": float(real.sum()),
    }


def _chance(conn: psycopg.Connection, sent: Sent, rates: dict[str, list[Any]] | None) -> np.ndarray:
    """What `decide` takes for the probability of each answer: the person's own on the channel, by what the class is beside all classes; where
    there is none, the rate of the class, else of the channel. nan for a channel of which nothing was known."""
    known = (
        dict(zip(zip(rates["channels"], rates["classes"], strict=True), rates["rates"], strict=True)) if rates else {}
    )
    whole = np.array([known.get((channel, "*"), np.nan) for channel in sent.channels])
    kind = np.array(
        [[known.get((one, kind), known.get((one, "*"), np.nan)) for kind in sent.kinds] for one in sent.channels]
    ).reshape(len(sent.channels), len(sent.kinds))
    ids, who = np.unique(sent.person, return_inverse=True)
    chance = kind[sent.channel, sent.kind]
    for c, channel in enumerate(sent.channels):
        own = said_of(conn, f"reach:{channel}", ids)[who] * chance / whole[c]
        chance = np.where((sent.channel == c) & ~np.isnan(own), own, chance)
    return np.minimum(chance, 1.0)
