"""What a person is told now: the list of the last training, without what cannot be had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from yutang import definitions
from yutang.clock import business_day
from yutang.predict.products.ranking import TOLD
from yutang.predict.products.train import sql


@dataclass(frozen=True)
class Likely:
    """One product, as the catalogue has it; what is not there has the name of its order lines, and neither price nor address."""

    id: str
    title: str
    price_fen: int | None
    url: str | None
    picture: str | None
    category: str | None
    stock: int | None


@dataclass(frozen=True)
class List:
    """The likeliest first. version, at: of the model; None where nothing was trained, or too little is known."""

    products: list[Likely]
    version: int | None
    at: datetime | None


def products(conn: psycopg.Connection, person_id: int, now: datetime, most: int = TOLD) -> List:
    """What to show a person; an empty list where nothing can be said."""
    pond = definitions.pond(conn)
    rows = sql.of_person(conn, person=person_id, most=most, **asked(pond, now)).fetchall()
    model = sql.model(conn).fetchone()
    known = model if model is not None and model.state == "serving" else None
    return List([Likely(*row) for row in rows], known and known.version, known and known.trained_at)


def asked(pond: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The pond's exclusions as the statement wants them."""
    words = pond["recommend"]
    return {"never": words["never"], "categories": words["never_categories"], "since": since(pond, now)}


def since(pond: dict[str, Any], now: datetime) -> date | None:
    """From which business day on what was bought is not told again; None: it may be."""
    days = pond["recommend"]["not_again_days"]
    return business_day(now, pond["time_zone"]) - timedelta(days=days) if days else None
