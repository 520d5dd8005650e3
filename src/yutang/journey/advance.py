"""The stage `journey.advance`: people enter journeys, walk their lines when due, and touches are proposed.

A loop over definitions, never over people: each line of each version that somebody waits on is one statement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from yutang import definitions
from yutang.db.cursor import GROUPED, Window, window
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.journey import enter, leave, lines, schedule, waits
from yutang.journey.run import Run
from yutang.model import EVERYBODY, Counts, Only

sql = Queries(__package__)

MOST_ROUNDS = 50
"""Lines without a wait follow each other at once; a person passes at most so many in one run of the stage."""


@dataclass(frozen=True)
class Reader:
    """One upstream table, and what to do with its news."""

    stage: str
    table: str
    follow: Callable[[Run, Window], int]
    limit: int = 20_000
    behind: str | None = None


READERS = (
    Reader("journey.merge", "merge_log", leave.follow_merges),
    # A branch asks what is known of somebody: so never before that has been written down.
    Reader("journey.event", "person_event", enter.follow_events, behind="profile"),
    Reader("journey.membership", "membership", enter.follow_segments),
    Reader("journey.ladder", "ladder_news", lines.follow_ladders, GROUPED),
    Reader("journey.below", "ended_below", waits.follow_ends),
)


def advance(conn: psycopg.Connection, now: datetime, only: Only = EVERYBODY) -> Counts:
    """Follow what happened, let people enter and leave, then walk the lines that are due."""
    counts = Counts()
    run = _run(conn, now, only)
    with conn.transaction():
        counts["enrolment"] += enter.begin(run)
        counts["left"] += leave.retire(run)
    for reader in READERS:
        read = window(conn, reader.stage, reader.table, only, reader.limit, behind=reader.behind)
        with conn.transaction(), read as w:
            if not w.empty:
                counts[reader.table] += reader.follow(run, w)
    counts["enrolment"] += schedule.fire(run)
    with conn.transaction():
        counts["left"] += leave.due(run)
    for _ in range(MOST_ROUNDS):
        with conn.transaction():
            walked = lines.walk(run)
        counts["step"] += walked
        if not walked:
            break
    return counts


def _run(conn: psycopg.Connection, now: datetime, only: Only) -> Run:
    current = definitions.all_current(conn, "journey")
    return Run(conn, now, only, definitions.pond(conn), current, _live(conn, current))


def _live(conn: psycopg.Connection, current: list[Definition]) -> list[Definition]:
    """The newest version of each journey in service, and the older ones that somebody is still on."""
    newest = {d.definition_id: d.version for d in current}
    older = [row for row in sql.live(conn) if newest.get(row.journey_id, row.version) != row.version]
    return [*current, *(definitions.at_version(conn, row.journey_id, row.version) for row in older)]
