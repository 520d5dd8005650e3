"""Letters that failed for good: nobody was told anything, so nobody is charged with a contact, and nothing is owed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg

from yutang import decide, definitions, offer
from yutang.db.queries import Queries
from yutang.deliver.asks import WALLET, asks
from yutang.deliver.wallet import VALID

sql = Queries(__package__)


class Failed(NamedTuple):
    """sure: that nothing arrived. A try without an answer, such as a line that went dead, may have."""

    person_id: int
    touch_id: int
    sure: bool = True


def undo(conn: psycopg.Connection, now: datetime, failed: Sequence[Failed]) -> None:
    """In the transaction that writes down that they failed, as its last thing: stock is locked.

    Whoever may have got the letter, or holds a link to their wallet, may know of the coupon: theirs stays until its own end.
    """
    decide.freed(conn, now, [one.person_id for one in failed])
    sure = [one for one in failed if one.sure]
    about = {"persons": [one.person_id for one in sure], "touches": [one.touch_id for one in sure]}
    rows = sql.untold(conn, since=now - VALID, **about).fetchall() if sure else []
    offer.take_back(conn, now, [row.code for row in rows if not any(map(_shows_wallet(conn), row.heard or ()))])


def _shows_wallet(conn: psycopg.Connection) -> Callable[[list[int]], bool]:
    """Does a message, by the numbers of it and its version, carry the link?"""

    def shows(key: list[int]) -> bool:
        found = definitions.find(conn, key[0], key[1])
        return found is not None and WALLET in asks(found.body)

    return shows
