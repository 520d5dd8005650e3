"""People who look around and may order, and coupons that some of them use: made by dice whose rules are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg

import cells
from buyers import EPOCH, FIRST

NOON = datetime(2025, 1, 1, 4, tzinfo=UTC)


@dataclass
class Town:
    """cells: (person, type, day, n, fen); coupons: (code, person, issued, end, used or None)."""

    cells: list[tuple[int, str, date, int, int]] = field(default_factory=list)
    coupons: list[tuple[str, int, date, date, date | None]] = field(default_factory=list)

    @property
    def people(self) -> set[int]:
        return {cell[0] for cell in self.cells} | {coupon[1] for coupon in self.coupons}


def lookers(count: int, days: int, first_id: int = 10_001, seed: int = 3) -> Town:
    """Everybody joins on some day and looks at the shop at a pace of their own; each look leads to the first order with the same small
    chance, so who looks more orders sooner. After the first order they are of no interest here."""
    dice, town = np.random.default_rng(seed), Town()
    for person in range(first_id, first_id + count):
        joined = int(dice.integers(0, days - 20))
        pace = float(dice.gamma(0.5, 0.2))
        town.cells.append((person, "registered", FIRST + timedelta(joined), 1, 0))
        for day in range(joined, days):
            looks = int(dice.poisson(pace))
            if looks:
                town.cells.append((person, "viewed", FIRST + timedelta(day), looks, 0))
            if dice.random() < 1 - 0.97**looks:
                town.cells.append((person, "ordered", FIRST + timedelta(day), 1, 5_000))
                break
    return town


def clippers(count: int, days: int, first_id: int = 20_001, seed: int = 4) -> Town:
    """Everybody is given a coupon each month, and uses it with a chance of their own. Every other one is valid for six days, and used half as often."""
    dice, town = np.random.default_rng(seed), Town()
    for person in range(first_id, first_id + count):
        chance = float(dice.beta(0.4, 1.6))
        for month in range(days // 30):
            issued = FIRST + timedelta(30 * month + person % 7)
            short = (person + month) % 2
            valid = 6 if short else 21
            used = issued + timedelta(int(dice.integers(1, valid))) if dice.random() < chance / (1 + short) else None
            town.coupons.append((f"c{person}-{month}", person, issued, issued + timedelta(valid), used))
            if used and used < FIRST + timedelta(days):
                town.cells.append((person, "ordered", used, 1, 3_000))
    return town


def settle(conn: psycopg.Connection, town: Town) -> None:
    """As the earlier stages would have written them."""
    conn.execute(
        "insert into person (bucket, person_id, created_at) select (id & 1023)::smallint, id, %s from unnest(%s::bigint[]) id on conflict do nothing",
        (NOON, sorted(town.people)),
    )
    cells.add(conn, town.cells)
    if not town.coupons:
        return
    conn.execute(
        """insert into coupon (code, bucket, person_id, origin_id, definition_id, state, value_fen, issued_at, valid_from, expires_at)
           select code, (person & 1023)::smallint, person, person, 0, 'issued', 0, issued + time '12:00', issued + time '12:00', ends + time '12:00'
           from unnest(%s::text[], %s::bigint[], %s::date[], %s::date[]) u (code, person, issued, ends)""",
        [list(column) for column in list(zip(*town.coupons, strict=True))[:4]],
    )
    used = [(code, person, day) for code, person, _, _, day in town.coupons if day]
    conn.execute(
        """insert into redemption (bucket, person_id, origin_id, request_id, code, amount_fen, discount_fen, state, at)
           select (person & 1023)::smallint, person, person, 'r' || code, code, 0, 0, 'done', day + time '12:00'
           from unnest(%s::text[], %s::bigint[], %s::date[]) u (code, person, day)""",
        [list(column) for column in zip(*used, strict=True)],
    )


def number(day: date) -> int:
    return (day - EPOCH).days
