"""Which of a few people a rule holds for, now: what journeys ask at their branches."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import psycopg

from yutang import definitions
from yutang.segment.evaluate import evaluate
from yutang.segment.language import Rule, conditions
from yutang.segment.load import load
from yutang.segment.moment import Moment


def matching(conn: psycopg.Connection, rule: Rule, now: datetime, persons: list[int]) -> set[int]:
    """Those of `persons` for whom the rule holds."""
    moment = Moment(now, definitions.pond(conn)["time_zone"])
    pond = load(conn, moment, conditions(rule), people=np.unique(np.array(persons, np.int64)))
    return set(pond.people[evaluate(rule, pond, {}, {}).holds].tolist())
