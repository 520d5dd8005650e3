"""Who enters a journey and who leaves it before its end."""

from __future__ import annotations

from datetime import timedelta

from psycopg.types.json import Jsonb

from yutang import segment
from yutang.db.cursor import Window
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.journey.run import Run, is_service
from yutang.segment import language

sql = Queries(__package__)


def begin(run: Run) -> int:
    """Journeys seen for the first time take in those who are in the trigger's segment already."""
    fresh = {row.id for row in sql.unstarted(run.conn, journeys=[d.definition_id for d in run.current])}
    begun = [d for d in run.current if d.definition_id in fresh]
    entered = sum(
        _enrol(run, d, sql.members(run.conn, run.only, segment=_segment(run, d)).fetchall())
        for d in begun
        if _by_segment(d)
    )
    if begun and run.only.persons is None:
        sql.started(run.conn, journeys=sorted(fresh), now=run.now)
    return entered


def retire(run: Run) -> int:
    """Whoever is on a journey that was taken out of service leaves it."""
    return sql.retire(run.conn, run.only, journeys=[d.definition_id for d in run.current], now=run.now).rowcount


def follow_merges(run: Run, w: Window) -> int:
    """Runs of people who were merged away end."""
    return sql.merged_away(run.conn, low=w.low, high=w.high, now=run.now).rowcount


def follow_events(run: Run, w: Window) -> int:
    """Events end runs (goal), answer those who wait for them, and begin new runs; in this order, so that one event does
    not begin and end the same run."""
    return sum(
        (
            *(_goals(run, d, w) for d in run.live),
            *(_answers(run, d, w) for d in run.live),
            *(_happened(run, d, w) for d in run.current),
        )
    )


def _goals(run: Run, d: Definition, w: Window) -> int:
    goal = d.body["goal"]
    if goal is None:
        return 0
    where = Jsonb(goal["where"])
    return sql.goal(
        run.conn, run.only, **_of(d), type=goal["event"], where=where, low=w.low, high=w.high, now=run.now
    ).rowcount


def _answers(run: Run, d: Definition, w: Window) -> int:
    program, moved = d.body["program"], 0
    for n, line in enumerate(program):
        if line["do"] == "wait_for":
            moved += sql.answered(
                run.conn, run.only, **_of(d), step=n, next=line["yes"], due=run.due(program[line["yes"]]),
                type=line["event"], where=Jsonb(line["where"]), low=w.low, high=w.high, now=run.now,
            ).rowcount  # fmt: skip
    return moved


def _happened(run: Run, d: Definition, w: Window) -> int:
    trigger = d.body["trigger"]
    if _by_segment(d):
        return 0
    oldest = run.now - timedelta(days=d.body["max_age_days"])
    where = Jsonb(trigger["where"])
    rows = sql.happened(run.conn, run.only, type=trigger["event"], where=where, oldest=oldest, low=w.low, high=w.high)
    return _enrol(run, d, rows.fetchall())


def follow_segments(run: Run, w: Window) -> int:
    """Entering a segment begins runs, leaving it ends those that say so."""
    left = sum(
        sql.left(run.conn, run.only, **_of(d), segment=_segment(run, d), low=w.low, high=w.high, now=run.now).rowcount
        for d in run.live
        if d.body["exit_on_leave"]
    )
    entered = sum(
        _enrol(
            run, d, sql.entered_segment(run.conn, run.only, segment=_segment(run, d), low=w.low, high=w.high).fetchall()
        )
        for d in run.current
        if _by_segment(d)
    )
    return left + entered


def _enrol(run: Run, d: Definition, candidates: list) -> int:
    """Enter those who belong to the audience and may enter (again)."""
    candidates = _audience(run, d, candidates)
    if not candidates:
        return 0
    days = d.body["reentry_days"]
    return sql.enrol(
        run.conn,
        **_of(d),
        now=run.now,
        due=run.due(d.body["program"][0]),
        once=days is None,
        since=run.now - timedelta(days=days) if days else None,
        persons=[row.person_id for row in candidates],
        causes=[row.cause for row in candidates],
        share=_share(d, d.body["holdout_percent"]),
        global_share=_share(d, run.pond["holdout_percent"]),
    ).rowcount


def _share(d: Definition, percent: float) -> int:
    """A holdout in hundredths of a percent; nobody is held out of a service."""
    return 0 if is_service(d) else round(percent * 100)


def _audience(run: Run, d: Definition, candidates: list) -> list:
    rule = d.body["audience"]
    if rule is None or not candidates:
        return candidates
    inside = segment.matching(run.conn, language.from_json(rule), run.now, [row.person_id for row in candidates])
    return [row for row in candidates if row.person_id in inside]


def _by_segment(d: Definition) -> bool:
    return "segment" in d.body["trigger"]


def _segment(run: Run, d: Definition) -> int:
    """The id of the trigger's segment; -1, which nobody is in, when it is out of service."""
    found = run.named("segment", d.body["trigger"]["segment"])
    return found.definition_id if found else -1


def _of(d: Definition) -> dict[str, int]:
    return {"journey": d.definition_id, "version": d.version}
