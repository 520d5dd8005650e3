"""Coupons in use: redeem, only check, hold for an order, confirm, release, give back. One ledger, one judgement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import psycopg

from yutang import definitions, ingest
from yutang.db.queries import Queries
from yutang.model import Reason
from yutang.offer import terms
from yutang.offer.coupon import day_began
from yutang.offer.till import ASKED, Judged, Kept, Known, Redeem, Redeemed, Till, Use
from yutang.offer.together import FOREIGN, Terms, terms_of

sql = Queries(__package__)


def redeem(conn: psycopg.Connection, now: datetime, requests: Sequence[Redeem]) -> list[Redeemed]:
    """Use coupons, or hold them: one answer for each request, in order. A request that was answered before gets the same answer;
    its id with another coupon or order is refused (id_reused), and nothing is kept of it.

    Of several requests for one coupon in a batch the first wins; several coupons on one order are judged one after the
    other. Each refusal is kept in redemption. What was redeemed also becomes an event.
    """
    with conn.transaction():
        till = book(conn, now, requests)
        ingest.follow_up(
            conn,
            now,
            [_as_event(judged) for judged in till.judged if judged.answer.ok and not judged.request.hold_until],
        )
    return till.answers


def check(conn: psycopg.Connection, now: datetime, requests: Sequence[Redeem]) -> list[Redeemed]:
    """What `redeem` would answer; nothing is kept."""
    with conn.transaction(force_rollback=True):
        till = _judge(conn, now, requests)
    return till.answers


def confirm(conn: psycopg.Connection, now: datetime, requests: Sequence[str]) -> list[Redeemed]:
    """The orders came about: what these requests hold is redeemed. lapsed: the hold is over; unknown_request: there was none."""
    with conn.transaction():
        rows = {row.request_id: row for row in _confirm(conn, now, requests, late=False)}
        answers = _asked(conn, requests, {"done"})
        told = {
            a.request_id: _event("coupon_redeemed", rows[a.request_id], now, a) for a in answers if a.request_id in rows
        }
        ingest.follow_up(conn, now, told.values())
        return answers


def release(conn: psycopg.Connection, now: datetime, requests: Sequence[str]) -> list[Redeemed]:
    """The orders did not come about: what these requests hold is free again. Answers like `confirm`."""
    with conn.transaction():
        give_back(conn, now, sql.held(conn, requests=list(requests)).fetchall(), "held", "released")
        return _asked(conn, requests, {"released", "lapsed"})


def book(conn: psycopg.Connection, now: datetime, requests: Sequence[Redeem]) -> Till:
    """What `redeem` does; the till also tells which of the answers are new."""
    with conn.transaction():
        till = _judge(conn, now, requests)
        if till.judged:
            _write(conn, till)
        if till.confirmed:
            _confirm(conn, now, till.confirmed, late=True)
        return till


def hold(conn: psycopg.Connection, codes: list[str]) -> dict[str, Any]:
    """Lock coupons until the end of the transaction; by code. One that just went home to another person is found by the second look."""
    found = {row.code: row for row in sql.hold_coupons(conn, codes=terms.texts(codes))}
    if missing := [code for code in codes if code not in found]:
        found |= {row.code: row for row in sql.hold_coupons(conn, codes=terms.texts(missing))}
    return found


def give_back(conn: psycopg.Connection, now: datetime, rows: Sequence[Any], was: str, becomes: str) -> int:
    """Give back the uses of redemptions in the state `was`; rows (request_id, code). Returns how many; repeats do nothing."""
    if not rows:
        return 0
    with conn.transaction():
        _budgets(conn, hold(conn, [row.code for row in rows]))
        back = sql.restore(
            conn, now=now, requests=[row.request_id for row in rows], was=was, becomes=becomes
        ).fetchall()
        ours = [row for row in back if row.definition_id is not None]
        sql.count_stock(
            conn,
            ids=[row.definition_id for row in ours],
            counts=[-row.n for row in ours],
            spent=[-row.fen for row in ours],
            reserved=[row.open_fen for row in ours],
        )
        return sum(row.n for row in back)


def lapse(conn: psycopg.Connection, now: datetime, limit: int, lo: int, hi: int) -> int:
    """Free what was held longer than was asked for; returns how many."""
    with conn.transaction():
        rows = sql.lapsed(conn, now=now, limit=limit, lo=lo, hi=hi).fetchall()
        return give_back(conn, now, rows, "held", "lapsed")


def _confirm(conn: psycopg.Connection, now: datetime, requests: Sequence[str], late: bool) -> list[Any]:
    hold(conn, [row.code for row in sql.held(conn, requests=list(requests))])
    return sql.confirm(conn, now=now, requests=list(requests), late=late).fetchall()


def _asked(conn: psycopg.Connection, requests: Sequence[str], well: set[str]) -> list[Redeemed]:
    """What became of these requests; a state in `well` is what was asked for."""
    known = {row.request_id: row for row in sql.asked(conn, requests=list(requests))}
    return [_outcome(conn, request, known.get(request), well) for request in requests]


def _outcome(conn: psycopg.Connection, request: str, row: Any, well: set[str]) -> Redeemed:
    if row is None:
        return Redeemed(request, Reason.UNKNOWN_REQUEST, 0, None, "refused")
    if row.state in well:
        its = _terms(conn, [row]).get((row.definition_id, row.version), FOREIGN)
        return Redeemed(request, None, _off(its, row.discount_fen), None, row.state, its.sku)
    reason = Reason(row.reason) if row.reason else Reason.ALREADY_REDEEMED if row.state == "done" else Reason.LAPSED
    return Redeemed(request, reason, 0, row.against, "refused")


def _judge(conn: psycopg.Connection, now: datetime, requests: Sequence[Redeem]) -> Till:
    """Locks the coupons, then the stock behind them, and answers."""
    coupons = hold(conn, [request.code for request in requests])
    rows = _handled(conn, requests, coupons)
    its = _terms(conn, [*coupons.values(), *rows])
    known = Known(coupons, its, before=_before(rows, its), uses=_uses(rows, its), refused=_refused(rows))
    known.share()
    limited = {key: one for key, one in its.items() if one.counts_uses}
    if limited:
        known.day = day_began(conn, now)
        known.recent = _recent(conn, known.day, now, coupons, limited)
    known.budgets = _budgets(conn, coupons)
    till = Till(now, known)
    for request in requests:
        till.answer(request)
    return till


def _handled(conn: psycopg.Connection, requests: Sequence[Redeem], coupons: dict[str, Any]) -> list[Any]:
    """What is known of these requests, and of other uses by the holders of their coupons."""
    orders: list[tuple[str, int, int]] = []
    used: list[tuple[str, int]] = []
    for r in requests:
        coupon = coupons.get(r.code)
        if coupon is not None and r.order_id is not None:
            # An amount of nought is one that nobody told.
            orders.append((r.order_id, coupon.person_id, r.amount_fen or -1))
        if coupon is not None and (coupon.uses == 0 or r.how != ASKED):
            used.append((r.code, coupon.person_id))
    return sql.handled(
        conn,
        requests=terms.texts(request.request_id for request in requests),
        orders=terms.texts(order[0] for order in orders),
        persons=terms.array(order[1] for order in orders),
        amounts=terms.array(order[2] for order in orders),
        used_codes=terms.texts(code for code, _ in used),
        holders=terms.array(holder for _, holder in used),
    ).fetchall()


def _terms(conn: psycopg.Connection, rows: Iterable[Any]) -> dict[tuple[int, int], Terms]:
    """The terms of the versions that these coupons were issued under; those of other systems have none."""
    keys = {(row.definition_id, row.version) for row in rows if row.version}
    return {key: terms_of(definitions.at_version(conn, *key)) for key in keys}


def _off(its: Terms, cost_fen: int) -> int:
    """What is said to a till: a gift costs the brand, and takes nothing off."""
    return 0 if its.sku is not None else cost_fen


def _before(rows: list[Any], known: dict[tuple[int, int], Terms]) -> dict[str, list[Kept]]:
    """Answers by request: several where two that came at the same moment had one id."""
    found: dict[str, list[Kept]] = defaultdict(list)
    for row in rows:
        if row.asked:
            answer = _again(row, known.get((row.definition_id, row.version), FOREIGN))
            found[row.request_id].append(Kept(row.code, row.order_id, answer))
    return found


def _refused(rows: list[Any]) -> dict[tuple[str, str], Redeemed]:
    """What events told of and was refused; a code that was unknown then may be known by now."""
    return {
        (row.code, row.order_id): Redeemed(row.request_id, Reason(row.reason), 0, row.against, row.state)
        for row in rows
        if row.state == "refused"
        and row.order_id is not None
        and row.reason != Reason.UNKNOWN_CODE
        and row.request_id.startswith("event:")
    }


def _again(row: Any, its: Terms) -> Redeemed:
    """The answer that was given; a hold that is over is none any more."""
    if row.state in ("released", "lapsed"):
        return Redeemed(row.request_id, Reason.LAPSED, 0, None, "refused")
    if row.reason:
        return Redeemed(row.request_id, Reason(row.reason), 0, row.against, row.state)
    state = "held" if row.state == "held" else "done"
    return Redeemed(row.request_id, None, _off(its, row.discount_fen), None, state, its.sku)


def _uses(rows: list[Any], known: dict[tuple[int, int], Terms]) -> dict[int, list[Use]]:
    """By person, each once, oldest first."""
    uses: dict[int, dict[str, Use]] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: (row.at, row.request_id)):
        if row.state in ("done", "held", "restored"):
            its = known.get((row.definition_id, row.version), FOREIGN)
            uses[row.person_id][row.request_id] = Use(
                row.request_id, row.code, row.order_id, row.amount_fen, row.discount_fen, row.state, row.at, its
            )
    return {person: list(found.values()) for person, found in uses.items()}


def _recent(
    conn: psycopg.Connection,
    day: datetime,
    now: datetime,
    coupons: dict[str, Any],
    limited: dict[tuple[int, int], Terms],
) -> dict[tuple[int, int], list[datetime]]:
    """Uses by the holders of these coupons, as far back as any limit looks."""
    since = min([day, *(now - terms.within for terms in limited.values())]) - timedelta(days=1)
    found: dict[tuple[int, int], list[datetime]] = defaultdict(list)
    for row in sql.recent(
        conn, persons=[c.person_id for c in coupons.values()], ids=[key[0] for key in limited], since=since
    ):
        found[row.person_id, row.definition_id].append(row.at)
    return found


def _budgets(conn: psycopg.Connection, coupons: dict[str, Any]) -> dict[int, int | None]:
    """Lock the stock behind these coupons, as the offers in service have it; what is left of each budget, None without one."""
    ids = sorted({c.definition_id for c in coupons.values() if c.touch_id is not None})
    if not ids:
        return {}
    if offers := [offer for offer in terms.offers(conn) if offer.definition_id in ids]:
        sql.stock_up(conn, **terms.stock_columns(offers))
    rows = sql.hold_stock(conn, ids=ids)
    return {row.definition_id: None if row.budget_fen is None else row.budget_fen - row.spent_fen for row in rows}


def _write(conn: psycopg.Connection, till: Till) -> None:
    used = [
        {"code": coupon.code, "bucket": coupon.bucket, "uses": uses, "state": _state(coupon, uses, held)}
        for coupon, uses, held in till.used()
    ]
    sql.redeem(conn, asked=_json([judged.row() for judged in till.judged]), used=_json(used))
    if till.sums:
        ids = sorted(till.sums)
        counts, spent, freed = map(list, zip(*(till.sums[i] for i in ids), strict=True))
        sql.count_stock(conn, ids=ids, counts=counts, spent=spent, reserved=[-fen for fen in freed])


def _state(coupon: Any, uses: int | None, held: bool) -> str:
    return coupon.state if uses != 0 else "reserved" if held else "redeemed"


def _as_event(judged: Judged) -> tuple[str, str, int, datetime, dict[str, Any]]:
    """A redemption here is a fact about a person like one told from elsewhere; its request id says that it is booked."""
    told = _Told(judged.person_id, judged.request.code, judged.request.order_id)
    return _event(judged.event, told, judged.at, judged.answer)


class _Told(NamedTuple):
    """Whose coupon was used on what."""

    person_id: int
    code: str
    order_id: str | None


def _event(type: str, told: Any, at: datetime, answer: Redeemed) -> tuple[str, str, int, datetime, dict[str, Any]]:
    props = {"code": told.code, "amount_fen": answer.discount_fen, "request_id": answer.request_id}
    order = {"order_id": told.order_id} if told.order_id else {}
    gift = {"gift": answer.gift} if answer.gift else {}
    return f"redeemed:{answer.request_id}", type, told.person_id, at, props | order | gift


def _json(rows: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
