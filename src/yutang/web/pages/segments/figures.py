"""What is counted of segments. All of it looks at many rows, so pages take it from the shelf."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from yutang import definitions
from yutang.clock import business_day
from yutang.db.queries import Queries
from yutang.model import BUCKETS
from yutang.segment.operators import STAGES

sql = Queries(__package__)
FLOW_DAYS = 7
ENOUGH = 60_000
"""People that a portrait looks at; of a larger pond it takes some buckets, which hold anybody alike."""


class Figures(NamedTuple):
    """Of one segment: who is in it now, who came and left in the last days."""

    size: int
    came: int
    gone: int


def all_figures(conn: psycopg.Connection, now: datetime) -> dict[int, Figures]:
    """By the segment's id."""
    rows = sql.figures(conn, since=now - timedelta(days=FLOW_DAYS))
    return {row.segment_id: Figures(row.size, row.came, row.gone) for row in rows}


class Day(NamedTuple):
    """One business day: who came, who left, how many were in at its end."""

    day: date
    came: int
    gone: int
    size: int


def history(conn: psycopg.Connection, segment: int, now: datetime, zone: str, days: int) -> list[Day]:
    """The last days, today included, from the first day on which anybody was in."""
    moves = {row.day: (row.came, row.gone) for row in sql.moves(conn, segment=segment, zone=zone)}
    if not moves:
        return []
    today = business_day(now, zone)
    begin = max(today - timedelta(days=days - 1), min(moves))
    size = sum(came - gone for day, (came, gone) in moves.items() if day < begin)
    found = []
    for n in range((today - begin).days + 1):
        day = begin + timedelta(days=n)
        came, gone = moves.get(day, (0, 0))
        size += came - gone
        found.append(Day(day, came, gone, size))
    return found


class Bar(NamedTuple):
    """A value, as shares of the segment and of everybody."""

    value: str
    inside: float
    everybody: float


@dataclass(frozen=True)
class Portrait:
    """sides: stage, recency, frequency, monetary, orders, spent, tags → bars; part: the share of people that was looked at."""

    sides: dict[str, list[Bar]]
    people: int
    part: float
    orders: list[int]
    spent: list[int]


def portrait(conn: psycopg.Connection, segment: int) -> Portrait:
    """A segment against everybody."""
    pond, buckets = definitions.pond(conn), _buckets(conn)
    orders, spent = [1, *pond["rfm"]["frequency"]], [1, *pond["rfm"]["monetary_fen"]]
    rows = sql.portrait(conn, segment=segment, buckets=buckets, orders=orders, spent=spent).fetchall()
    whole = next(row for row in rows if row.side == "people")
    sides: dict[str, list[Bar]] = {}
    for row in rows:
        if row.side != "people":
            sides.setdefault(row.side, []).append(_bar(row, row.value, whole))
    for side, bars in sides.items():
        bars.sort(key=lambda bar: STAGES.index(bar.value) if side == "stage" else int(bar.value))
    sides["tags"] = [_bar(row, row.tag, whole) for row in sql.tags(conn, segment=segment, buckets=buckets)]
    return Portrait(sides, whole.inside, buckets / BUCKETS, orders, spent)


def _bar(row: Any, value: str, whole: Any) -> Bar:
    return Bar(value, row.inside / whole.inside if whole.inside else 0.0, row.n / whole.n if whole.n else 0.0)


class Overlap(NamedTuple):
    """Another segment: how many are in both, as shares of each, and of the union."""

    segment: int
    common: int
    of_this: float
    of_other: float
    likeness: float


def overlaps(conn: psycopg.Connection, segment: int) -> tuple[list[Overlap], float]:
    """The others, the most alike first; and the share of people that was looked at."""
    buckets = _buckets(conn)
    rows = {row.segment_id: row for row in sql.overlap(conn, segment=segment, buckets=buckets)}
    own = rows.pop(segment).n if segment in rows else 0
    found = [
        Overlap(
            row.segment_id,
            round(row.common * BUCKETS / buckets),
            row.common / own,
            row.common / row.n,
            row.common / (own + row.n - row.common),
        )
        for row in rows.values()
        if row.common
    ]
    return sorted(found, key=lambda one: (-one.likeness, one.segment)), buckets / BUCKETS


def _buckets(conn: psycopg.Connection) -> int:
    row = sql.people(conn).fetchone()
    people = row.n if row else 0
    return BUCKETS if people <= ENOUGH else max(16, BUCKETS * ENOUGH // people)
