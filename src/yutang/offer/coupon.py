"""Coupons of every sort: given out, and ended by time. Sets in, sets out; stock and budget are never exceeded."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import psycopg

from yutang import definitions
from yutang.clock import business_day
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.handles import BY_NAME
from yutang.model import Only, Reason
from yutang.offer import terms
from yutang.offer.packet import split

sql = Queries(__package__)

_Row = tuple[int, int, int | None, int]
_chance = secrets.SystemRandom().randint


class Wanted(NamedTuple):
    """A coupon that a touch is to carry; rung 0 or None where it is no ladder's."""

    person_id: int
    definition_id: int
    rung: int | None
    touch_id: int


class Granted(NamedTuple):
    """What became of a `Wanted`: a code, or a reason."""

    touch_id: int
    code: str | None
    reason: Reason | None


def issue(conn: psycopg.Connection, now: datetime, wanted: Sequence[_Row]) -> list[Granted]:
    """Give out coupons, one for each distinct touch; as the last thing before the caller's commit.

    `wanted`: (person_id, definition_id, rung, touch_id) each, rung 0 or None for a plain coupon; any number, 20,000 is a good batch.
    A touch that has its coupon gets the same one again. Refusals (retired, below_margin, has_enough, daily_limit, cool_down, shared,
    sold_out, over_budget) are kept in offer_refusal. The rows of stock stay locked until the commit: that is what makes it exact.
    """
    if not wanted:
        return []
    persons, asked, rungs, touches = zip(*{row[3]: row for row in wanted}.values(), strict=True)
    with conn.transaction():
        open_batch(conn)
        sql.want(
            conn,
            persons=terms.array(persons),
            definitions=terms.array(asked),
            rungs=terms.array(rung or 0 for rung in rungs),
            touches=terms.array(touches),
        )
        issue_batch(conn, now)
        return [Granted(touch, code, reason and Reason(reason)) for touch, code, reason in sql.said(conn).fetchall()]


def open_batch(conn: psycopg.Connection) -> None:
    """Empty temporary tables for a caller whose batch is in the database: it fills coupon_wanted, and `issue_batch` coupon_said."""
    for statement in (sql.scratch_wanted, sql.scratch_said, sql.clear_wanted, sql.clear_said):
        statement(conn)


def issue_batch(conn: psycopg.Connection, now: datetime) -> None:
    """What `issue` does, from coupon_wanted to coupon_said; inside the caller's transaction. Each touch is wanted once."""
    batch = sql.batch(conn).fetchone()
    assert batch is not None
    offers = [offer for offer in terms.offers(conn) if offer.definition_id in (batch.offers or ())]
    if offers:
        sql.stock_up(conn, **terms.stock_columns(offers))
    columns = terms.issue_columns(offers, now) | {"dice": secrets.token_bytes(7 * batch.wanted)}
    columns |= {"day": day_began(conn, now) if any(terms.limits(offer)["per_day"] for offer in offers) else now}
    shared = [offer for offer in offers if terms.limits(offer)["phone"] or terms.limits(offer)["device"]]
    if shared:
        _refuse_shared(conn, shared)
    if batch.rounds > 1:
        sql.rounds(conn)
    for number in range(1, batch.rounds + 1):
        sql.issue(
            conn, now=now, round=number, **columns, **_packets(conn, offers, columns["t_definitions"], batch.wanted)
        )
    if shared:
        sql.keep_marks(conn)


def day_began(conn: psycopg.Connection, now: datetime) -> datetime:
    """When the brand's present day began."""
    zone = definitions.pond(conn)["time_zone"]
    return datetime.combine(business_day(now, zone), time(), ZoneInfo(zone))


def _refuse_shared(conn: psycopg.Connection, offers: list[Definition]) -> None:
    """Those whose phone or device has had as many as one may have."""
    sql.scratch_marks(conn)
    sql.clear_marks(conn)
    limits = [terms.limits(offer) for offer in offers]
    sql.find_marks(
        conn,
        ids=[offer.definition_id for offer in offers],
        phones=[limit["phone"] for limit in limits],
        devices=[limit["device"] for limit in limits],
        phone_kind=BY_NAME["phone"].code,
        device_kind=BY_NAME["device"].code,
    )
    sql.refuse_shared(conn)


def _packets(conn: psycopg.Connection, offers: list[Definition], rows: list[int], count: int) -> dict[str, list[Any]]:
    """The amounts of the next red packets: all in `drawn`; beside each row of the terms where its own begin, and how many."""
    bodies = {offer.definition_id: offer.body for offer in offers if offer.body["sort"] == "red_packet"}
    left = {row.definition_id: row for row in sql.stock_left(conn, ids=list(bodies))} if bodies else {}
    drawn: list[int] = []
    places: dict[int, tuple[int, int]] = {}
    for definition_id, body in bodies.items():
        money, packets = left[definition_id].left_fen, left[definition_id].packets
        amounts = split(money, packets, body["least_fen"], body["most_fen"], count, _chance)
        places[definition_id] = len(drawn), len(amounts)
        drawn += amounts
    found = [places.get(definition_id, (None, None)) for definition_id in rows]
    return {"drawn": drawn, "t_packets": [at for at, _ in found], "t_amounts": [n for _, n in found]}


def take_back(conn: psycopg.Connection, now: datetime, codes: Sequence[str]) -> None:
    """Coupons of which nobody was told go back to stock, as if they had never been given out; who was to have them, is kept with a reason.

    What has been shown to a till stays: then somebody knew of it. As the last thing before the caller's commit: it locks stock.
    """
    if codes and (back := sql.take_back(conn, codes=list(codes), now=now).fetchall()):
        sql.hold_stock(conn, ids=[row.definition_id for row in back])
        sql.restock(
            conn,
            ids=[row.definition_id for row in back],
            counts=[row.n for row in back],
            fens=[row.fen for row in back],
        )


def expire(conn: psycopg.Connection, now: datetime, limit: int, only: Only) -> int:
    """Close what is past its time, and free what it had reserved of the budget; returns how many.

    `limit`: how many rows of news are read at a time; each names everybody of a bucket to whom one statement gave coupons.
    """
    while True:
        with conn.transaction():
            gone = sql.expire(conn, now=now, limit=limit, lo=only.lo, hi=only.hi).fetchall()
            ended = [row for row in gone if row.definition_id is not None]
            ids, freed = [row.definition_id for row in ended], [-row.fen for row in ended]
            if ended:
                sql.hold_stock(conn, ids=ids)
                sql.count_stock(conn, ids=ids, counts=[0] * len(ids), spent=[0] * len(ids), reserved=freed)
        if ended or gone[0].looked < limit:
            return sum(row.n for row in ended)
