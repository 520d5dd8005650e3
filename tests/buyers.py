"""People who order at a pace of their own until they stop: made by dice, written as the earlier stages write them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import psycopg

import cells
from ponds import NOON

FIRST = date(2025, 1, 1)
EPOCH = date(2000, 1, 1)


@dataclass(frozen=True)
class Bought:
    """One order day."""

    person: int
    day: date
    fen: int


def buyers(
    people: int, days: int, seed: int = 1, pace: float = 0.06, drop: float = 0.1, shape: float = 1.0
) -> list[Bought]:
    """Gamma paces, beta chances to stop after an order, gamma baskets; the first orders fall into the first third of the days.
    Person n has the id n. shape: of the gaps; the more, the more regular."""
    dice = np.random.default_rng(seed)
    found = []
    for person in range(1, people + 1):
        rate, stop, basket = dice.gamma(2.0, pace / 2), dice.beta(1.0, 1 / drop - 1), dice.gamma(5.0, 800)
        day = float(dice.integers(0, days // 3))
        while day < days:
            found.append(Bought(person, FIRST + timedelta(int(day)), int(dice.gamma(4.0, basket / 4)) + 1))
            if dice.random() < stop:
                break
            day += max(1.0, float(dice.gamma(shape, 1 / (rate * shape))))
    return found


def write(conn: psycopg.Connection, bought: list[Bought], type: str = "ordered") -> None:
    """As profile rolls them up; several of one person's day are one cell."""
    conn.execute(
        """insert into person (bucket, person_id, created_at) select (id & 1023)::smallint, id, %s from unnest(%s::bigint[]) id
           on conflict do nothing""",
        (NOON, sorted({one.person for one in bought})),
    )
    conn.execute(
        """insert into profile (bucket, person_id, recency, frequency, monetary, life_stage, refreshed_at)
           select (id & 1023)::smallint, id, 1, 1, 1, 'new', %s from unnest(%s::bigint[]) id on conflict do nothing""",
        (NOON, sorted({one.person for one in bought})),
    )
    cells.add(conn, [(one.person, type, one.day, 1, one.fen) for one in bought])


def days_of(bought: list[Bought]) -> dict[int, dict[date, int]]:
    """Person → day → fen."""
    found: dict[int, dict[date, int]] = {}
    for one in bought:
        sums = found.setdefault(one.person, {})
        sums[one.day] = sums.get(one.day, 0) + one.fen
    return found
