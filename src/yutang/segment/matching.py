"""Whom a rule holds for, now: what journeys ask at their branches, and when the clock begins them."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import psycopg

from yutang import definitions
from yutang.model import Only
from yutang.segment.evaluate import evaluate
from yutang.segment.language import Rule, conditions
from yutang.segment.load import load
from yutang.segment.moment import Moment


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
