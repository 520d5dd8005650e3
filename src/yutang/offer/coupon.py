"""Coupons: issue, redeem, give back, and what is still owed. Sets in, sets out; stock is never oversold."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import psycopg

from yutang import ingest
from yutang.db.queries import Queries
from yutang.model import Only, Reason
from yutang.offer import terms
from yutang.offer.till import Judged, Redeem, Redeemed, Till

sql = Queries(__package__)


_Row = tuple[int, int, int | None, int]


class Wanted(NamedTuple):
    """A coupon that a touch is to carry; rung 0 or None for a plain coupon."""

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
    A touch that has its coupon gets the same one again. Refusals (retired, below_margin, has_enough, cool_down, sold_out, over_budget)
    are kept in offer_refusal. The rows of stock stay locked until the commit: that is what makes it exact.
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
        return [Granted(touch, code, reason and Reason(reason)) for touch, code, reason in sql.said(conn)]


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
    if batch.rounds > 1:
        sql.rounds(conn)
    for number in range(1, batch.rounds + 1):
        sql.issue(conn, now=now, round=number, **columns)


def redeem(conn: psycopg.Connection, now: datetime, requests: Sequence[Redeem]) -> list[Redeemed]:
    """Use coupons: one answer for each request, in order. A request that was answered before gets the same answer.

    Of several requests for one coupon in a batch the first wins. Refused with unknown_code, not_yours, already_redeemed,
    not_yet_valid, expired, below_minimum or over_budget, each kept in redemption. What was redeemed also becomes an event.
    """
    with conn.transaction():
        till = book(conn, now, requests)
        ingest.follow_up(conn, now, [_as_event(judged) for judged in till.judged if judged.answer.ok])
    return [till.answers[request.request_id] for request in requests]


def _as_event(judged: Judged) -> tuple[str, str, int, datetime, dict[str, Any]]:
    """A redemption here is a fact about a person like one told from elsewhere; its request id says that it is booked."""
    request = judged.request
    order = {"order_id": request.order_id} if request.order_id else {}
    props = {"code": request.code, "amount_fen": judged.answer.discount_fen, "request_id": request.request_id} | order
    return f"redeemed:{request.request_id}", "coupon_redeemed", judged.person_id, judged.at, props


def book(conn: psycopg.Connection, now: datetime, requests: Sequence[Redeem]) -> Till:
    """What `redeem` does; the till also tells which of the answers are new."""
    with conn.transaction():
        coupons = hold(conn, [request.code for request in requests])
        before = _answered(conn, [request.request_id for request in requests])
        till = Till(now, coupons, _budgets(conn, coupons), before)
        for request in requests:
            till.answer(request)
        if till.judged:
            _write(conn, till)
        return till


def restore(conn: psycopg.Connection, now: datetime, requests: list[str], codes: list[str]) -> int:
    """Give back the uses of these redemptions (their codes beside them); returns how many. Repeats do nothing."""
    with conn.transaction():
        _budgets(conn, hold(conn, codes))
        changed = sql.restore(conn, now=now, requests=requests).fetchall()
        sql.count_stock(
            conn,
            ids=[row.definition_id for row in changed],
            counts=[-row.n for row in changed],
            spent=[-row.fen for row in changed],
            reserved=[row.open_fen for row in changed],
        )
        return len(requests)


def expire(conn: psycopg.Connection, now: datetime, limit: int, only: Only) -> int:
    """Close what is past its time, and free what it had reserved of the budget; returns how many."""
    with conn.transaction():
        gone = sql.expire(conn, only, now=now, limit=limit).fetchall()
        if not gone:
            return 0
        ids, freed = [row.definition_id for row in gone], [-row.fen for row in gone]
        sql.hold_stock(conn, ids=ids)
        sql.count_stock(conn, ids=ids, counts=[0] * len(ids), spent=[0] * len(ids), reserved=freed)
        return sum(row.n for row in gone)


def liability(conn: psycopg.Connection) -> dict[str, int]:
    """``{"issued", "redeemed", "outstanding", "liability_fen"}`` of all coupons, other systems' included."""
    row = sql.liability(conn).fetchone()
    assert row is not None
    return row._asdict()


def hold(conn: psycopg.Connection, codes: list[str]) -> dict[str, Any]:
    """Lock coupons until the end of the transaction; by code."""
    return {row.code: row for row in sql.hold_coupons(conn, codes=codes)}


def _answered(conn: psycopg.Connection, requests: list[str]) -> dict[str, Redeemed]:
    return {
        row.request_id: Redeemed(row.request_id, row.reason and Reason(row.reason), row.discount_fen)
        for row in sql.handled(conn, requests=requests)
    }


def _budgets(conn: psycopg.Connection, coupons: dict[str, Any]) -> dict[int, int | None]:
    """Lock the stock behind these coupons; what is left of each budget, None without one."""
    ids = sorted({c.definition_id for c in coupons.values() if c.touch_id is not None})
    if not ids:
        return {}
    rows = sql.hold_stock(conn, ids=ids)
    return {row.definition_id: None if row.budget_fen is None else row.budget_fen - row.spent_fen for row in rows}


def _write(conn: psycopg.Connection, till: Till) -> None:
    used = [
        {"code": coupon.code, "bucket": coupon.bucket, "uses": uses, "state": "redeemed" if uses == 0 else coupon.state}
        for coupon, uses in till.used()
    ]
    sql.redeem(conn, asked=_json([judged.row() for judged in till.judged]), used=_json(used))
    if till.sums:
        ids = sorted(till.sums)
        counts, spent, freed = map(list, zip(*(till.sums[i] for i in ids), strict=True))
        sql.count_stock(conn, ids=ids, counts=counts, spent=spent, reserved=[-fen for fen in freed])


def _json(rows: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
