"""T9, questions: the eight panels of the dashboard over a year's lake; first with nothing remembered, then again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from yutang import config, definitions, lake
from yutang.bench import scene
from yutang.bench.house import House
from yutang.bench.meter import Meter
from yutang.bench.replaying import building
from yutang.bench.report import Figures, differences
from yutang.bench.scene import ORDERED, VIEWED, Scene
from yutang.bench.words import NOW
from yutang.clock import business_day
from yutang.db.connect import connect
from yutang.insight.questions import panels
from yutang.insight.questions.shape import Answer

WARM = 20
"""How often the panels are shown again."""
MOST = 20_000_000
"""Events for which the targets are given: 6 and 1 seconds for all panels, 0.2 and 0.03 when nothing has changed since."""


def dashboard(house: House, scale: float) -> Iterator[Figures]:
    """An item is one event that one of the panels has to do with; shown again, one panel."""
    pond, folder = scene.draw(scale), house.folder / "lake"
    with house.database("past", building(house, pond)) as url, connect(url) as conn, _lake_at(folder):
        archived = Meter(house, url)
        with archived:
            lake.archive(conn, NOW, lake.placed())
        settings = definitions.pond(conn)
        today = business_day(NOW, settings["time_zone"])
        with Meter(house, url) as cold:
            found = panels(today, settings["time_zone"], settings)
        with Meter(house, url) as warm:
            again = [panels(today, settings["time_zone"], settings) for _ in range(WARM)]
    wrong = differences(_checked(pond, today, found) | {"again": (again.count(found), WARM)})
    per = MOST * len(found)
    extra = {
        "events": len(pond.person),
        "archive_cpu_seconds": archived.cpu and round(archived.cpu, 2),
        **_size(folder),
    }
    yield Figures(
        "T9",
        "events in panels",
        len(pond.person) * len(found),
        cold,
        None,
        per / 6,
        per / 1,
        wrong,
        "per_second",
        extra,
    )
    yield Figures(
        "T9-warm", "panels", WARM * len(found), warm, None, len(found) / 0.2, len(found) / 0.03, wrong, "per_second"
    )


@contextmanager
def _lake_at(folder: Path) -> Iterator[None]:
    """The installation's lake lies there as long as the block runs."""
    before = os.environ.get(config.LAKE_URL.name)
    os.environ[config.LAKE_URL.name] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(config.LAKE_URL.name)
        if before is not None:
            os.environ[config.LAKE_URL.name] = before


def _size(folder: Path) -> dict[str, Any]:
    return {"lake_mb": round(sum(file.stat().st_size for file in folder.rglob("*.parquet")) / 1e6, 1)}


def _checked(pond: Scene, today: date, found: list[Answer]) -> dict[str, tuple[Any, Any]]:
    """Orders and sales of each month, who looked in the last month, and who came back, beside arithmetic on the arrays."""
    by_name = {one.question: one for one in found}
    months = np.array([today - timedelta(days=n) for n in range(scene.DAYS + 1)], "M8[D]").astype("M8[M]")
    bought = pond.kind == ORDERED
    counted = np.unique(months[pond.back[bought]], return_inverse=True)
    sums = np.bincount(counted[1], pond.amount[bought]).astype(int)
    expected = [
        (f"{month}-01", int(n), int(fen))
        for month, n, fen in zip(counted[0], np.bincount(counted[1]), sums, strict=True)
    ]
    looked = np.unique(pond.person[(pond.kind == VIEWED) & (pond.back <= 30)]).size
    return {
        "sales": (_columns(by_name["sales"], "period", "orders", "sales"), expected),
        "looked": (_columns(by_name["funnel"], "people")[0], (looked,)),
        "cohorts": (sum(row[0] for row in _columns(by_name["ltv"], "people")), np.unique(pond.person[bought]).size),
    }


def _columns(answer: Answer, *keys: str) -> list[tuple[Any, ...]]:
    at = [[column.key for column in answer.columns].index(key) for key in keys]
    return [tuple(row[n] for n in at) for row in answer.rows]
