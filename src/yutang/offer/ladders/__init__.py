"""Ladders, as sets: who begins, who climbs after an order, who goes a rung down. The rules for one person are in `ladder`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg

from yutang.db.cursor import GROUPED, Window
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.model import Counts, Only
from yutang.offer import terms
from yutang.offer.definition import PLAIN

sql = Queries(__package__)
CHUNK = 20_000


def due(conn: psycopg.Connection, now: datetime, only: Only) -> bool:
    """Is it anybody's time for a rung?"""
    row = sql.due(conn, now=now, **_asked(only)).fetchone()
    return bool(row and row.ladders)


def follow(conn: psycopg.Connection, offers: list[Definition], news: Window, only: Only) -> Counts:
    """Registrations put people before the ladders, orders move them up."""
    columns = _columns(conn, offers)
    if not columns["l_definitions"]:
        return Counts()
    rows = sql.ladder_news(conn, only, low=news.low, high=news.high).fetchall()
    started = _start(conn, columns, [row.person_id for row in rows if row.registered])
    return Counts(ladder_started=started, ladder_climbed=climb(conn, offers, [row.person_id for row in rows]))


def climb(conn: psycopg.Connection, offers: list[Definition], persons: list[int], *, told: bool = True) -> int:
    """Orders newer than where people stand move them up. told: journeys hear of it."""
    if not persons:
        return 0
    sql.hold_ladders(conn, persons=terms.array(persons))
    rules = _pick(terms.ladder_columns(offers, {}), "definitions", "versions", "silence", "down", "up", "patience")
    return _count(sql.climb(conn, persons=terms.array(persons), told=told, **rules))


def published(conn: psycopg.Connection, offers: list[Definition]) -> dict[str, list[Any]]:
    """Since when each ladder is in service."""
    return _pick(_columns(conn, offers), "definitions", "since")


def take_in(conn: psycopg.Connection, offers: list[Definition], only: Only) -> Counts:
    """The next people who had registered before a ladder was published. Counts: ladder_looked_at, ladder_started."""
    slice = f"{only.lo}-{only.hi}"
    ladders = [offer for offer in offers if offer.body["sort"] == "ladder"]
    with conn.transaction():
        sql.begin_intake(conn, slice=slice, **published(conn, ladders))
        at = sql.intake(conn, slice=slice).fetchone()
        if at is None:
            return Counts()
        mine = [offer for offer in ladders if offer.definition_id == at.definition_id]
        wanted = any((PLAIN | offer.body)["existing"] != "none" for offer in mine)
        after = {"bucket": at.after_bucket, "person": at.after_person}
        page = sql.registered_before(conn, only, **after, limit=CHUNK).fetchall() if wanted else []
        started = _start(conn, _columns(conn, mine), [row.person_id for row in page]) if page else 0
        last = page[-1] if page else None
        sql.move_intake(
            conn,
            definition_id=at.definition_id,
            slice=slice,
            bucket=last.bucket if last else at.after_bucket,
            person=last.person_id if last else at.after_person,
            done=len(page) < CHUNK,
        )
        return Counts(ladder_looked_at=len(page), ladder_started=started)


def move_due(conn: psycopg.Connection, now: datetime, only: Only) -> Counts:
    """One rung down for whoever was silent long enough."""
    columns = terms.ladder_columns(terms.offers(conn), {})
    rules = _pick(columns, "definitions", "versions", "down", "wait", "again", "patience")
    with conn.transaction():
        return Counts(ladder_moved=_count(sql.move_due(conn, now=now, **_asked(only), **rules)))


def _asked(only: Only) -> dict[str, Any]:
    """Whom to look at: whoever the calendar calls up, or on the fast path just these."""
    few = only.persons is not None
    return {"lo": only.lo, "hi": only.hi, "limit": 0 if few else GROUPED, "persons": list(only.persons or ())}


def _start(conn: psycopg.Connection, columns: dict[str, list[Any]], persons: Iterable[int]) -> int:
    rules = _pick(columns, "definitions", "versions", "silence", "since", "existing")
    return _count(sql.start_ladders(conn, persons=terms.array(persons), **rules))


def _columns(conn: psycopg.Connection, offers: list[Definition]) -> dict[str, list[Any]]:
    ids = [offer.definition_id for offer in offers if offer.body["sort"] == "ladder"]
    since = {row.definition_id: row.since for row in sql.published(conn, ids=ids)} if ids else {}
    return terms.ladder_columns(offers, since)


def _count(cursor: psycopg.Cursor) -> int:
    row = cursor.fetchone()
    assert row is not None
    return row.n


def _pick(columns: dict[str, list], *names: str) -> dict[str, list]:
    return {f"l_{name}": columns[f"l_{name}"] for name in names}
