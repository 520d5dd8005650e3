"""Whose persons a visitor of the console sees: all of them, those of his stores, or his own.

A person belongs to a store when one of the person's events names it (``props.store``: ordered, scanned, became a contact there …),
or the trait ``store`` does; so somebody who buys in two stores is seen by both. A person is somebody's own while he is the person's
contact (the newest of contact_added, contact_moved and contact_lost between the two says so), when the trait ``owner`` names him, or
when he has an open task about the person. Whoever is outside is answered like one who does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from yutang.db.queries import Queries
from yutang.model import bucket_of
from yutang.web.access import Visitor
from yutang.web.problems import Problem

sql = Queries(__package__)
WITHIN = {"stores": sql.within_stores, "own": sql.within_own}
FOLLOWING = {"stores": sql.following_stores, "own": sql.following_own}


def sees(conn: psycopg.Connection, visitor: Visitor, person_id: int) -> bool:
    """May he see this person? (Of somebody merged away, ask about whoever holds the facts now.)"""
    return visitor.role.scope == "all" or bool(within(conn, visitor, [person_id]))


def check(conn: psycopg.Connection, visitor: Visitor, person_id: int) -> None:
    """Raises Problem 404 for a person whom he may not see, in the words for one who is not there."""
    if not sees(conn, visitor, person_id):
        raise Problem(404, f"没有顾客 {person_id}。 there is no person {person_id}")


def within(conn: psycopg.Connection, visitor: Visitor, persons: Sequence[int]) -> list[int]:
    """Those of `persons` whom he may see, in their order."""
    if visitor.role.scope == "all":
        return list(persons)
    params = _of(visitor) | {"persons": list(persons)}
    seen = {row.person_id for row in WITHIN[visitor.role.scope](conn, **params)}
    return [person for person in persons if person in seen]


def following(conn: psycopg.Connection, visitor: Visitor, after: int | None, limit: int) -> list[int]:
    """The next persons of a visitor who does not see all of them, in the order of the key (bucket, person).

    Fewer than `limit` only where there are no more, but a few of them may not be his any longer: narrow them by `within`.
    """
    place = {"bucket": -1 if after is None else bucket_of(after), "person": after or 0, "limit": limit}
    return [row.person_id for row in FOLLOWING[visitor.role.scope](conn, **_of(visitor), **place)]


def _of(visitor: Visitor) -> dict[str, Any]:
    """Who has no store, or is no member of staff, sees nobody: nothing equals null."""
    if visitor.role.scope == "stores":
        return {"stores": [store.lower() for store in visitor.stores]}
    return {"staff": visitor.staff.lower() if visitor.staff else None}
