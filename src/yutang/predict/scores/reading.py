"""Some of a pond's people as arrays: what they did on which days, and which coupons they were given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import psycopg

from yutang.db.queries import Queries
from yutang.model import BUCKETS, EVERYBODY, Only
from yutang.predict.histories import Ledger
from yutang.predict.reading import net
from yutang.predict.scores.days import Days, Seen
from yutang.predict.scores.features import KINDS
from yutang.segment.moment import day_of
from yutang.segment.transport import columns

sql: Any = Queries(__package__)
MOST_PEOPLE = 200_000
"""Of more people, so many are learned from."""
LONGEST = 90
"""Days within which a coupon counts as used, where it is valid for longer or for ever."""


@dataclass(frozen=True)
class Coupons:
    """One entry per coupon: its holder's index (of `coupons`: id), its offer, the day of issue, the day of its end, and the day of its first use (0: never)."""

    person: np.ndarray
    offer: np.ndarray
    issued: np.ndarray
    end: np.ndarray
    used: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    @property
    def in_time(self) -> np.ndarray:
        """Was it used while it was valid?"""
        return (self.used > 0) & (self.used <= self.end)


@dataclass(frozen=True)
class Pond:
    """ids: the person behind each index, ascending; kinds: what they did, by kind, before `until`; first: everybody's first day."""

    ids: np.ndarray
    kinds: dict[str, Days]
    coupons: Coupons
    until: int
    first: int

    def seen(self, person: np.ndarray, day: int) -> Seen:
        return Seen(self.kinds, person, np.full(len(person), day, np.int64))

    def ledger(self) -> Ledger:
        """The order days alone, for the models of orders."""
        cells = self.kinds["ordered"]
        person, day = np.divmod(cells.key, 1 << 20)
        return Ledger(len(self.ids), person, day, np.diff(cells.fen))


def some(conn: psycopg.Connection) -> Only:
    """So many buckets that about `MOST_PEOPLE` people are in them."""
    people = sql.people(conn).fetchone().n
    return EVERYBODY if people <= MOST_PEOPLE else Only(0, max(0, BUCKETS * MOST_PEOPLE // people - 1))


def parts(count: int) -> list[Only]:
    """All buckets in so many equal parts."""
    size = BUCKETS // count
    return [Only(n * size, (n + 1) * size - 1) for n in range(count)]


def read(conn: psycopg.Connection, until: int, zone: str, only: Only = EVERYBODY) -> Pond:
    """What these people did on the business days before `until` (since 2000)."""
    types = list(dict.fromkeys(type for some in KINDS.values() for type in some))
    person, type, day, times, fen = columns(conn, sql.cells, "qiiiq", only, until=day_of(until), known=types)
    merged = _merged(conn, only)
    if len(merged):
        mine = ~np.isin(person, merged)
        person, type, day, times, fen = (column[mine] for column in (person, type, day, times, fen))
    held = coupons(conn, until, zone, only, merged)
    ids = np.unique(np.concatenate([person, held.person]))
    index = np.searchsorted(ids, person)
    held = replace(held, person=np.searchsorted(ids, held.person))
    meant = {name: [types.index(one) + 1 for one in some] for name, some in KINDS.items()}
    kinds = {name: _cells(np.isin(type, places), index, day, times, fen) for name, places in meant.items()}
    kinds["ordered"] = _net(kinds, ids)
    kinds["any"] = Days.of(index, day, np.ones(len(index), np.int64), np.zeros(len(index), np.int64))
    return Pond(ids, kinds | of_coupons(held), held, until, int(day.min()) if len(day) else until)


def coupons(
    conn: psycopg.Connection, until: int, zone: str, only: Only = EVERYBODY, merged: np.ndarray | None = None
) -> Coupons:
    """The coupons given on the business days before `until`, with the ids of their holders; but for people who were merged."""
    holder, offer, issued, end, used = columns(conn, sql.coupons, "qiiii", only, until=day_of(until), zone=zone)
    # A coupon may not be known to be used on a day that is not over.
    used = np.where(used < until, used, 0).astype(np.int64)
    issued = issued.astype(np.int64)
    end = np.where(end > 0, np.minimum(end, issued + LONGEST), issued + LONGEST)
    held = ~np.isin(holder, _merged(conn, only) if merged is None else merged)
    return Coupons(holder[held], offer[held], issued[held], end[held], used[held])


def _merged(conn: psycopg.Connection, only: Only) -> np.ndarray:
    (found,) = columns(conn, sql.merged, "q", only)
    return found


def _cells(mine: np.ndarray, person: np.ndarray, day: np.ndarray, times: np.ndarray, fen: np.ndarray) -> Days:
    return Days.of(person[mine], day[mine], times[mine], fen[mine])


def _net(kinds: dict[str, Days], ids: np.ndarray) -> Days:
    """The orders after refunds: each off the order day before it."""
    made, back = kinds["ordered"], kinds["refunded"]
    person, day = np.divmod(made.key, 1 << 20)
    whose, when = np.divmod(back.key, 1 << 20)
    left = net(Ledger(len(ids), person, day, np.diff(made.fen)), ids, ids[whose], when, np.diff(back.fen))
    return Days(made.key, made.times, np.r_[0, np.cumsum(left)])


def of_coupons(coupons: Coupons) -> dict[str, Days]:
    """Coupons as what happened to people: ``given`` and ``used``, one each."""
    ones = np.ones(len(coupons), np.int64)
    taken = coupons.used > 0
    return {
        "given": Days.of(coupons.person, coupons.issued, ones, 0 * ones),
        "used": Days.of(coupons.person[taken], coupons.used[taken], ones[taken], 0 * ones[taken]),
    }
