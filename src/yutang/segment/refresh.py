"""The stage: whose memberships may have changed, what they are now, and what is written of that.

New and changed segments are checked against everybody; after that only people are looked at of whom something is new,
or for whom time alone may have changed an answer (``segment_due``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import psycopg

from yutang import definitions
from yutang.db.cursor import GROUPED, Reader, Window, windows
from yutang.db.queries import Queries
from yutang.model import BUCKETS, EVERYBODY, Counts, Only
from yutang.segment.decide import Changes, decide
from yutang.segment.live import Segment, live, with_dependants
from yutang.segment.load import load
from yutang.segment.moment import Moment
from yutang.segment.slices import slices
from yutang.segment.transport import columns, run

sql = Queries(__package__)

CHUNK = 20_000
"""People whose time has come, per call."""
MANY = 100_000
"""With more people than this, reading everybody is cheaper than looking each one up."""
WRITTEN = 50_000
"""Rows per writing statement."""

SOURCES: dict[Reader, tuple[str, set[str] | None]] = {
    Reader("segment.person_event", "person_event", behind="profile"): ("changed_events", None),
    Reader("segment.profile_due", "profile_due", GROUPED): ("changed_profiles", {"life_stage", "score"}),
    Reader("segment.person", "person", column="changed", behind="profile.person"): ("changed_persons", None),
    Reader("segment.ladder_news", "ladder_news"): ("changed_ladders", {"ladder"}),
    Reader("segment.enrolment", "enrolment"): ("changed_enrolments", {"journey"}),
    Reader("segment.coupon_news", "coupon_news"): ("changed_coupons", {"coupon", "redeemed"}),
    Reader("segment.prediction_news", "prediction_news"): ("changed_predictions", {"predicted"}),
}
"""What tells whom to look at: the statement that names the people, and the features of which one must be asked about for anybody to care (none:
always)."""


def refresh(conn: psycopg.Connection, now: datetime, only: Only = EVERYBODY) -> Counts:
    """Bring memberships up to `now`. Counts: person (looked at), entered, left, segment (checked against everybody)."""
    with conn.transaction():
        moment = Moment(now, definitions.pond(conn)["time_zone"])
        segments = live(conn)
        if only.persons is not None:
            return _touched(conn, moment, segments, only, np.array(only.persons, np.int64))
        news = _news(conn, only, segments)
        counts = Counts()
        checked = _catch_up(conn, moment, segments, counts)
        if not segments or checked < len(segments):
            counts.update(_touched(conn, moment, segments, only, _who(conn, news, only, now)))
        return counts


def check_all(conn: psycopg.Connection, now: datetime) -> Counts:
    """Check every live segment against everybody and mend what differs. Same counts as `refresh`; entered and left are
    zero when the incremental state was right."""
    counts = Counts()
    with conn.transaction():
        moment = Moment(now, definitions.pond(conn)["time_zone"])
        segments = live(conn)
        _lock(conn, np.arange(BUCKETS))
        _everybody(conn, moment, segments, True, counts)
    return counts


def sizes(conn: psycopg.Connection) -> dict[str, int]:
    """How many people are in each segment now."""
    return {row.name: row.size for row in sql.sizes(conn)}


def _news(conn: psycopg.Connection, only: Only, segments: list[Segment]) -> list[tuple[str, Window]]:
    """What is new, and the statement that names its people. Every cursor moves, also where no segment asks just now: one
    that stood still would look like news for ever."""
    asked = {condition.row.feature for segment in segments for condition in segment.conditions}
    return [
        (query, part)
        for (query, features), part in zip(SOURCES.values(), windows(conn, only, *SOURCES), strict=True)
        if not part.empty and (features is None or features & asked)
    ]


def _who(conn: psycopg.Connection, news: list[tuple[str, Window]], only: Only, now: datetime) -> np.ndarray:
    """The people to look at: something new is known of them, or their time has come."""
    found = [columns(conn, sql.all[query], "q", only, low=part.low, high=part.high)[0] for query, part in news]
    return np.unique(np.concatenate([*found, *columns(conn, sql.due, "q", only, now=now, limit=CHUNK)]))


def _catch_up(conn: psycopg.Connection, moment: Moment, segments: list[Segment], counts: Counts) -> int:
    """Check new and changed segments, and those that name them, against everybody; returns how many that were."""
    if not any(_stale(conn, moment, segments)):
        return 0
    # Another worker may be doing the same: whoever comes second finds nothing left.
    _lock(conn, np.arange(BUCKETS))
    changed, retired = _stale(conn, moment, segments)
    if retired:
        counts["left"] += sql.retire(conn, segments=retired, now=moment.now).rowcount
        sql.drop_state(conn, segments=retired)
    chosen = with_dependants(segments, changed)
    if chosen:
        _everybody(conn, moment, chosen, len(chosen) == len(segments), counts)
    return len(chosen)


def _stale(conn: psycopg.Connection, moment: Moment, segments: list[Segment]) -> tuple[set[int], list[int]]:
    """(segments not yet checked in this version and time zone, segments that went out of service)."""
    states = {row.segment_id: (row.version, row.zone) for row in sql.states(conn)}
    changed = {one.segment_id for one in segments if states.get(one.segment_id) != (one.version, moment.zone)}
    return changed, sorted(states.keys() - {segment.segment_id for segment in segments})


def _everybody(conn: psycopg.Connection, moment: Moment, chosen: list[Segment], complete: bool, counts: Counts) -> None:
    for part in slices(conn):
        counts.update(_settle(conn, moment, chosen, part, None, complete))
    ids = [segment.segment_id for segment in chosen]
    versions = [segment.version for segment in chosen]
    sql.keep_state(conn, segments=ids, versions=versions, zone=moment.zone, now=moment.now)
    counts["segment"] += len(chosen)


def _touched(
    conn: psycopg.Connection, moment: Moment, segments: list[Segment], only: Only, people: np.ndarray
) -> Counts:
    if not len(people):
        return Counts()
    many = len(people) > MANY
    _lock(conn, np.arange(only.lo, only.hi + 1) if many else np.unique(people & (BUCKETS - 1)))
    counts = _settle(conn, moment, segments, only, None if many else people, True)
    counts["person"] += len(people)
    return counts


def _lock(conn: psycopg.Connection, buckets: np.ndarray) -> None:
    sql.lock_lanes(conn, buckets=buckets.tolist())


def _settle(
    conn: psycopg.Connection,
    moment: Moment,
    segments: list[Segment],
    only: Only,
    people: np.ndarray | None,
    complete: bool,
) -> Counts:
    """Decide on people and write what changed. complete: all live segments are decided, so the due instant is known."""
    asked = [condition for segment in segments for condition in segment.conditions]
    pond = load(conn, moment, asked, only, people)
    ids = [segment.segment_id for segment in segments]
    members = columns(conn, sql.members, "qi", only, people, segments=ids)
    known_due = columns(conn, sql.known_due, "qq", only, people)
    changes = decide(pond, segments, members[0], members[1], known_due[0], known_due[1], complete)
    _write(conn, moment, changes)
    return Counts(entered=len(changes.entered_person), left=len(changes.left_person))


def _write(conn: psycopg.Connection, moment: Moment, changes: Changes) -> None:
    for part in _parts(len(changes.left_person)):
        run(conn, sql.close, now=moment.now, persons=changes.left_person[part], segments=changes.left_segment[part])
    for part in _parts(len(changes.entered_person)):
        entered = {"persons": changes.entered_person[part], "segments": changes.entered_segment[part]}
        run(conn, sql.open, now=moment.now, versions=changes.entered_version[part], **entered)
    for part in _parts(len(changes.due_person)):
        run(conn, sql.keep_due, persons=changes.due_person[part], at=changes.due_at[part].view("M8[us]"))
    for part in _parts(len(changes.never_due)):
        run(conn, sql.drop_due, persons=changes.never_due[part])


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + WRITTEN) for start in range(0, count, WRITTEN))
