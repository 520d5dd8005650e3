"""Who enters a journey, and what began their run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from yutang import segment
from yutang.db.cursor import Window
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.journey import leave, waits
from yutang.journey.run import Run, is_service
from yutang.segment import language

sql = Queries(__package__)


class Candidate(NamedTuple):
    """Somebody who may enter. `cause` names what began the run (``event:7``), so that it begins once; `about`: what that said."""

    person_id: int
    cause: str
    about: dict[str, Any]


def begin(run: Run) -> int:
    """Journeys seen for the first time take in those who are in the trigger's segment already."""
    fresh = {row.id for row in sql.unstarted(run.conn, journeys=[d.definition_id for d in run.current])}
    if not fresh:
        return 0
    with run.conn.transaction():
        entered = sum(
            enrol(run, d, sql.members(run.conn, run.only, segment=segment_of(run, d)))
            for d in run.current
            if d.definition_id in fresh and d.body["trigger"].get("when") == "entered"
        )
        if run.only.persons is None:
            sql.started(run.conn, journeys=sorted(fresh), now=run.now)
        return entered


def follow_events(run: Run, w: Window) -> int:
    """Events end runs, answer those who wait for them, and begin new runs; in this order, so that one event does not begin
    and end the same run."""
    return sum(
        (
            leave.by_events(run, w),
            leave.by_rule(run, w, "person_event"),
            waits.follow_answers(run, w),
            *(_happened(run, d, w) for d in run.current),
        )
    )


def _happened(run: Run, d: Definition, w: Window) -> int:
    trigger = d.body["trigger"]
    window = {"low": w.low, "high": w.high, "oldest": run.now - timedelta(days=d.body["max_age_days"])}
    if "event" in trigger:
        where = Jsonb(trigger["where"])
        return enrol(run, d, sql.happened(run.conn, run.only, types=trigger["event"], where=where, **window))
    if "near" in trigger:
        near = trigger["near"]
        return enrol(
            run, d, sql.came_near(run.conn, run.only, within=near["within_m"], **run.stores(near["store"]), **window)
        )
    return 0


def follow_segments(run: Run, w: Window) -> int:
    """Entering or leaving a segment begins runs, and leaving ends those that say so."""
    ended = leave.by_segment(run, w) + leave.by_rule(run, w, "membership")
    return ended + sum(_crossed(run, d, w) for d in run.current)


def _crossed(run: Run, d: Definition, w: Window) -> int:
    """Who has crossed the border of the trigger's segment in its direction."""
    if "segment" not in d.body["trigger"]:
        return 0
    crossed = sql.entered_segment if d.body["trigger"]["when"] == "entered" else sql.left_segment
    return enrol(run, d, crossed(run.conn, run.only, segment=segment_of(run, d), low=w.low, high=w.high))


def enrol(run: Run, d: Definition, candidates: Iterable[Any]) -> int:
    """Enter those `candidates` (see `Candidate`) who belong to the audience and may enter (again); returns how many did."""
    return admit(run, d, _audience(run, d, list(candidates)))


def admit(run: Run, d: Definition, chosen: Sequence[Any]) -> int:
    """Enter those of the audience who may enter (again)."""
    if not chosen:
        return 0
    rule = d.body["reentry"]
    return sql.enrol(
        run.conn,
        journey=d.definition_id,
        version=d.version,
        now=run.now,
        due=run.due(d.body["program"][0]),
        once=rule == "never",
        alone=rule != "each_time",
        since=_since(run.now, rule),
        persons=[row.person_id for row in chosen],
        causes=[row.cause for row in chosen],
        abouts=[Jsonb(row.about) for row in chosen],
        share=_share(d, d.body["holdout_percent"]),
        global_share=_share(d, run.pond["holdout_percent"]),
    ).rowcount


def _since(now: datetime, rule: Any) -> datetime | None:
    return now - timedelta(days=rule["after_days"]) if isinstance(rule, dict) else None


def _share(d: Definition, percent: float) -> int:
    """A holdout in hundredths of a percent; nobody is held out of a service."""
    return 0 if is_service(d) else round(percent * 100)


def _audience(run: Run, d: Definition, candidates: Sequence[Any]) -> Sequence[Any]:
    rule = d.body["audience"]
    if rule is None or not candidates:
        return candidates
    inside = segment.matching(run.conn, language.from_json(rule), run.now, [row.person_id for row in candidates])
    return [row for row in candidates if row.person_id in inside]


def segment_of(run: Run, d: Definition) -> int:
    """The id of the trigger's segment; -1, which nobody is in, when it is out of service."""
    found = run.named("segment", d.body["trigger"]["segment"])
    return found.definition_id if found else -1
