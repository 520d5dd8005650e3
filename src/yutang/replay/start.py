"""How things stood when a replay begins: who there is, what is in service, what had happened before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang import definitions
from yutang.db.queries import Queries, Query
from yutang.definitions import Definition
from yutang.model import Only, YutangError
from yutang.replay.copying import pipe
from yutang.replay.scale import Sample
from yutang.replay.scratch import analyze, tables

sql = Queries(__package__)

Drafts = Mapping[str, Mapping[str, dict[str, Any]]]
"""What is tried: bodies by kind and name, ``{"journey": {"wake_up": …}, "message": …}``."""
EVERY = Only()
LIMITS = ("stock", "budget_fen")
"""What an offer may have of which there is only so much."""
WHOLE = (
    "journey_state",
    "journey_schedule",
    "identity_state",
    "pond_followed",
    "channel_reach",
    "segment_state",
    "stock",
    "stage_cursor",
    "reach_rate",
    "journey_worth",
)
"""What speaks of nobody in particular and is a part of how things stand."""
LEFT_OUT = ("segment_lane", "sandbox_message")
"""What is there already, and what nobody reads again."""


def counted(live: psycopg.Connection, parts: list[Only]) -> Sample:
    """How many people that is, of how many. Raises YutangError when it is nobody."""
    here, all_ = (sum(_people(live, part) for part in some) for some in (parts, [EVERY]))
    if not here:
        raise YutangError(
            "抽样里没有顾客可重放，请把抽样调大。 there is nobody to replay; take a larger sample"
            if all_
            else "鱼塘里还没有顾客，请先导入。 there is nobody in the pond yet"
        )
    return Sample(here, all_)


def _people(live: psycopg.Connection, part: Only) -> int:
    row = sql.people(live, part).fetchone()
    assert row is not None
    return row.n


def runs_out(live: psycopg.Connection, drafts: Drafts) -> bool:
    """Is there an offer that one person may take away from another?"""
    bodies = [*(d.body for d in definitions.all_current(live, "offer")), *drafts.get("offer", {}).values()]
    return any(body.get(name) is not None for body in bodies for name in LIMITS)


def people(live: psycopg.Connection, conn: psycopg.Connection, parts: list[Only]) -> None:
    """Persons and their handles, and by which of those channels reach them."""
    pipe(live, conn, "channel_reach", sql.reach, EVERY)
    for part in parts:
        pipe(live, conn, "person (bucket, person_id, merged_into, created_at)", sql.persons, part)
        pipe(live, conn, "handle", sql.handles, part, first=part.lo, last=part.hi)
    conn.execute("analyze person, handle")


def numbers(live: psycopg.Connection, conn: psycopg.Connection) -> None:
    """What is counted in the replay is counted on from where the live pond stands, so that no number means two things."""
    for row in sql.numbers(live):
        sql.count_on(conn, name=row.name, value=row.value)


def words(live: psycopg.Connection, conn: psycopg.Connection) -> None:
    """Every definition but the journeys."""
    pipe(live, conn, "definition", sql.definitions, EVERY, journeys=False)


def cut(conn: psycopg.Connection, now: datetime, sample: Sample) -> None:
    """What is left of what can run out, cut down to the share of the people who are there."""
    gone = {row.definition_id: row for row in sql.stocked(conn)}
    for offer in definitions.all_current(conn, "offer") if sample.n < sample.people else ():
        had = gone.get(offer.definition_id)
        less = {
            name: used + max(1, round((whole - used) * sample.n / sample.people))
            for name, used in zip(LIMITS, (had.issued, had.gone_fen) if had else (0, 0), strict=True)
            if (whole := offer.body.get(name)) and whole > used
        }
        definitions.publish(conn, now, "offer", offer.name, offer.body | less, "sample")


def journeys(live: psycopg.Connection, conn: psycopg.Connection, parts: list[Only], since: datetime) -> None:
    """The journeys in service, who had been on them, and what the budgets remember."""
    pipe(live, conn, "definition", sql.definitions, EVERY, journeys=True)
    pipe(live, conn, "journey_state", sql.started, EVERY, since=since)
    window = timedelta(days=definitions.pond(conn)["budget"]["window_days"])
    runs = (
        "enrolment (bucket, person_id, journey_id, cause, version, arm, state, step, entered_at, stepped_at, ended_at)"
    )
    for part in parts:
        pipe(live, conn, runs, sql.entered_before, part, since=since)
        pipe(live, conn, "touch", sql.budget_used, part, since=since, window=window)
        pipe(live, conn, "attempt", sql.budget_used_sent, part, since=since, window=window)


def coupons(live: psycopg.Connection, conn: psycopg.Connection, parts: list[Only], since: datetime) -> None:
    """The coupons of before, and what was gone of stock and budget; after the past has been read, which knows nothing of them."""
    columns = (
        "code, bucket, person_id, origin_id, definition_id, version, rung, touch_id, state, uses, value_fen, pay_percent, off_fen, minimum_fen, "
        "issued_at, valid_from, expires_at"
    )
    for part in parts:
        pipe(live, conn, f"coupon ({columns})", sql.coupons_before, part, since=since)
    pipe(live, conn, "coupon_mark", sql.marks_before, EVERY, since=since)
    pipe(
        live,
        conn,
        "stock (definition_id, issued, redeemed, reserved_fen, spent_fen)",
        sql.stock_before,
        EVERY,
        since=since,
    )
    sql.ends_before(conn)


def state(live: psycopg.Connection, conn: psycopg.Connection, parts: list[Only]) -> None:
    """Everything that the stages have written, as it stands: of the people of `parts`, and what belongs to nobody."""
    pipe(live, conn, "definition", sql.every_definition, EVERY)
    numbers(live, conn)
    for table in WHOLE:
        pipe(live, conn, table, Query(table, f"select t.* from {table} t"), EVERY)
    by_people = [row for row in tables(conn) if "bucket" in row.columns and row.name not in (*WHOLE, *LEFT_OUT)]
    for part in parts:
        pipe(live, conn, "handle", sql.handles, part, first=part.lo, last=part.hi)
        for table in by_people:
            pipe(live, conn, table.name, Query(table.name, f"select t.* from {table.name} t where @only(t)"), part)
    analyze(conn)


def launch(conn: psycopg.Connection, now: datetime, drafts: Drafts, alone: bool) -> list[Definition]:
    """Put the drafts into service, beside the journeys that are there or in their place; returns the drafts of journeys."""
    for kind in ("pond", "segment", "offer", "message", "journey"):
        for name, body in drafts.get(kind, {}).items():
            definitions.publish(conn, now, kind, name, body, "draft")
    found = drafts.get("journey", {})
    if alone:
        definitions.retire(conn, now, "journey", list(found))
    return [d for d in definitions.all_current(conn, "journey") if d.name in found]
