"""Whom a journey of a plan would find now: segments that are not in service yet are asked by their rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import psycopg

from yutang.plan.parts import Bodies
from yutang.segment import language
from yutang.segment.matching import everybody


def audience(conn: psycopg.Connection, now: datetime, rule: dict[str, Any] | None, bodies: Bodies) -> np.ndarray:
    """The ids of the people for whom the rule holds, ascending; of everybody where there is none."""
    parsed = language.And(()) if rule is None else language.from_json(_by_rules(rule, bodies))
    return np.sort(np.concatenate([people[holds] for people, holds in everybody(conn, parsed, now, {})]))


def _by_rules(rule: Any, bodies: Bodies) -> Any:
    """The rule with the rule of each segment in its place."""
    if isinstance(rule, list):
        return [_by_rules(part, bodies) for part in rule]
    if not isinstance(rule, dict):
        return rule
    if rule.keys() == {"segment"} and ("segment", rule["segment"]) in bodies:
        return _by_rules(bodies["segment", rule["segment"]]["rule"], bodies)
    return {key: _by_rules(item, bodies) for key, item in rule.items()}
