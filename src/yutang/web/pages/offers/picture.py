"""The picture of a ladder: where each rung stands, and how many people on it. Pure geometry, drawn by the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

STEP, TOP, HEIGHT, LARGEST = 104, 34, 120, 26
"""Width of a rung, room above, height of the stairs, radius of the fullest rung; all in the units of the drawing."""


@dataclass(frozen=True)
class Rung:
    """One rung: its number (0: not yet on it), percent to pay (None there), people, place, and the radius of its circle."""

    number: int
    side: str
    pay: int | None
    people: int
    x: int
    y: int
    radius: float
    issued: int = 0
    redeemed: int = 0
    spent_fen: int = 0


@dataclass(frozen=True)
class Picture:
    """width, height: of the drawing. parted: where the up side begins."""

    rungs: list[Rung]
    width: int
    height: int
    parted: int


def picture(
    body: Mapping[str, Any], places: Sequence[Mapping[str, Any]], lives: Sequence[Mapping[str, Any]]
) -> Picture:
    """places: people by side and rung; lives: what was given out by rung."""
    people = {place["rung"]: place["people"] for place in places}
    by_rung = {life["rung"]: life for life in lives}
    most = max([*people.values(), 1])
    pays = [None, *body["down"], *body["up"]]
    found = []
    for number, pay in enumerate(pays):
        side = "start" if number == 0 else "down" if number <= len(body["down"]) else "up"
        life, n = by_rung.get(number, {}), people.get(number, 0)
        y = TOP + round(HEIGHT * (1 - (100 if pay is None else pay) / 100))
        radius = LARGEST * sqrt(n / most) if n else 0
        found.append(
            Rung(
                *(number, side, pay, n, number * STEP, y, round(max(radius, 3 if n else 0), 1)),
                *(life.get("issued", 0), life.get("redeemed", 0), life.get("spent_fen", 0)),
            )
        )
    return Picture(found, len(pays) * STEP, TOP + HEIGHT + 96, (len(body["down"]) + 1) * STEP)
