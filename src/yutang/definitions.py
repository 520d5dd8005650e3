"""Immutable versions of what people wrote: the pond, segments, journeys, offers and messages.

A definition has one id for its name and a version for each text. Stages read the current versions; whatever began
under an older version finds it here for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.types.json import Jsonb

from yutang.db.queries import Queries

sql = Queries("yutang")
_seen: WeakKeyDictionary[psycopg.Connection, dict[tuple[int, int], Definition]] = WeakKeyDictionary()
_still: WeakKeyDictionary[psycopg.Connection, dict[str, list[Definition]]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Definition:
    """One version of one definition; `body` is what the loader checked and normalised."""

    definition_id: int
    version: int
    kind: str
    name: str
    body: dict[str, Any]


def publish(
    conn: psycopg.Connection, now: datetime, kind: str, name: str, body: dict[str, Any], source: str
) -> Definition:
    """Store `body` as the current version of ``kind/name``; the same body again adds nothing. Returns the current version."""
    with conn.transaction():
        sql.one_at_a_time(conn)
        newest = sql.newest(conn, kind=kind, name=name).fetchone()
        if newest is None or newest.body != body or newest.retired_at is not None:
            sql.publish(conn, kind=kind, name=name, body=Jsonb(body), source=source, now=now)
        found = current(conn, kind, name)
        assert found is not None
        return found


def retire(conn: psycopg.Connection, now: datetime, kind: str, keep: list[str]) -> list[str]:
    """Take every definition of `kind` whose name is not in `keep` out of service; returns their names."""
    return [row.name for row in sql.retire(conn, kind=kind, keep=keep, now=now)]


def hold(conn: psycopg.Connection) -> None:
    """Nobody else changes what is in service until the transaction ends."""
    sql.one_at_a_time(conn)


def forget(conn: psycopg.Connection) -> None:
    """A transaction that published was taken back, so what was read of it never existed."""
    _seen.pop(conn, None)


def current(conn: psycopg.Connection, kind: str, name: str) -> Definition | None:
    """The version in service, or None."""
    return next((d for d in all_current(conn, kind) if d.name == name), None)


def all_current(conn: psycopg.Connection, kind: str) -> list[Definition]:
    """Every definition of `kind` in service, by name."""
    if (still := _still.get(conn)) is not None and kind in still:
        return list(still[kind])
    found = [_read(conn, row.definition_id, row.version) for row in sql.current(conn, kind=kind)]
    if still is not None:
        still[kind] = list(found)
    return found


def moved(conn: psycopg.Connection, stage: str, parts: Sequence[str]) -> bool:
    """Are these parts of the pond others than those by which the stage last worked? Whoever hears yes does in the same transaction what follows
    from it; nobody else hears it then. A pond of which the stage has never heard is another one."""
    now_is = pond(conn)
    told = Jsonb({part: now_is[part] for part in parts})
    return not sql.followed(conn, stage=stage, parts=told).rowcount and bool(
        sql.follow(conn, stage=stage, parts=told).rowcount
    )


def retired(conn: psycopg.Connection, *kinds: str) -> list[int]:
    """The ids of what was in service and is no more."""
    return [row.definition_id for row in sql.out_of_service(conn, kinds=list(kinds))]


def retired_since(conn: psycopg.Connection, stage: str, *kinds: str) -> list[int]:
    """The same, where it is another list than when the stage last asked, else nothing; whoever hears it acts in the same transaction, as of `moved`."""
    gone = sorted(retired(conn, *kinds))
    told = Jsonb({"retired": gone})
    anew = (
        not sql.followed(conn, stage=stage, parts=told).rowcount and sql.follow(conn, stage=stage, parts=told).rowcount
    )
    return gone if anew else []


def stand_still(conn: psycopg.Connection) -> None:
    """From now on nobody publishes anything in the pond of this connection (a replay's own): what is in service is read once."""
    _still[conn] = {}


def at_version(conn: psycopg.Connection, definition_id: int, version: int) -> Definition:
    """One version, in service or not. Raises KeyError when it never existed."""
    return _read(conn, definition_id, version)


def find(conn: psycopg.Connection, definition_id: int, version: int) -> Definition | None:
    """One version, in service or not; None when it never existed."""
    try:
        return _read(conn, definition_id, version)
    except KeyError:
        return None


def _read(conn: psycopg.Connection, definition_id: int, version: int) -> Definition:
    """Versions never change, so each connection reads each once."""
    seen = _seen.setdefault(conn, {})
    if (key := (definition_id, version)) not in seen:
        row = sql.version(conn, definition_id=definition_id, version=version).fetchone()
        if row is None:
            raise KeyError(f"no version {version} of definition {definition_id}")
        seen[key] = Definition(*row)
    return seen[key]


POND: dict[str, Any] = {
    "name": "pond",
    "title": {"zh": "鱼塘", "en": "Pond"},
    "time_zone": "Asia/Shanghai",
    "sources": [],
    "earliest": "2000-01-01",
    "rfm": {"recency_days": [7, 30, 90, 180], "frequency": [2, 4, 8, 16], "monetary_fen": [5000, 20000, 50000, 100000]},
    "life": {"growing_orders": 2, "mature_orders": 5, "dormant_days": 60, "lost_days": 180},
    "budget": {"window_days": 7, "marketing": 3, "companion": 2, "service": None, "total": None},
    "price": {},
    "cost_fen": {},
    "quiet": {"from": "22:00", "to": "08:00", "holidays": []},
    "consent": {
        "sandbox": "assumed",
        "email": "required",
        "webhook": "assumed",
        "wecom": "assumed",
        "official_account": "assumed",
        "miniprogram": "assumed",
        "sms": "required",
        "customer_service": "assumed",
        "staff": "assumed",
    },
    "reach": {
        "email": "email",
        "wecom": "external_userid",
        "official_account": "openid",
        "miniprogram": "openid",
        "sms": "phone",
        "customer_service": "external_userid",
    },
    "holdout_percent": 2,
    "margin_percent": None,
    "approval": {"required": False},
    "history": {"hot_days": None},
    "recommend": {"never": [], "never_categories": [], "not_again_days": 0},
}
"""The pond's settings where a brand says nothing else.

budget: points that a person may be spent in any `window_days`, per class and in all; None: without limit. price: points of
one touch by channel (1 where none is named). cost_fen: what one touch costs, by channel (0 where none is named).
recommend: products and categories that are never told to anybody, and for how many days what was bought is not told again (0: it may be).
history.hot_days: after how many days PostgreSQL lets go of events that are only counted, once the lake has them; None: never.
margin_percent: of what an order is worth before coupons, where the order does not tell its margin; None: nobody knows.
"""


def pond(conn: psycopg.Connection) -> dict[str, Any]:
    """The pond's settings in force: the brand's words over the defaults."""
    found = current(conn, "pond", "pond")
    return POND | (found.body if found else {})
