"""Journeys that the clock begins: each firing time fires once, however often anybody looks and wherever it breaks off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from yutang import definitions, segment
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.journey.enter import Candidate, admit, enrol
from yutang.journey.leave import SLICE
from yutang.journey.run import Run
from yutang.journey.timetable import Timetable, kept_on, next_firing
from yutang.journey.trigger import by_clock
from yutang.model import BUCKETS, Only
from yutang.segment import language

sql = Queries(__package__)


def fire(run: Run) -> int:
    """Let every journey fire whose time has come; returns how many people entered.

    A firing is no matter of single persons, so the fast path leaves it alone.
    """
    if run.only.persons is not None:
        return 0
    timed = {d.definition_id: d for d in run.current if by_clock(d.body)}
    known = {row.journey_id: row for row in sql.schedules(run.conn)}
    if known.keys() - timed.keys():
        sql.unschedule(run.conn, journeys=list(timed))
    return sum(sum(_work_off(run, d)) for n, d in timed.items() if n not in known or not _rests(run, d, known[n]))


def _work_off(run: Run, d: Definition) -> Iterator[int]:
    """One part of a firing after the other, each in a transaction of its own."""
    while True:
        with run.conn.transaction():
            entered = _some(run, d)
        if entered is None:
            return
        yield entered


def _some(run: Run, d: Definition) -> int | None:
    """The next thing to do: to catch up with the clock, or to let some people enter. None when nothing is left."""
    sql.schedule(run.conn, journey=d.definition_id, version=d.version, due=_from(run, d, run.now))
    row = sql.lock_schedule(run.conn, journey=d.definition_id).fetchone()
    if row is None:
        return None
    if not _is_right(run, d, row):
        _mend(run, d, row)
        return 0
    if _rests(run, d, row):
        return None
    if not row.bucket and not _starts(run, d, row.due_at):
        return 0
    entered = _enter(run, d, row.due_at, Only(row.bucket, row.bucket + SLICE - 1))
    sql.fired(run.conn, journey=d.definition_id, fires_at=row.due_at, entered=entered)
    if row.bucket + SLICE < BUCKETS:
        _keep(run, d, row.due_at, row.bucket + SLICE)
    else:
        _keep(run, d, _after(run, d, row.due_at))
    return entered


def _rests(run: Run, d: Definition, row: Any) -> bool:
    """Is there nothing to do before the next firing?"""
    return _is_right(run, d, row) and not row.bucket and (row.due_at is None or row.due_at > run.now)


def _is_right(run: Run, d: Definition, row: Any) -> bool:
    """Does the schedule belong to this version, to the brand's zone, and to a clock that has not been put back? What has begun
    is finished first."""
    return bool(row.bucket) or (row.version == d.version and _fits(run, d, row.due_at))


def _fits(run: Run, d: Definition, due: datetime | None) -> bool:
    """Is that one of the timetable's firings, and none sooner to come?"""
    coming = _after(run, d, run.now)
    if due is None:
        return coming is None
    return (coming is None or due <= coming) and _from(run, d, due) == due


def _mend(run: Run, d: Definition, row: Any) -> None:
    """A new version with the same timetable goes on where the old one was; with another one it begins anew, and what the old
    one has missed is passed over."""
    old = definitions.at_version(run.conn, d.definition_id, row.version)
    if by_clock(old.body) == by_clock(d.body) and _fits(run, d, row.due_at):
        _keep(run, d, row.due_at)
        return
    if row.due_at is not None and row.due_at <= run.now:
        _pass_over(run, d, [row.due_at])
    _keep(run, d, _from(run, d, run.now))


def _starts(run: Run, d: Definition, at: datetime) -> bool:
    """Begin the firing of `at`; False when it has fired before, or is found so late that it is passed over."""
    oldest = run.now - timedelta(days=d.body["max_age_days"])
    late = []
    coming: datetime | None = at
    while coming is not None and coming < oldest:
        late.append(coming)
        coming = _after(run, d, coming)
    if late:
        _pass_over(run, d, late)
        _keep(run, d, coming)
        return False
    if sql.fire(run.conn, journey=d.definition_id, version=d.version, fires_at=at, now=run.now).fetchone() is None:
        _keep(run, d, _after(run, d, at))
        return False
    return True


def _pass_over(run: Run, d: Definition, firings: list[datetime]) -> None:
    sql.pass_over(run.conn, journey=d.definition_id, version=d.version, firings=firings, now=run.now)


def _keep(run: Run, d: Definition, due: datetime | None, bucket: int = 0) -> None:
    sql.reschedule(run.conn, journey=d.definition_id, version=d.version, due=due, bucket=bucket)


def _from(run: Run, d: Definition, at: datetime) -> datetime | None:
    """The first firing at or after that instant."""
    return _after(run, d, at - timedelta(microseconds=1))


def _after(run: Run, d: Definition, at: datetime) -> datetime | None:
    return next_firing(_timetable(d), at, run.pond["time_zone"])


def _timetable(d: Definition) -> Timetable:
    found = by_clock(d.body)
    assert found is not None
    return found


def _enter(run: Run, d: Definition, at: datetime, part: Only) -> int:
    """Whom a firing is for: the audience, or those of it whose day it is."""
    cause = f"schedule:{at.astimezone(UTC):%Y-%m-%dT%H:%M}"
    if "anniversary" in d.body["trigger"]:
        return enrol(run, d, [Candidate(row.person_id, cause, row.about) for row in _celebrants(run, d, at, part)])
    audience = segment.holding(run.conn, language.from_json(d.body["audience"]), run.now, part)
    return admit(run, d, [Candidate(person, cause, {}) for person in audience])


def _celebrants(run: Run, d: Definition, at: datetime, part: Only) -> list[Any]:
    wanted, zone = d.body["trigger"]["anniversary"], run.pond["time_zone"]
    day = at.astimezone(ZoneInfo(zone)).date() + timedelta(days=wanted["days_before"])
    kept = {"days": kept_on(day), "year": day.year}
    if "trait" in wanted:
        return sql.anniversary_of_trait(run.conn, part, of=wanted["trait"], **kept).fetchall()
    return sql.anniversary_of_event(run.conn, part, of=wanted["event"], zone=zone, **kept).fetchall()
