"""Runs follow what began them: whoever was joined goes on as the other, whoever was parted takes their own along, and what was begun by an
event that is taken back ends."""

from __future__ import annotations

from typing import Any

from yutang.db.cursor import Window
from yutang.db.queries import Queries
from yutang.journey.run import Run

sql = Queries(__package__)


def follow_merges(run: Run, w: Window) -> int:
    """Runs go home, then those go on that had only ended for another's sake. Returns how many rows were changed."""
    news = {"low": w.low, "high": w.high, "now": run.now}
    return sql.go_home(run.conn, **news, **_rules(run)).fetchone().n + sql.go_on(run.conn, **news).fetchone().n


def follow_undone(run: Run, w: Window) -> int:
    """Runs end whose event was taken back with its import."""
    return sql.taken_back(run.conn, run.only, low=w.low, high=w.high, now=run.now).rowcount


def _rules(run: Run) -> dict[str, list[Any]]:
    """How often each journey may be walked: once ever, or once in so many days."""
    rules = [(d, d.body["reentry"]) for d in run.live]
    return {
        "journeys": [d.definition_id for d, _ in rules],
        "versions": [d.version for d, _ in rules],
        "onces": [rule == "never" for _, rule in rules],
        "days": [rule["after_days"] if isinstance(rule, dict) else 0 for _, rule in rules],
    }
