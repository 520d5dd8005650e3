"""How many people a rule would hold for, before it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import psycopg

from yutang.segment.language import Rule, order, references
from yutang.segment.matching import everybody

SAMPLE = 10


def preview(
    conn: psycopg.Connection, rule: Rule, now: datetime, drafted: Mapping[str, Rule] | None = None
) -> dict[str, Any]:
    """``{"size": people it holds for, "of": people in the pond, "sample": [person ids, spread evenly]}``.

    drafted: segments as they would be, for a rule that names them; any other is taken as it is in service.
    """
    parts = [(people[holds], len(people)) for people, holds in everybody(conn, rule, now, _below(rule, drafted or {}))]
    found, of = np.sort(np.concatenate([ids for ids, _ in parts])), sum(size for _, size in parts)
    spread = found[np.unique(np.linspace(0, len(found) - 1, min(SAMPLE, len(found))).astype(int))]
    return {"size": len(found), "of": of, "sample": spread.tolist()}


def _below(rule: Rule, drafted: Mapping[str, Rule]) -> dict[str, Rule]:
    """The drafted segments that a rule names, directly or through others; each after those it names."""
    found: dict[str, Rule] = {}
    todo = [rule]
    while todo:
        for kind, name, _ in references(todo.pop()):
            if kind == "segment" and name in drafted and name not in found:
                found[name] = drafted[name]
                todo.append(found[name])
    return {name: found[name] for name in order(found)}
