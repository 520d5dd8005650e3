"""Putting the chain together: one pass over the person's own rows, whatever the size of the pond."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from yutang import definitions
from yutang.identity import canonical
from yutang.model import Only
from yutang.why.book import NEWEST, Book, sql
from yutang.why.chain import Chain, Handle, Merge, Stay
from yutang.why.outside import outside
from yutang.why.runs import cause_event, enrolments
from yutang.why.touches import coupons, happening, refused, touches


def why(conn: psycopg.Connection, person_id: int, now: datetime) -> Chain:
    """The chain of the person who holds the facts of `person_id` today. Raises YutangError when there is no such person."""
    holder = canonical(conn, person_id)
    members = [row.person_id for row in sql.members(conn, person=holder)]
    book = Book(conn, now, Only(persons=tuple(members)))
    runs, stays, coupon_of = book.rows("enrolments"), book.rows("stays"), coupons(book)
    causes = [event for run in runs if (event := cause_event(run.cause))]
    events = [happening(row) for row in book.rows("events", limit=NEWEST, causes=causes)]
    said = touches(book, coupon_of)
    carried = {touch.coupon.code for _, touch in said if touch.coupon}
    return Chain(
        person_id=holder,
        asked_for=person_id,
        at=now,
        time_zone=definitions.pond(conn)["time_zone"],
        members=members,
        handles=[Handle(*row) for row in sql.handles(conn, persons=members)],
        merges=[
            Merge(row.winner_id, row.loser_id, row.event_id, row.at, row.undone_at)
            for row in sql.merges(conn, persons=members)
        ],
        events=events,
        segments=[_stay(book, row) for row in stays],
        enrolments=enrolments(book, runs, events, said),
        outside=outside(book, holder, runs, stays),
        coupons=[coupon for code, coupon in coupon_of.items() if code not in carried],
        refused=refused(book),
    )


def _stay(book: Book, row: Any) -> Stay:
    return Stay(book.name(row.segment_id), book.title(row.segment_id), row.version, row.since, row.until)
