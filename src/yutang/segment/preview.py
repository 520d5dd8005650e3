"""How many people a rule would hold for, before it is saved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import psycopg

from yutang import definitions
from yutang.segment.evaluate import evaluate
from yutang.segment.language import Rule, conditions
from yutang.segment.load import load
from yutang.segment.moment import Moment

SAMPLE = 10


def preview(conn: psycopg.Connection, rule: Rule, now: datetime) -> dict[str, Any]:
    """``{"size": people it holds for, "of": people in the pond, "sample": [person ids, spread evenly]}``."""
    moment = Moment(now, definitions.pond(conn)["time_zone"])
    pond = load(conn, moment, conditions(rule))
    found = pond.people[evaluate(rule, pond, {}, {}).holds]
    spread = found[np.unique(np.linspace(0, len(found) - 1, min(SAMPLE, len(found))).astype(int))]
    return {"size": len(found), "of": len(pond.people), "sample": spread.tolist()}
