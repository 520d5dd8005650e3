"""Whom a rule holds for, now: what journeys ask at their branches, and when the clock begins them; and everybody, before a rule is saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain

import numpy as np
import psycopg

from yutang import definitions
from yutang.model import Only
from yutang.segment.answer import Answer
from yutang.segment.evaluate import evaluate
from yutang.segment.language import Rule, conditions
from yutang.segment.load import load
from yutang.segment.moment import Moment
from yutang.segment.slices import slices


def matching(conn: psycopg.Connection, rule: Rule, now: datetime, persons: list[int]) -> set[int]:
    """Those of `persons` for whom the rule holds."""
    moment = Moment(now, definitions.pond(conn)["time_zone"])
    pond = load(conn, moment, conditions(rule), people=np.unique(np.array(persons, np.int64)))
    return set(pond.people[evaluate(rule, pond, {}, {}).holds].tolist())


def holding(conn: psycopg.Connection, rule: Rule, now: datetime, only: Only) -> list[int]:
    """Everybody in `only` for whom the rule holds."""
    moment = Moment(now, definitions.pond(conn)["time_zone"])
    pond = load(conn, moment, conditions(rule), only)
    return pond.people[evaluate(rule, pond, {}, {}).holds].tolist()


def everybody(
    conn: psycopg.Connection, rule: Rule, now: datetime, drafted: Mapping[str, Rule]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Part by part: the ids of the people, and for which of them the rule holds.

    drafted: segments that the rule names as they would be, each after those that it names itself.
    """
    moment = Moment(now, definitions.pond(conn)["time_zone"])
    asked = list(chain.from_iterable(map(conditions, [*drafted.values(), rule])))
    for part in slices(conn):
        pond, fresh = load(conn, moment, asked, part), dict[str, Answer]()
        for name, other in drafted.items():
            fresh[name] = evaluate(other, pond, fresh, {})
        yield pond.people, evaluate(rule, pond, fresh, {}).holds
