"""The counter: is this code good, whose is it, why not; and redeem it, for whoever stands at a till."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
from litestar import Request, Response

from yutang import definitions, offer, users
from yutang.db.queries import Queries
from yutang.model import Reason
from yutang.offer import Redeem, Redeemed
from yutang.web.edge import Edge, edge_of
from yutang.web.forms import Form, text_of
from yutang.web.pages.offers.form import fen
from yutang.web.pages.offers.page import sees_page
from yutang.web.pages.offers.text import TEXT
from yutang.web.pages.offers.words import both
from yutang.web.pages.page import Page, done
from yutang.web.problems import Problem
from yutang.web.routes import act, look
from yutang.why import words

sql = Queries(__package__)
LONGEST = 200


@dataclass(frozen=True)
class Answer:
    """What is known of a code. coupon: None where there is none. sees: may whoever asks open its holder's page?"""

    code: str
    judged: Redeemed
    coupon: Any = None
    title: words.Words | None = None
    sees: bool = False


@look("/counter", "tasks")
def counter(request: Request) -> Response[bytes]:
    """The empty counter; ``?code=`` fills the code in."""
    with edge_of(request).pool.lend() as conn:
        return _show(request, conn, {"code": request.query_params.get("code", "")}, None)


@act("/counter", "tasks")
def ask(request: Request, data: Form) -> Response[Any]:
    """Look a code up, or redeem it (``do=redeem``); the form's own `request` makes a second tap harmless."""
    edge, typed = edge_of(request), {name: text_of(data, name) for name in ("code", "amount", "order")}
    code, amount = typed["code"].replace(" ", "").lower()[:LONGEST], fen(typed["amount"])
    _not_too_often(request, edge)
    with edge.pool.lend() as conn:
        wrong = "wrong.code" if not code else "wrong.yuan" if typed["amount"] and amount is None else None
        if wrong:
            return _show(request, conn, typed, None, wrong, status=422)
        code = _as_kept(conn, code, typed["code"])
        use = Redeem(text_of(data, "request") or f"counter:{uuid4()}", code, typed["order"] or None, amount)
        judged = offer.check(conn, edge.clock(), [use])[0]
        _count(request, edge, judged)
        if text_of(data, "do") == "redeem" and judged.ok:
            return _redeem(request, conn, edge, use)
        return _show(request, conn, typed, _answer(request, conn, code, judged))


def _redeem(request: Request, conn: psycopg.Connection, edge: Edge, use: Redeem) -> Response[Any]:
    with conn.transaction():
        booked = offer.redeem(conn, edge.clock(), [use])[0]
        users.note(
            conn, edge.clock(), request.state.visitor.name, "redeem", _offer_of(conn, use.code), {"ok": booked.ok}
        )
    if not booked.ok:
        return _show(request, conn, {"code": use.code}, _answer(request, conn, use.code, booked), status=409)
    if booked.gift:
        said = both(f"已核销，请交付礼品 {booked.gift}", f"Redeemed; hand over the gift {booked.gift}")
    else:
        off = booked.discount_fen / 100
        said = both(f"已核销，本单减 {off:.2f} 元", f"Redeemed; {off:.2f} yuan off this order")
    return done("/counter", said["zh"], said["en"])


def _as_kept(conn: psycopg.Connection, code: str, typed: str) -> str:
    """Codes of ours are small letters and digits; those of other systems are as they are."""
    return code if sql.coupon(conn, code=code).fetchone() is not None else typed[:LONGEST]


def _answer(request: Request, conn: psycopg.Connection, code: str, judged: Redeemed) -> Answer:
    coupon = sql.coupon(conn, code=code).fetchone()
    if coupon is None:
        return Answer(code, judged)
    found = definitions.find(conn, coupon.definition_id, coupon.version)
    title = words.title_of(found.body, found.name) if found else both("其他系统的券", "A coupon of another system")
    return Answer(code, judged, coupon, title, sees_page(request, conn, coupon.person_id))


def _show(
    request: Request,
    conn: psycopg.Connection,
    typed: dict[str, str],
    answer: Answer | None,
    wrong: str | None = None,
    status: int = 200,
) -> Response[bytes]:
    page = Page.of(request, conn, TEXT)
    return page.show(
        "offers/counter.html",
        status=status,
        typed={"amount": "", "order": ""} | typed,
        answer=answer,
        reason=answer and words.reason(answer.judged.reason),
        states=words.COUPONS,
        wrong=wrong,
        number_of_request=f"counter:{uuid4()}",
    )


def _offer_of(conn: psycopg.Connection, code: str) -> str:
    coupon = sql.coupon(conn, code=code).fetchone()
    found = coupon and definitions.find(conn, coupon.definition_id, coupon.version)
    return f"offer/{found.name if found else 'other'}"


def _who(request: Request) -> str:
    return f"{request.state.visitor.name} {request.client.host if request.client else ''}"


def _not_too_often(request: Request, edge: Edge) -> None:
    """Codes must not be found by trying."""
    if edge.guesses.reached(_who(request), edge.clock()):
        raise Problem(429, Reason.TOO_MANY_TRIES.both, Reason.TOO_MANY_TRIES.value)


def _count(request: Request, edge: Edge, judged: Redeemed) -> None:
    if judged.reason in (Reason.UNKNOWN_CODE, Reason.NOT_YOURS):
        edge.guesses.allows(_who(request), edge.clock())
