"""Letters that failed for good: nobody was told anything, so nobody is charged with a contact, and nothing is owed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import psycopg

from yutang import decide, definitions, offer
from yutang.db.queries import Queries
from yutang.deliver.asks import WALLET, asks
from yutang.deliver.wallet import VALID

sql = Queries(__package__)


def undo(conn: psycopg.Connection, now: datetime, failed: Sequence[tuple[int, int]]) -> None:
    """failed: (person, touch) of each; in the transaction that writes down that they failed, as its last thing: stock is locked.

    Whoever holds a link to their wallet may have seen the coupon there: theirs stays until its own end.
    """
    if not failed:
        return
    persons, touches = map(list, zip(*failed, strict=True))
    decide.freed(conn, now, persons)
    rows = sql.untold(conn, persons=persons, touches=touches, since=now - VALID).fetchall()
    offer.take_back(conn, now, [row.code for row in rows if not any(map(_shows_wallet(conn), row.heard or ()))])


def _shows_wallet(conn: psycopg.Connection) -> Callable[[list[int]], bool]:
    """Does a message, by the numbers of it and its version, carry the link?"""

    def shows(key: list[int]) -> bool:
        found = definitions.find(conn, key[0], key[1])
        return found is not None and WALLET in asks(found.body)

    return shows
