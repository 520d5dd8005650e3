"""The stage `journey.advance`: people enter journeys, walk their lines when due, and touches are proposed.

A loop over definitions, never over people: each line of each version that somebody waits on is one statement.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import psycopg

from yutang import definitions
from yutang.db.cursor import GROUPED, Place, Reader, Window, look, take
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.journey import enter, leave, lines, origins, schedule, waits
from yutang.journey.run import Run
from yutang.model import EVERYBODY, Counts, Only

sql = Queries(__package__)

MOST_ROUNDS = 50
"""Lines without a wait follow each other at once; a person passes at most so many in one run of the stage."""


FOLLOW: dict[Reader, Callable[[Run, Window], int]] = {
    Reader("journey.merge", "merge_log"): origins.follow_merges,
    # Once the facts are gone: nothing can begin from them any more.
    Reader("journey.undone", "event_undone", behind="identity.undone"): origins.follow_undone,
    # A branch asks what is known of somebody: so never before that has been written down.
    Reader("journey.event", "person_event", behind="profile"): enter.follow_events,
    Reader("journey.membership", "membership"): enter.follow_segments,
    Reader("journey.ladder", "ladder_news", GROUPED): lines.follow_ladders,
    Reader("journey.below", "ended_below"): waits.follow_ends,
}
"""The tables upstream, and what to do with their news."""


def advance(conn: psycopg.Connection, now: datetime, only: Only = EVERYBODY) -> Counts:
    """Follow what happened, let people enter and leave, then walk the lines that are due."""
    counts = Counts()
    run = _run(conn, now, only)
    counts["enrolment"] += enter.begin(run)
    counts["left"] += leave.retire(run)
    for place in look(conn, only, *FOLLOW):
        if place.news:
            counts[place.reader.table] += _follow(run, place)
    counts["enrolment"] += schedule.fire(run)
    counts["left"] += leave.due(run)
    for _ in range(MOST_ROUNDS):
        if not (walked := lines.walk(run)):
            break
        counts["step"] += walked
    return counts


def _follow(run: Run, place: Place) -> int:
    with run.conn.transaction():
        w = take(run.conn, place)
        return 0 if w.empty else FOLLOW[place.reader](run, w)


def _run(conn: psycopg.Connection, now: datetime, only: Only) -> Run:
    current = definitions.all_current(conn, "journey")
    return Run(conn, now, only, definitions.pond(conn), current, _live(conn, current))


def _live(conn: psycopg.Connection, current: list[Definition]) -> list[Definition]:
    """The newest version of each journey in service, and the older ones that somebody is still on."""
    newest = {d.definition_id: d.version for d in current}
    older = [row for row in sql.live(conn) if newest.get(row.journey_id, row.version) != row.version]
    return [*current, *(definitions.at_version(conn, row.journey_id, row.version) for row in older)]
