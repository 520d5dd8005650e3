"""What is foretold of the person, with what such people came to; whatever `predict` tells, under its own titles."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from yutang.clock import business_day
from yutang.predict.person import FEN, Foretold, person
from yutang.predict.products.told import products
from yutang.predict.words import UNITS
from yutang.web.pages.page import Page
from yutang.web.pages.person.subject import Subject
from yutang.why.chain import Words

CHANCE = "概率"
LIKELY = 5
"""Products that are shown."""


class Line(NamedTuple):
    """said: the value; alike: what people of whom as much was said came to, None where that is not known; because: why, in sentences."""

    title: Words
    said: str
    alike: str | None
    because: list[Words]


def foretold(subject: Subject) -> dict[str, Any]:
    """The lines, those of one category, channel or weekday apart, and when they were told; nothing where nothing is said."""
    found = person(subject.conn, subject.person_id)
    today = business_day(subject.now, subject.pond["time_zone"])
    return {
        "foretold": [_line(subject.page, one, today) for one in found if ":" not in one.name],
        "foretold_more": [_line(subject.page, one, today) for one in found if ":" in one.name],
        "foretold_at": max((one.at for one in found), default=None),
        "likely": products(subject.conn, subject.person_id, subject.now, LIKELY).products,
    }


def _line(page: Page, one: Foretold, today: date) -> Line:
    why = [{"zh": fact.zh, "en": fact.en} for fact in getattr(one, "because", ())]
    alike = None if one.alike is None else written(page, one.name, one.alike, today)
    return Line(one.title, written(page, one.name, one.value, today), alike, why)


def written(page: Page, name: str, value: float | date, today: date) -> str:
    """A value in its unit: yuan, per cent, an hour, a day and how far it is."""
    if isinstance(value, date):
        return f"{value.isoformat()}{_away(page, (value - today).days)}"
    if name in FEN:
        return page.yuan(value)  # type: ignore[arg-type]
    if is_chance(name):
        return page.percent(value)
    if name.partition(":")[0].endswith("_hour"):
        return f"{round(value):02d}:00"
    return f"{value:,.1f}"


def is_chance(name: str) -> bool:
    """Is it a probability? What the words of units say, else its name."""
    kind = name.partition(":")[0]
    return UNITS[kind]["zh"] == CHANCE if kind in UNITS else kind.startswith(("p_", "reach"))


def _away(page: Page, days: int) -> str:
    if days == 0:
        return page.text("foretold_today")
    return page.text("foretold_in" if days > 0 else "foretold_ago", n=abs(days))
