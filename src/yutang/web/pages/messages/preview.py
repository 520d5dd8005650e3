"""A message as somebody would get it: rendered for a made-up person, or for a real one, and cut to what each channel shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

import psycopg

from yutang import config, definitions, profile
from yutang.brand.uses import journeys_of, offers_with, uses
from yutang.channels import attachments
from yutang.channels.attachments import kind_of
from yutang.channels.platform import account
from yutang.clock import business_day
from yutang.db.queries import Queries
from yutang.deliver import preference, wallet
from yutang.deliver.asks import FORETOLD, PRODUCTS
from yutang.deliver.foretold import Foretold, foretold
from yutang.deliver.render import CannotRender, discount, render, render_all, variables, yuan
from yutang.deliver.template import PARTS, Asked
from yutang.ingest import catalog
from yutang.model import YutangError
from yutang.offer import terms
from yutang.segment.operators import PREDICTIONS
from yutang.web.drafting import Draft
from yutang.web.edge import Edge
from yutang.web.pages.messages.variables import Unknown, asked_for, unknown
from yutang.web.pages.offers.book import FILE, bodies

sql = Queries(__package__)
SOMEBODY = {
    "name": "林小满",
    "city": "杭州",
    "gender": "女",
    "birthday": "03-18",
    "member_level": "金卡",
    "store": "湖滨店",
}
"""Whom a preview is for where nobody is chosen; there is no such person."""
BOTH = frozenset((PRODUCTS, FORETOLD))
GOODS: list[dict[str, Any]] = [
    {"id": "A1", "title": "燕麦拿铁", "price": "18元", "url": "https://example.com/a1", "category": "咖啡"},
    {"id": "B2", "title": "桂花酒酿蛋糕", "price": "26元", "url": "https://example.com/b2", "category": "烘焙"},
    {"id": "C3", "title": "挂耳咖啡 10 片", "price": "59元", "url": "https://example.com/c3", "category": "零售"},
]
SAMPLE = Foretold({0: GOODS}, {0: dict.fromkeys(PREDICTIONS, 0.5) | {
    "orders_90d": 3.2, "p_order_90d": 0.81, "p_alive": 0.93, "value_90d": 14200.0, "margin_90d": 8500.0, "next_order_day": "2026-03-09",
}})  # fmt: skip
"""What is foretold of the made-up person."""
OWN_PAGES = {"preferences": preference.PATH, "wallet": wallet.PATH}
"""The variables that are the address of a page of the person's own, by its path; there where browsers reach us by an address."""
PLAIN_COUPON = {"code": "1f70c2a94be35d68", "discount": "8.5折"}
CODE_DAYS = 7
ONE_PART, EACH_PART = 70, 67
"""Characters of a text message in one part, and of each part of a longer one, as its encoding leaves room for."""


@dataclass(frozen=True)
class Parts:
    """A text message as it is charged: its characters with the signature, and its parts."""

    characters: int
    parts: int


@dataclass(frozen=True)
class Seen:
    """What is shown. words: None where it cannot be rendered, and `error` says why. problems: what the channel would refuse.
    charged: of a text message."""

    channel: str
    kind: str
    subject: str
    words: str | None
    attachments: list[dict[str, Any]]
    error: str | None
    problems: list[str]
    unknown: list[Unknown]
    sign: str | None = None
    charged: Parts | None = None
    sample: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """What a preview is made of. person: a real one; None for the made-up one. coupon: with one, or without."""

    name: str
    channel: str
    subject: str
    body: str
    attachments: Sequence[Mapping[str, Any]] = ()
    task: Mapping[str, Any] = field(default_factory=dict)
    person: int | None = None
    coupon: bool = True


def seen(conn: psycopg.Connection, edge: Edge, draft: Draft, look: Look) -> Seen:
    """The preview. Reads what is known of variables and of the sample; changes nothing."""
    texts = [look.subject, look.body, *_texts(list(look.attachments))]
    asked = list({str(one): one for text in texts for one in asked_for(text)}.values())
    values = _values(conn, edge, draft, look, asked)
    kind, sign = kind_of(look.channel), _sign(conn, edge, look.channel)
    missing = unknown(asked, known(conn, draft, look.name))
    try:
        subject, words = render(look.subject, look.body, values)
        cards = render_all(list(look.attachments), values)
    except CannotRender as error:
        return Seen(
            look.channel, kind, look.subject, None, [], str(error), [], missing, sign, None, values["person"], look.task
        )
    problems = attachments.problems(look.channel, words, cards)
    charged = parts_of(words, sign) if kind in attachments.CHARGED else None
    return Seen(
        look.channel, kind, subject, words, cards, None, problems, missing, sign, charged, values["person"], look.task
    )


def parts_of(words: str, sign: str | None) -> Parts:
    """How a text message is charged: 70 characters in one part, 67 in each of several; an emoji counts two."""
    n = len(f"【{sign or '签名'}】{words}".encode("utf-16-le")) // 2
    return Parts(n, 1 if n <= ONE_PART else ceil(n / EACH_PART))


def known(conn: psycopg.Connection, draft: Draft, name: str) -> dict[str, list[str] | None]:
    """The variables that a message may use, by root; None: any part may be asked for.

    Traits are those that people of the pond have, run those that the events of the journeys with this message carry.
    """
    traits = sorted({row.name for row in sql.traits(conn)} - {"name"})
    found: dict[str, list[str] | None] = {
        "person": ["name", *traits, FORETOLD],
        **{root: list(parts) for root, parts in PARTS.items()},
    }
    found["run"] = _props(conn, draft, name)
    found[PRODUCTS] = None
    return found | (dict.fromkeys(OWN_PAGES) if config.PUBLIC_URL.value else {})


def _props(conn: psycopg.Connection, draft: Draft, name: str) -> list[str] | None:
    """None where no journey that an event begins uses it: then nobody knows."""
    journeys = _journeys(conn, draft)
    mine = [journeys[one] for one in uses(journeys, "message").get(name, [])]
    events = [type for body in mine for type in (body["trigger"] or {}).get("event") or []]
    if not events:
        return None
    return sorted({f.name for type in events if type in catalog.BY_NAME for f in catalog.BY_NAME[type].fields})


def _journeys(conn: psycopg.Connection, draft: Draft) -> dict[str, dict[str, Any]]:
    return journeys_of(draft.working.files, {d.name: d.body for d in definitions.all_current(conn, "journey")})


def _values(conn: psycopg.Connection, edge: Edge, draft: Draft, look: Look, asked: Sequence[Asked]) -> dict[str, Any]:
    pond = definitions.pond(conn)
    traits = _traits(conn, look.person) if look.person is not None else SOMEBODY | _stand_in("person", asked, SOMEBODY)
    coupon = _coupon(conn, edge.clock(), draft, look.name, pond) if look.coupon else None
    run = _stand_in("run", asked, {})
    said = SAMPLE if look.person is None else foretold(conn, edge.clock(), pond, [(look.person, BOTH)])
    values = variables(traits, coupon, {"title": pond["title"]["zh"]}, run, *said.of(look.person or 0))
    if url := config.PUBLIC_URL.value:
        values |= {name: f"{url}{path}/…" for name, path in OWN_PAGES.items()}
    return values


def _stand_in(root: str, asked: Sequence[Asked], there: Mapping[str, Any]) -> dict[str, str]:
    """A word in the place of each part that the sample does not have."""
    return {one.part: f"〔{one.part}〕" for one in asked if one.root == root and one.part and one.part not in there}


def _traits(conn: psycopg.Connection, person_id: int) -> dict[str, Any]:
    return {name: trait["value"] for name, trait in profile.card(conn, person_id)["traits"].items()}


def _coupon(
    conn: psycopg.Connection, now: datetime, draft: Draft, name: str, pond: Mapping[str, Any]
) -> dict[str, Any]:
    """A coupon like the one that goes out with the message; of a ladder its first rung."""
    offers = bodies(draft.text(FILE)) or {d.name: d.body for d in definitions.all_current(conn, "offer")}
    body = next((offers[one] for one in offers_with(_journeys(conn, draft), name) if one in offers), None)
    days = body["valid_days"] if body else CODE_DAYS
    expires = business_day(now + timedelta(days=days), pond["time_zone"]).isoformat()
    return PLAIN_COUPON | ({"discount": _worth(body)} if body else {}) | {"expires": expires}


def _worth(body: Mapping[str, Any]) -> str:
    if body["sort"] == "gift":
        return body["title"]["zh"]
    if body["sort"] == "red_packet":
        return f"{yuan(terms.worth_fen(body, 0))}红包"
    pay = terms.rungs(body)[0] if body["sort"] == "ladder" else body["pay_percent"]
    return discount(pay, body.get("off_fen"), body["minimum_fen"], body.get("value_fen", 0))


def _sign(conn: psycopg.Connection, edge: Edge, channel: str) -> str | None:
    """The signature of the account that would send it; None where there is none."""
    if (kind := kind_of(channel)) not in attachments.CHARGED:
        return None
    try:
        accounts = account.every(conn, edge.vault)
    except YutangError:
        return None
    mine = [one for one in accounts if one.kind == kind]
    best = [one for one in mine if one.channel == channel] or mine
    return best[0].get("sign") if best else None


def _texts(part: Any) -> list[str]:
    if isinstance(part, Mapping):
        return [text for item in part.values() for text in _texts(item)]
    if isinstance(part, list):
        return [text for item in part for text in _texts(item)]
    return [part] if isinstance(part, str) else []
