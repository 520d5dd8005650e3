"""The two models of reach: at which hour, and on which channel. Each becomes an outcome of the training like any other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import psycopg

from yutang.predict.backtest import Missing
from yutang.predict.reach import reading
from yutang.predict.reach.answers import Person, Rates, Sent, trial
from yutang.predict.reach.hours import DAYS, WINDOW, Pond
from yutang.predict.reach.timing import Season, hours_of, season
from yutang.predict.tasks import Outcome
from yutang.segment.moment import Moment, instant

HOUR, REACH = "best_hour", "reach"


def learned(conn: psycopg.Connection, now: datetime, zone: str) -> list[Outcome]:
    """When people are there by their own past before today, and how likely they answer on each channel."""
    return [_hour(conn, now, zone), _reach(reading.sent(conn, now - reading.PAST, now).telling())]


def _abstained(name: str, missing: Missing) -> Outcome:
    return Outcome(name, "abstained", {"missing": {"zh": missing.zh, "en": missing.en}})


def _hour(conn: psycopg.Connection, now: datetime, zone: str) -> Outcome:
    """Some of the people are judged on, and tell the pond's hours; everybody with hours enough is told their own."""
    moment = Moment(now, zone)
    until = instant(int(moment.starts(np.array([moment.today]))[0]))
    rest = reading.parts(conn, until - reading.PAST, until, zone)
    read = [next(rest)]
    while sum(len(one.ids) for one in read) < reading.MOST_PEOPLE and (more := next(rest, None)) is not None:
        read.append(more)
    sample = reading.joined(read)
    found = season(sample.visits, moment.today)
    if isinstance(found, Missing):
        return _abstained(HOUR, found)
    metrics = msgspec.to_builtins(found)
    if found.chosen == found.baseline:
        return Outcome(HOUR, "refused", metrics)
    way, strength = found.best
    pond = Pond.of(sample.visits, moment.today, way)
    told = [_told(some, pond, found) for some in (sample, *rest)]
    ids = np.concatenate([ids for ids, _ in told])
    first = np.cumsum([0, *(len(ids) for ids, _ in told)])
    names = [HOUR, *(f"{HOUR}:{day}" for day in range(1, DAYS + 1))]
    predictions = {
        name: (
            np.concatenate([at + hours[n][0] for at, (_, hours) in zip(first, told, strict=False)]),
            np.concatenate([hours[n][1] for _, hours in told]),
        )
        for n, name in enumerate(names)
    }
    parameters = {"chosen": way.name, "strength": strength, "window_hours": WINDOW}
    return Outcome(HOUR, "serving", metrics | {"people_told": len(predictions[HOUR][0])}, parameters, predictions, ids)


def _told(some: reading.Some, pond: Pond, found: Season) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    return some.ids, hours_of(some.visits, pond, *found.best)


def _reach(sent: Sent) -> Outcome:
    """Rates by channel and class are kept in any case; a person has a chance of their own only where such were better told."""
    found = trial(sent)
    if isinstance(found, Missing):
        return _abstained(REACH, found)
    metrics, rates = msgspec.to_builtins(found), Rates.of(sent)
    kept = {"rates": rates_of(sent, rates)}
    if found.chosen != "person":
        return Outcome(REACH, "refused", metrics, kept)
    people = Person.of(sent, rates)
    ids, index = np.unique(people.person, return_inverse=True)
    chance = people.chance(rates)
    predictions = {
        f"{REACH}:{name}": (index[people.channel == c], chance[people.channel == c])
        for c, name in enumerate(sent.channels)
    }
    most = np.zeros(len(ids))
    np.maximum.at(most, index, chance)
    predictions[REACH] = (np.arange(len(ids)), most)
    told = {name: one for name, one in predictions.items() if len(one[0])}
    return Outcome(REACH, "serving", metrics | {"people_told": len(ids)}, kept, told, ids)


def rates_of(sent: Sent, rates: Rates) -> dict[str, list[Any]]:
    """The rows of `reach_rate`, as columns; a channel on which nothing of a class was sent has that of all classes."""
    found: list[tuple[str, str, float, int]] = [("*", "*", rates.all, len(sent))]
    for c, channel in enumerate(sent.channels):
        on = sent.channel == c
        if not on.any():
            continue
        found.append((channel, "*", float(rates.channel[c]), int(on.sum())))
        for k, kind in enumerate(sent.kinds):
            n = int((on & (sent.kind == k)).sum())
            found += [(channel, kind, float(rates.kind[c, k]), n)] if n else []
    return {name: [row[n] for row in found] for n, name in enumerate(("channels", "classes", "rates", "touches"))}
