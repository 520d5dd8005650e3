"""The figures of the overview: a span of days against the one before it, newcomers step by step, and who came back."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

import psycopg

from yutang import definitions
from yutang.clock import business_day
from yutang.db.queries import Queries

sql = Queries(__package__)
SPANS = (7, 30, 90)
"""Days that somebody may ask for."""
TYPES = ("ordered", "message_sent", "coupon_redeemed")
MONTHS = 12
"""Cohorts of the retention table."""
TREND = 14
"""Points of a small line."""

Form = Literal["number", "yuan", "percent"]


@dataclass(frozen=True)
class Card:
    """One figure. before: the same of the span before; line: by day, over the span."""

    word: str
    value: float
    before: float | None
    line: list[float]
    form: Form = "number"
    all: int | None = None
    """Of all time, where that is what people look for."""

    @property
    def change(self) -> float | None:
        """Against the span before: a share of it, or points where the figure itself is a share."""
        if self.before is None:
            return None
        if self.form == "percent":
            return self.value - self.before
        return self.value / self.before - 1 if self.before else None

    @property
    def points(self) -> str:
        """The line as a polyline of 100 × 20; it begins at half of its lowest value, so that its form is seen."""
        values = _fewer(self.line)
        base, top = min(values, default=0) / 2, max(values, default=0)
        step, scale = 100 / max(len(values) - 1, 1), 18 / ((top - base) or 1)
        return " ".join(f"{n * step:.1f},{19 - (value - base) * scale:.1f}" for n, value in enumerate(values))


@dataclass(frozen=True)
class Stage:
    """A step of the funnel: how many of the newcomers came so far; spent_fen where it is money."""

    word: str
    people: int
    spent_fen: int | None = None


@dataclass(frozen=True)
class Overview:
    """Everything of one span. dates and sales: by day."""

    cards: list[Card]
    funnel: list[Stage]
    dates: list[date]
    sales: list[int]
    orders: list[int]
    at: datetime


@dataclass(frozen=True)
class Cohort:
    """Whose first order was in a month: how many, and which share ordered again 1, 2, … months later."""

    month: date
    size: int
    shares: list[float]


def overview(conn: psycopg.Connection, now: datetime, days: int) -> Overview:
    """The figures of the last `days` days, today included."""
    zone = definitions.pond(conn)["time_zone"]
    today = business_day(now, zone)
    middle, after = today - timedelta(days=days), today - timedelta(days=2 * days)
    span = {"after": after, "today": today}
    happened = _by_day(sql.days(conn, types=list(TYPES), **span))
    came = {row.day: row for row in sql.newcomers(conn, zone=zone, after=after)}
    entered = {day: row.entered for day, row in came.items() if day <= today}
    dates = [middle + timedelta(days=n + 1) for n in range(days)]
    look = _Span(dates, [day - timedelta(days=days) for day in dates])
    (persons,) = sql.persons(conn).fetchone() or (0,)
    orders, sales = happened["ordered", "n"], happened["ordered", "amount"]
    cards = [
        replace(look.card("people", entered), all=persons),
        look.card("orders", orders),
        look.card("sales", sales, "yuan"),
        _repeat(sql.buyers(conn, zone=zone, middle=middle, **span).fetchall()),
        look.card("sent", happened["message_sent", "n"]),
        look.card("coupons_redeemed", happened["coupon_redeemed", "n"]),
    ]
    funnel = _funnel([row for day, row in came.items() if middle < day <= today])
    return Overview(cards, funnel, dates, [int(v) for v in look.line(sales)], [int(v) for v in look.line(orders)], now)


def retention(conn: psycopg.Connection, now: datetime) -> list[Cohort]:
    """The cohorts of the last months, oldest first; the running month counts as far as it has come."""
    zone = definitions.pond(conn)["time_zone"]
    today = business_day(now, zone)
    since = _month(today, -(MONTHS - 1))
    found: dict[date, dict[date, int]] = defaultdict(dict)
    for row in sql.cohorts(conn, zone=zone, since=since, today=today):
        found[row.cohort][row.month] = row.n
    return [_cohort(month, counts, today) for month, counts in sorted(found.items()) if month in counts]


@dataclass(frozen=True)
class _Span:
    """The days of a span, and of the one before."""

    now: list[date]
    before: list[date]

    def line(self, by_day: dict[date, int]) -> list[float]:
        return [by_day.get(day, 0) for day in self.now]

    def card(self, word: str, by_day: dict[date, int], form: Form = "number") -> Card:
        line, before = self.line(by_day), sum(by_day.get(day, 0) for day in self.before)
        return Card(word, sum(line), before, line, form)


def _by_day(rows: Any) -> dict[tuple[str, str], dict[date, int]]:
    found: dict[tuple[str, str], dict[date, int]] = defaultdict(dict)
    for row in rows:
        found[row.type, "n"][row.day], found[row.type, "amount"][row.day] = row.n, row.amount
    return found


def _repeat(rows: list[Any]) -> Card:
    share = {row.now: row.again / row.n for row in rows if row.n}
    return Card("repurchase", share.get(True, 0.0), share.get(False), [], "percent")


def _funnel(rows: list[Any]) -> list[Stage]:
    total: Counter[str] = Counter()
    for row in rows:
        total.update({"entered": row.entered, "acted": row.acted, "again": row.again, "bought": row.bought})
    spent = sum(row.spent for row in rows)
    steps = [Stage("acquisition", total["entered"]), Stage("activation", total["acted"])]
    return [*steps, Stage("revenue", total["bought"], spent), Stage("retention", total["again"])]


def _cohort(month: date, counts: dict[date, int], today: date) -> Cohort:
    size, shares, at = counts[month], [], _month(month, 1)
    while at <= today:
        shares.append(counts.get(at, 0) / size)
        at = _month(at, 1)
    return Cohort(month, size, shares)


def _month(day: date, by: int) -> date:
    """The first of the month that lies `by` months away."""
    months = day.year * 12 + day.month - 1 + by
    return date(months // 12, months % 12 + 1, 1)


def _fewer(line: list[float]) -> list[float]:
    """At most about `TREND` points: the means of as many days each."""
    size = max(1, len(line) // TREND)
    return [sum(part) / len(part) for n in range(0, len(line), size) if (part := line[n : n + size])]
