"""The stage: ladders move, other systems' coupons come in, redemptions and refunds are booked, what is past its time closes."""

from __future__ import annotations

from datetime import datetime

import psycopg

from yutang.db.cursor import Window, window
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.model import EVERYBODY, Counts, Only
from yutang.offer import coupon, terms
from yutang.offer.till import Redeem

sql = Queries(__package__)
CHUNK = 20_000


def advance(conn: psycopg.Connection, now: datetime, only: Only = EVERYBODY) -> Counts:
    """Bring ladders and coupons up to `now`; each part in a transaction of its own, so that locks are short.

    Counts: window (stretches of news read), moved_home (rows that a merge or split moved), ladder_started, ladder_climbed,
    ladder_moved, coupon_taken_in, coupon_redeemed, redemption_refused, redemption_restored, coupon_expired.
    """
    counts = read_news(conn, now, only)
    due = sql.due(conn, only, now=now).fetchone()
    assert due is not None
    if due.ladders:
        counts.update(move_due(conn, now, only))
    if due.coupons:
        counts.update(expire(conn, now, only))
    return counts


def read_news(conn: psycopg.Connection, now: datetime, only: Only) -> Counts:
    """What merges and events change. The merges' window opens second: it holds every merge that the events know of."""
    counts = Counts()
    with (
        conn.transaction(),
        window(conn, "offer", "person_event", only, CHUNK) as events,
        window(conn, "offer.merges", "merge_log", only, CHUNK) as merges,
    ):
        if events.empty and merges.empty:
            return counts
        offers = terms.offers(conn)
        if only.persons is None:
            # A window without a word for us still moves the cursor: the next one may have some.
            counts["window"] = (not events.empty) + (not merges.empty)
        if not merges.empty:
            counts.update(_follow_merges(conn, offers, merges, only))
        if not events.empty:
            counts.update(_climb(conn, offers, events, only))
            counts.update(_take_in(conn, now, offers, events, only))
            counts.update(_book(conn, now, events, only))
    return counts


def move_due(conn: psycopg.Connection, now: datetime, only: Only) -> Counts:
    """One rung down for whoever was silent long enough."""
    columns = _pick(terms.ladder_columns(terms.offers(conn)), "definitions", "versions", "down", "wait", "again")
    with conn.transaction():
        return Counts(ladder_moved=_count(sql.move_due(conn, only, now=now, limit=CHUNK, **columns)))


def expire(conn: psycopg.Connection, now: datetime, only: Only) -> Counts:
    """Coupons past their time."""
    return Counts(coupon_expired=coupon.expire(conn, now, CHUNK, only))


def _follow_merges(conn: psycopg.Connection, offers: list[Definition], merges: Window, only: Only) -> Counts:
    """Everything goes home. A place on a ladder that a merge had swallowed is made again from the person's own events."""
    persons = [row.person_id for row in sql.merged(conn, only, low=merges.low, high=merges.high)]
    if not persons:
        return Counts()
    moves = (sql.move_coupons, sql.move_redemptions, sql.move_refusals, sql.move_ladders)
    moved = sum(move(conn, persons=persons).rowcount for move in moves)
    return Counts(moved_home=moved) + _look_again(conn, offers, persons, persons)


def _climb(conn: psycopg.Connection, offers: list[Definition], news: Window, only: Only) -> Counts:
    """Registrations put people before the ladders, orders move them up."""
    rows = sql.ladder_news(conn, only, low=news.low, high=news.high).fetchall()
    return _look_again(conn, offers, [row.person_id for row in rows if row.registered], [row.person_id for row in rows])


def _look_again(conn: psycopg.Connection, offers: list[Definition], begin: list[int], persons: list[int]) -> Counts:
    """Put `begin` before the ladders where they are not yet, and follow the orders of `persons`."""
    columns = terms.ladder_columns(offers)
    if not columns["l_definitions"] or not persons:
        return Counts()
    rules = _pick(columns, "definitions", "versions", "silence")
    started = _count(sql.start_ladders(conn, persons=terms.array(begin), **rules))
    sql.hold_ladders(conn, persons=terms.array(persons))
    rules = _pick(columns, "definitions", "versions", "silence", "down", "up", "patience")
    climbed = _count(sql.climb(conn, persons=terms.array(persons), **rules))
    return Counts(ladder_started=started, ladder_climbed=climbed)


def _count(cursor: psycopg.Cursor) -> int:
    row = cursor.fetchone()
    assert row is not None
    return row.n


def _pick(columns: dict[str, list], *names: str) -> dict[str, list]:
    return {f"l_{name}": columns[f"l_{name}"] for name in names}


def _take_in(conn: psycopg.Connection, now: datetime, offers: list[Definition], news: Window, only: Only) -> Counts:
    """Coupons of other systems."""
    taken = sql.take_in(conn, only, low=news.low, high=news.high, **terms.foreign_columns(offers)).rowcount
    sql.refuse_taken(conn, only, low=news.low, high=news.high, now=now)
    return Counts(coupon_taken_in=taken)


def _book(conn: psycopg.Connection, now: datetime, news: Window, only: Only) -> Counts:
    """Redemptions and refunds. All coupons of both are locked first, in one order; the second look finds what was just redeemed."""
    told = sql.redeemed_elsewhere(conn, only, low=news.low, high=news.high).fetchall()
    asked = [Redeem(r.request_id, r.code, r.order_id, None, r.person_id, r.discount_fen, r.at) for r in told]
    refunded = sql.restorable(conn, only, low=news.low, high=news.high).fetchall()
    if not asked and not refunded:
        return Counts()
    coupon.hold(conn, [r.code for r in asked] + [r.code for r in refunded])
    fresh = [judged.answer for judged in coupon.book(conn, now, asked).judged]
    back = sql.restorable(conn, only, low=news.low, high=news.high).fetchall()
    return Counts(
        coupon_redeemed=sum(answer.ok for answer in fresh),
        redemption_refused=sum(not answer.ok for answer in fresh),
        redemption_restored=coupon.restore(conn, now, [r.request_id for r in back], [r.code for r in back]),
    )
