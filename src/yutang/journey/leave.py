"""Who leaves a journey before its end, and why."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from yutang import segment
from yutang.db.cursor import Window
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.journey.run import Run
from yutang.model import BUCKETS, Only, Reason
from yutang.segment import language

sql = Queries(__package__)

SLICE = 128
"""Buckets looked at together where a question is asked about many people."""


def retire(run: Run) -> int:
    """Whoever is on a journey that was taken out of service leaves it."""
    return sql.retire(run.conn, run.only, journeys=[d.definition_id for d in run.current], now=run.now).rowcount


def by_events(run: Run, w: Window) -> int:
    """The goal is reached, or something happened that the journey is to end on."""
    return sum(
        sql.ended_by_event(
            run.conn, run.only, **_of(d), state=state, reason=reason, type=event["event"], where=Jsonb(event["where"]),
            low=w.low, high=w.high, now=run.now,
        ).rowcount
        for d in run.live
        for state, reason, event in _endings(d)
    )  # fmt: skip


def _endings(d: Definition) -> list[tuple[str, Reason, dict[str, Any]]]:
    goal = [("done", Reason.GOAL_MET, d.body["goal"])] if d.body["goal"] else []
    return [*goal, *(("exited", Reason.EXIT_EVENT, event) for event in d.body["exit_on"])]


def by_segment(run: Run, w: Window) -> int:
    """Leaving the segment that began a run ends it, where the journey says so."""
    return sum(
        sql.left(
            run.conn, run.only, **_of(d), segment=found.definition_id, low=w.low, high=w.high, now=run.now
        ).rowcount
        for d in run.live
        if d.body["exit_on_leave"] and (found := run.named("segment", d.body["trigger"]["segment"]))
    )


def by_rule(run: Run, w: Window, table: str) -> int:
    """The exit rule, asked about those of whom `table` tells something new."""
    return sum(
        _ask(run, d, sql.runs_with_news(run.conn, run.only, **_of(d), table=table, low=w.low, high=w.high).fetchall())
        for d in run.live
        if d.body["exit_when"]
    )


def due(run: Run) -> int:
    """The exit rule, asked about everybody whose time has come, before they walk on: time alone may have made it true."""
    asked = [d for d in run.live if d.body["exit_when"]]
    if not asked:
        return 0
    with run.conn.transaction():
        return sum(
            _ask(run, d, sql.runs_due(run.conn, part, **_of(d), now=run.now).fetchall())
            for d in asked
            for part in slices(run.only)
        )


def slices(only: Only) -> list[Only]:
    """The same people, some buckets at a time."""
    if only.persons is not None:
        return [only]
    return [Only(lo, min(lo + SLICE - 1, only.hi)) for lo in range(only.lo, min(only.hi + 1, BUCKETS), SLICE)]


def _ask(run: Run, d: Definition, runs: list[Any]) -> int:
    if not runs:
        return 0
    rule = language.from_json(d.body["exit_when"])
    out = segment.matching(run.conn, rule, run.now, [row.person_id for row in runs])
    leaving = [row for row in runs if row.person_id in out]
    return sql.leave(
        run.conn, journey=d.definition_id, now=run.now, reason=Reason.EXIT_RULE,
        persons=[row.person_id for row in leaving], causes=[row.cause for row in leaving],
    ).rowcount if leaving else 0  # fmt: skip


def _of(d: Definition) -> dict[str, int]:
    return {"journey": d.definition_id, "version": d.version}
