"""Liability: what open coupons are worth, and what they will probably cost, by offer and rung."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.offer import terms
from yutang.offer.definition import PLAIN
from yutang.offer.liability import BINS, Open, Rate, Spread, Worth, forecast, overdispersion, rates, timing

sql = Queries(__package__)
ENOUGH = 20
"""Uses of an offer and rung from which on what they cost is known from them alone."""
Key = tuple[int, int]
"""(definition, rung); rung 0 where there is no ladder."""


@dataclass(frozen=True)
class Part:
    """One offer and rung. face_fen: the expected worth of each open coupon if all were used; rate: of redemption of those."""

    offer: str | None
    rung: int
    open: int
    face_fen: int
    rate: float
    expected_fen: int
    p10_fen: int
    p50_fen: int
    p90_fen: int


@dataclass(frozen=True)
class Owed:
    """What may still be asked for, in fen. held_fen: on hold for orders now, counted as sure. unlimited: coupons of other
    systems without a limit of uses, for which no end of the cost can be told; they are in no sum."""

    at: datetime
    open: int
    face_fen: int
    held_fen: int
    expected_fen: int
    p10_fen: int
    p50_fen: int
    p90_fen: int
    unlimited: int
    offers: tuple[Part, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"at": self.at.isoformat(), "offers": [asdict(part) for part in self.offers]}


def totals(conn: psycopg.Connection) -> dict[str, int]:
    """``{"issued", "redeemed", "outstanding", "liability_fen"}`` of all coupons, other systems' included."""
    row = sql.totals(conn).fetchone()
    assert row is not None
    return row._asdict()


def liability(conn: psycopg.Connection, now: datetime) -> Owed:
    """What the coupons that are open at `now` will cost until they end, as a distribution. Reads every coupon once."""
    apart = sql.apart(conn).fetchone()
    assert apart is not None
    running, histories = _grouped(sql.running(conn, now=now)), _histories(conn, now)
    keys = sorted(running)
    shape, costs = _timing(conn, now), _Costs(conn)
    known = dict(zip(histories, rates(list(histories.values())), strict=True)) if histories else {}
    rho = overdispersion(histories.values())
    found = {key: _open(key, running[key], known, rho, shape, costs) for key in keys}
    spread = forecast(list(found.values()), shape)
    parts = tuple(_part(costs, key, running[key], found[key], forecast([found[key]], shape)) for key in keys)
    held = apart.held_fen
    return Owed(
        at=now,
        open=sum(part.open for part in parts),
        face_fen=sum(part.face_fen for part in parts),
        held_fen=held,
        expected_fen=round(spread.mean) + held,
        p10_fen=spread.quantile(0.1) + held,
        p50_fen=spread.quantile(0.5) + held,
        p90_fen=spread.quantile(0.9) + held,
        unlimited=apart.unlimited,
        offers=tuple(part for part in parts if part.open),
    )


def costs(conn: psycopg.Connection) -> dict[Key, Worth]:
    """What uses cost, for each offer and rung that was used often enough to tell."""
    return {(row.definition_id, row.rung): _evenly(row.fen) for row in sql.worths(conn) if row.n >= ENOUGH}


def _grouped(rows: Iterable[Any]) -> dict[Key, list[Any]]:
    groups: dict[Key, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.definition_id, row.rung].append(row)
    return groups


def _histories(conn: psycopg.Connection, now: datetime) -> dict[Key, list[tuple[int, int]]]:
    return {
        key: [(row.issued, row.redeemed) for row in rows] for key, rows in _grouped(sql.cohorts(conn, now=now)).items()
    }


def _timing(conn: psycopg.Connection, now: datetime) -> Any:
    counts = [0] * BINS
    for row in sql.delays(conn, now=now):
        counts[row.age] = row.n
    return timing(counts)


def _open(key: Key, rows: list[Any], known: dict[Key, Rate], rho: float, shape: Any, costs: _Costs) -> Open:
    """With what the coupons that run now have already shown."""
    rate = known.get(key) or rates([*_other(known), []])[-1]
    counts = [(row.open + row.used, float(shape[row.age])) for row in rows]
    rate = rate.seen(sum(row.used for row in rows), sum(n * gone for n, gone in counts), rho, sum(n for n, _ in counts))
    return Open(rate, [(row.age, row.open) for row in rows], costs.worth(key, rows))


def _other(known: dict[Key, Rate]) -> list[list[tuple[int, int]]]:
    """An offer without a history of its own is taken for one like the others, each of which counts the same."""
    return [[(100, round(100 * rate.mean))] for rate in known.values()]


def _part(costs: _Costs, key: Key, rows: list[Any], part: Open, spread: Spread) -> Part:
    return Part(
        offer=costs.name(key[0]),
        rung=key[1],
        open=sum(row.open for row in rows),
        face_fen=sum(row.face_fen for row in rows),
        rate=round(part.rate.mean, 4),
        expected_fen=round(spread.mean),
        p10_fen=spread.quantile(0.1),
        p50_fen=spread.quantile(0.5),
        p90_fen=spread.quantile(0.9),
    )


class _Costs:
    """What a use of each offer and rung costs: as uses did, else a share of what people pay for an order, else as expected."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self._offers: dict[int, Definition] = {d.definition_id: d for d in definitions.all_current(conn, "offer")}
        self._used = costs(conn)
        row = sql.baskets(conn).fetchone()
        self._baskets: list[int] = (row and row.fen) or []

    def name(self, definition_id: int) -> str | None:
        return self._offers[definition_id].name if definition_id in self._offers else None

    def worth(self, key: Key, rows: list[Any]) -> Worth:
        return self._used.get(key) or self._by_baskets(key) or _evenly([fen for row in rows for fen in row.values])

    def _by_baskets(self, key: Key) -> Worth:
        offer = self._offers.get(key[0])
        if offer is None or not self._baskets:
            return []
        body = PLAIN | offer.body
        pay = _pay_percent(body, key[1])
        good = [fen for fen in self._baskets if fen >= body["minimum_fen"]]
        return _evenly([fen * (100 - pay) // 100 for fen in good]) if pay is not None and good else []


def _pay_percent(body: dict[str, Any], rung: int) -> int | None:
    if body["sort"] == "ladder":
        pays = terms.rungs(body)
        return pays[rung - 1] if 0 < rung <= len(pays) else None
    return body.get("pay_percent")


def _evenly(amounts: Iterable[int]) -> Worth:
    return [(int(fen), 1.0) for fen in amounts]
