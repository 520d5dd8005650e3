"""The stage: ladders move, other systems' coupons come in, redemptions and refunds are booked, what is past its time closes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from yutang.db.cursor import GROUPED, Reader, Window, look, take
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.model import EVERYBODY, Counts, Only
from yutang.offer import coupon, ladders, origins, redemption, terms
from yutang.offer.till import ORDER, Redeem

sql = Queries(__package__)
CHUNK = 20_000
EVENTS, MOVED = Reader("offer", "person_event", CHUNK), Reader("offer.person", "person", CHUNK, "changed")
UNDONE = Reader("offer.undone", "event_undone", behind="identity.undone")


def advance(conn: psycopg.Connection, now: datetime, only: Only = EVERYBODY) -> Counts:
    """Bring ladders and coupons up to `now`; each part in a transaction of its own, so that locks are short.

    Counts: window (stretches of news read), moved_home (rows that a join or split moved), ladder_stands_again, redemption_undone,
    coupon_undone, ladder_started, ladder_climbed, ladder_moved, ladder_looked_at (people of before a ladder), coupon_taken_in, coupon_redeemed, redemption_refused,
    redemption_restored, redemption_lapsed, coupon_expired.
    """
    counts = read_news(conn, now, only)
    if ladders.due(conn, now, only):
        counts.update(ladders.move_due(conn, now, only))
    if only.persons is None:
        counts.update(_end(conn, now, only))
    return counts


def _end(conn: psycopg.Connection, now: datetime, only: Only) -> Counts:
    """What time ends, and who stood in the pond before a ladder: nothing that a fast path waits for."""
    due = sql.due_ends(conn, now=now, lo=only.lo, hi=only.hi, slice=f"{only.lo}-{only.hi}").fetchone()
    assert due is not None
    counts = Counts()
    if due.ladders:
        counts.update(ladders.take_in(conn, terms.offers(conn), only))
    if due.holds:
        counts["redemption_lapsed"] = redemption.lapse(conn, now, CHUNK, only.lo, only.hi)
    if due.coupons:
        counts["coupon_expired"] = coupon.expire(conn, now, GROUPED, only)
    return counts


def read_news(conn: psycopg.Connection, now: datetime, only: Only) -> Counts:
    """What joins, splits, undone imports and events change. The window of the first opens second: it holds all that the events know of."""
    counts, places = Counts(), look(conn, only, EVENTS, MOVED, UNDONE)
    if not any(place.news for place in places):
        return counts
    with conn.transaction():
        events, moved, undone = (take(conn, place) for place in places)
        if events.empty and moved.empty and undone.empty:
            return counts
        offers = terms.offers(conn)
        if only.persons is None:
            # A window without a word for us still moves the cursor: the next one may have some.
            counts["window"] = (not events.empty) + (not moved.empty) + (not undone.empty)
        if not moved.empty:
            counts.update(origins.follow_moved(conn, offers, moved, only))
        if not undone.empty:
            counts.update(origins.follow_undone(conn, now, undone))
        if not events.empty:
            counts.update(_follow_events(conn, now, offers, events, only))
    return counts


def _follow_events(
    conn: psycopg.Connection, now: datetime, offers: list[Definition], events: Window, only: Only
) -> Counts:
    """Each part looks at the events only if there are any of its sorts among them."""
    counts = Counts()
    types = {row.type for row in sql.types(conn, only, low=events.low, high=events.high)}
    if types & {"registered", "ordered"}:
        counts.update(ladders.follow(conn, offers, events, only))
    if "coupon_issued" in types:
        counts.update(_take_in(conn, now, offers, events, only))
    if types & {"coupon_redeemed", "ordered", "refunded"}:
        counts.update(_book(conn, now, events, only))
    return counts


def _take_in(conn: psycopg.Connection, now: datetime, offers: list[Definition], news: Window, only: Only) -> Counts:
    """Coupons of other systems."""
    taken = sql.take_in(conn, only, low=news.low, high=news.high, **terms.foreign_columns(offers)).fetchone()
    assert taken is not None
    sql.refuse_taken(conn, only, low=news.low, high=news.high, now=now)
    return Counts(coupon_taken_in=taken.n)


def _book(conn: psycopg.Connection, now: datetime, news: Window, only: Only) -> Counts:
    """Redemptions and refunds. All coupons of both are locked first, in one order; the second look finds what was just redeemed."""
    asked = [_asked(row) for row in sql.told(conn, only, low=news.low, high=news.high)]
    refunded = sql.restorable(conn, only, low=news.low, high=news.high).fetchall()
    if not asked and not refunded:
        return Counts()
    redemption.hold(conn, [r.code for r in asked] + [r.code for r in refunded])
    till = redemption.book(conn, now, asked)
    fresh = [judged.answer for judged in till.judged]
    back = sql.restorable(conn, only, low=news.low, high=news.high).fetchall()
    return Counts(
        coupon_redeemed=sum(answer.ok for answer in fresh) + len(till.confirmed),
        redemption_refused=sum(not answer.ok for answer in fresh),
        redemption_restored=redemption.give_back(conn, now, back, "done", "restored"),
    )


def _asked(row: Any) -> Redeem:
    """What an event tells as a request. An order tells what was paid; before its coupons it was more by what came off."""
    off, paid, margin = row.discount_fen, row.paid_fen, row.margin_fen
    whole = row.how == ORDER and off is not None
    return Redeem(
        row.request_id,
        row.code,
        row.order_id,
        paid + off if whole else None,
        row.person_id,
        off,
        row.at,
        margin + off if whole and margin is not None else None,
        row.how,
    )
