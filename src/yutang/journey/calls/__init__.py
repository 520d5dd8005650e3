"""Calls: what journeys ask of other systems. A line puts them down here; `deliver` claims them, makes them, and records the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.model import Only, Reason

sql = Queries(__package__)


@dataclass(frozen=True)
class Claimed:
    """A call in one worker's hands. `row`: the call, ``run_state``, ``run_reason``, ``about`` (what began the run) and ``traits``."""

    row: Any
    journey: Definition

    @property
    def terms(self) -> dict[str, Any]:
        """The step: ``url``, ``method``, ``body``, ``save``, ``seconds``."""
        return self.journey.body["program"][self.row.step]


@dataclass(frozen=True)
class End:
    """What came of a try: the end, or another try at `retry_at`."""

    state: Literal["waiting", "answered", "failed"]
    status: int | None = None
    reason: Reason | str | None = None
    detail: str | None = None
    retry_at: datetime | None = None


def claim(
    conn: psycopg.Connection, now: datetime, only: Only, token: str, until: datetime, limit: int
) -> list[Claimed]:
    """At most `limit` calls that are due; they belong to `token` until then. Commit before they are made."""
    rows = sql.claim(conn, only, now=now, token=token, until=until, limit=limit).fetchall()
    return [Claimed(row, definitions.at_version(conn, row.journey_id, row.version)) for row in rows]


def record(
    conn: psycopg.Connection, now: datetime, token: str, claimed: Sequence[Claimed], ends: Sequence[End]
) -> set[int]:
    """Write down what came of them; returns the ids of the calls that `token` still held."""
    rows = [one.row for one in claimed]
    written = sql.record(
        conn,
        now=now,
        token=token,
        buckets=[row.bucket for row in rows],
        persons=[row.person_id for row in rows],
        journeys=[row.journey_id for row in rows],
        causes=[row.cause for row in rows],
        lines=[row.line for row in rows],
        states=[end.state for end in ends],
        retries=[end.retry_at for end in ends],
        statuses=[end.status for end in ends],
        reasons=[end.reason for end in ends],
        details=[end.detail for end in ends],
    )
    return {row.call_id for row in written}
