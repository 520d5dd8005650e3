"""Erasing people: who they are, and what happened to them. The number stays, with nobody behind it."""

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg

from yutang.db.cursor import hold
from yutang.db.erase import Whom, wipe
from yutang.identity.batch import sql
from yutang.identity.split import canonical
from yutang.model import Counts, bucket_of

STATEMENTS = (
    "erase_erased_order", "erase_event_ahead", "erase_person_event", "erase_person_past", "erase_handle", "erase_merge_log",
    "erase_keep_apart", "erase_identity_case", "erase_person",
)  # fmt: skip


class Known(NamedTuple):
    """Who somebody is. persons: every number, the holder's first. handles: rows (key, kind, value, sealed). events: facts and
    evidence. cases: events of open cases about them. low: from which transaction on no event has been read."""

    holder: int
    persons: list[int]
    handles: list[Any]
    events: list[int]
    cases: list[int]
    low: str


def known(conn: psycopg.Connection, person_id: int) -> Known:
    """Everything that says who this person is; until the transaction ends, no event becomes a fact and nobody is merged.

    Raises YutangError when there is no such person.
    """
    low = hold(conn, "identity", "event")
    holder = canonical(conn, person_id)
    members = {row.person_id for row in sql.members(conn, persons=[holder])}
    persons = [holder, *sorted(members - {holder})]
    about = {"persons": persons, "buckets": sorted({bucket_of(person) for person in persons})}
    handles = sql.person_handles(conn, **about).fetchall()
    events = sorted(row.event_id for row in sql.events_of(conn, **about))
    cases = {row.event_id for row in sql.cases_of(conn, **about)} - set(events)
    return Known(holder, persons, handles, events, sorted(cases), low)


def erase(conn: psycopg.Connection, whom: Whom) -> Counts:
    """Rows per table; see `yutang.erasure`."""
    return wipe(conn, sql, STATEMENTS, whom)
