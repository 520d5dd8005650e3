"""What is foretold of one person, and how sure that is: beside each figure what such figures came to in the back-test."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import psycopg

from yutang import definitions
from yutang.predict.reading import sql
from yutang.predict.scores.reasons import Because, because
from yutang.predict.words import TITLES, part
from yutang.segment.moment import day_of
from yutang.segment.operators import PREDICTED_DAYS, PREDICTIONS
from yutang.why.chain import Words
from yutang.why.words import both

FEN = ("value_90d", "margin_90d")


@dataclass(frozen=True)
class Foretold:
    """value: a number (fen for money), or a day. model, version, at: what said it and when. alike: what people of whom as much was said
    came to in the back-test, from the tenth of them that this one belongs to; in the prediction's unit, None where that is not known."""

    name: str
    title: Words
    value: float | date
    at: datetime
    model: str
    version: int
    alike: float | None
    because: list[Because] = field(default_factory=list)
    """What moved a score most, the strongest first; empty for what is no score."""


def person(conn: psycopg.Connection, person_id: int) -> list[Foretold]:
    """All that is foretold of a person; empty where nothing is."""
    order = [*PREDICTIONS, *PREDICTED_DAYS]
    found = [_foretold(row) for row in sql.of_person(conn, person=person_id)]
    names = [one.name for one in found if one.name == one.model]
    why = because(conn, person_id, definitions.pond(conn)["time_zone"], names) if found else {}
    found = [replace(one, because=why.get(one.name, [])) for one in found]
    return sorted(found, key=lambda one: (order.index(one.name.split(":")[0]), one.name))


def _foretold(row: Any) -> Foretold:
    kind, _, category = row.name.partition(":")
    value = day_of(round(row.value)) if kind in PREDICTED_DAYS else row.value
    title, more = TITLES[kind], part(kind, category)
    if category:
        title = both(f"{title['zh']}：{more['zh']}", f"{title['en']}: {more['en']}")
    return Foretold(row.name, title, value, row.at, row.model, row.version, _alike(row))


def _alike(row: Any) -> float | None:
    """The mean that really came of the tenth of people whose mean prediction is nearest."""
    parts = row.metrics.get("reliability") if row.name == row.model else None
    if not parts:
        return None
    unit = 100 if row.name in FEN else 1
    return min(parts, key=lambda part: abs(part["predicted"] * unit - row.value))["real"] * unit
