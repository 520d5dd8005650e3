"""A person's coupons on the phone, and what they are likely to buy next. Whoever holds the signed link sees both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import segno
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from yutang import definitions
from yutang.clock import business_day
from yutang.db.queries import Queries
from yutang.deliver.render import discount, yuan
from yutang.deliver.wallet import PATH, holder
from yutang.identity import canonical
from yutang.model import YutangError, bucket_of
from yutang.offer.definition import PLAIN
from yutang.predict.products.told import products
from yutang.web.edge import Edge, edge_of
from yutang.web.pages.page import Page
from yutang.web.pages.wallet.text import TEXT
from yutang.web.routes import in_thread

sql = Queries(__package__)
MOST = 60
"""Coupons shown."""
GOODS = 4
"""Products shown below them."""
SOON = 7
"""Days before its end from which a coupon counts them."""
PRIVATE = {"x-robots-tag": "noindex"}

Words = dict[str, str]


@dataclass(frozen=True)
class Held:
    """A coupon as its owner reads it. worth: short; terms: what holds besides; days: until it ends, None where it is far off."""

    code: str
    title: Words
    worth: Words
    terms: list[Words]
    own: bool
    open: bool
    state: str
    uses: int | None
    begins: datetime | None
    last_day: datetime | None
    days: int | None

    @property
    def picture(self) -> str:
        """The code for a scanner, as an address that carries the picture itself."""
        return segno.make(self.code, error="m", micro=False).svg_data_uri(scale=6, border=2, light="#ffffff")


@get(f"{PATH}/{{token:str}}", include_in_schema=False)
@in_thread
def wallet(request: Request, token: FromPath[str]) -> Response[bytes]:
    """The coupons that can be used, below them what is picked for the person, and those that are over."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        pond, person = definitions.pond(conn), _person(edge, conn, token)
        page = Page(request, pond["time_zone"], TEXT)
        if person is None:
            return page.show("wallet/gone.html", status=410, headers=PRIVATE, pond=pond)
        coupons, picked = held(conn, person, edge.clock()), products(conn, person, edge.clock(), GOODS).products
    here = [one for one in coupons if one.open]
    over = [one for one in coupons if not one.open]
    return page.show("wallet/page.html", headers=PRIVATE, pond=pond, coupons=here, over=over, picked=picked)


def _person(edge: Edge, conn: psycopg.Connection, token: str) -> int | None:
    """Who holds the facts today of the person whose link it is."""
    named = holder(edge.vault, edge.clock(), token)
    try:
        return None if named is None else canonical(conn, named)
    except YutangError:
        return None


def held(conn: psycopg.Connection, person: int, now: datetime) -> list[Held]:
    """What a person has, or had: first what can be used, by its end."""
    rows = sql.coupons(conn, bucket=bucket_of(person), person=person, now=now, limit=MOST).fetchall()
    offers = {key: definitions.find(conn, *key) for key in {(row.definition_id, row.version) for row in rows}}
    zone = definitions.pond(conn)["time_zone"]
    return [_held(row, offers[row.definition_id, row.version], now, zone) for row in rows]


def _held(row: Any, offer: definitions.Definition | None, now: datetime, zone: str) -> Held:
    body = PLAIN | (offer.body if offer else {"title": _both(*TEXT["coupon"]), "sort": "coupon", "stackable": True})
    last = row.expires_at and row.expires_at - timedelta(seconds=1)
    left = (business_day(last, zone) - business_day(now, zone)).days if last else None
    return Held(
        code=row.code,
        title=body["title"],
        worth=_worth(row, body),
        terms=_terms(row, body),
        own=bool(row.rung),
        open=row.open,
        state=row.state if row.open or row.state == "redeemed" else "expired",
        uses=row.uses if row.uses is not None and row.uses > 1 else None,
        begins=row.valid_from if row.valid_from > now else None,
        last_day=last,
        days=left if left is not None and left <= SOON else None,
    )


def _worth(row: Any, body: dict[str, Any]) -> Words:
    """Of the coupon as it was given out, whatever its offer says by now."""
    if body["sort"] == "gift":
        return _both(*TEXT["gift"])
    if body["sort"] == "red_packet":
        zh, en = TEXT["packet"]
        return _both(zh.format(amount=yuan(row.value_fen)), en.format(amount=f"¥{row.value_fen / 100:g}"))
    fen = row.value_fen if row.off_fen is None else row.off_fen
    en = f"{100 - row.pay_percent}% off" if row.pay_percent is not None else f"¥{fen / 100:g} off"
    return _both(discount(row.pay_percent, row.off_fen, 0, row.value_fen), en)


def _terms(row: Any, body: dict[str, Any]) -> list[Words]:
    found = []
    if row.minimum_fen:
        found.append(_both(f"满{yuan(row.minimum_fen)}可用", f"from ¥{row.minimum_fen / 100:g}"))
    if body["sort"] == "gift":
        found.append(_both(*TEXT["pick_up" if body.get("hand_over") == "pick_up" else "with_order"]))
    if body["sort"] in ("coupon", "ladder") and not body["stackable"]:
        found.append(_both(*TEXT["alone"]))
    return found


def _both(zh: str, en: str) -> Words:
    return {"zh": zh, "en": en}


ROUTES: list[HTTPRouteHandler] = [wallet]
