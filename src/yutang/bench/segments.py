"""T2, a segment from cold; T3, freshness; T4, 500 live segments checked in full."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import psycopg

from yutang import channels, ingest, profile, segment, worker
from yutang.bench import rules, scene
from yutang.bench.house import House
from yutang.bench.meter import Meter, per_cpu_second
from yutang.bench.report import Figures, differences
from yutang.bench.rules import Reference, Rule
from yutang.bench.scene import Scene
from yutang.bench.words import DAY, NOW, SEGMENTS
from yutang.db.connect import connect
from yutang.db.queries import Queries
from yutang.segment.refresh import check_all

sql = Queries(__package__)
LIVE = 500
PASSES = 50
SINGLES = 100
COLD: Rule = {"all": [{"tag": "t3"}, {"count": "ordered", "at_least": 3}, {"none": "ordered", "days": 30}]}


def from_cold(house: House, scale: float) -> Iterator[Figures]:
    """Somebody writes a segment; its members are there."""
    pond, wanted = scene.draw(scale), {"cold": COLD}
    with house.database("scene", scene.building(house, pond)) as url, connect(url) as conn:
        scene.start(conn, wanted)
        with Meter(house, url) as meter:
            _settle(conn, NOW)
        reference = Reference(pond)
        wrong = differences(_memberships(conn, reference, wanted))
    floor = per_cpu_second(lambda: reference.holds(COLD), pond.persons)
    yield Figures("T2", "persons", pond.persons, meter, floor, 200_000, 1_666_667, wrong)


def five_hundred(house: House, scale: float) -> Iterator[Figures]:
    """500 segments are live; a day later every one of them is checked against everybody, without help from what is due.
    An item is one person held against one segment."""
    pond, later = scene.draw(scale), NOW + DAY
    wanted = rules.draw(LIVE, Reference(pond))
    with house.database("scene", scene.building(house, pond)) as url, connect(url) as conn:
        scene.start(conn, wanted)
        with Meter(house, url) as first:
            _settle(conn, NOW)
        while profile.refresh(conn, later).busy():
            pass
        conn.execute("vacuum (analyze)")
        with Meter(house, url) as meter:
            done = check_all(conn, later)
        reference = Reference(pond.later(1))
        wrong = differences(_memberships(conn, reference, wanted))
    items = pond.persons * LIVE
    floor = per_cpu_second(lambda: [reference.holds(rule) for rule in wanted.values()], items)
    extra = {"persons": pond.persons, "entered": done["entered"], "left": done["left"], "first_cpu_seconds": first.cpu}
    yield Figures("T4", "checks", items, meter, floor, 8_333_333, 100_000_000, wrong, extra=extra)


def _settle(conn: psycopg.Connection, now: datetime) -> None:
    while segment.refresh(conn, now).busy():
        pass


def _memberships(conn: psycopg.Connection, reference: Reference, wanted: dict[str, Rule]) -> dict[str, tuple[Any, Any]]:
    """Size of each segment and sum of its members' ids, beside what the reference says."""
    found = {row.name: (row.size, row.ids) for row in sql.members(conn)}
    pairs = {}
    for name, rule in wanted.items():
        inside = np.flatnonzero(reference.holds(rule)) + 1
        pairs[name] = (found.get(name, (0, 0)), (len(inside), int(inside.sum())))
    return pairs


def freshness(house: House, scale: float) -> Iterator[Figures]:
    """A day has passed, and 20,000 new events (fewer in a small pond) are told; then the cost of an idle pass and one person's way."""
    pond, later = scene.draw(scale), NOW + DAY
    count = min(20_000, max(100, round(400_000 * scale)))
    with house.database("scene", scene.building(house, pond)) as url, connect(url) as conn:
        outlets = channels.configured(house.vault)
        scene.start(conn, SEGMENTS)
        worker.settle(conn, NOW, outlets)
        house.warm(url)
        after, events = _news(pond, count, later)
        with Meter(house, url) as meter:
            for low in range(0, count, ingest.MAX_EVENTS):
                ingest.record(conn, house.vault, later, events[low : low + ingest.MAX_EVENTS])
            done = worker.settle(conn, later, outlets)
        wrong = differences(_memberships(conn, Reference(after), SEGMENTS))
        extra = {
            "persons": pond.persons,
            "left": done["segment.left"],
            "looked_at": done["segment.person"],
            "idle_ms": round(_idle_ms(conn, later, outlets), 2),
            "p99_ms": round(_single_ms(conn, house, pond, later), 1),
        }
    yield Figures("T3", "events", count, meter, None, 20_000, 80_000, wrong, extra=extra)


def _news(pond: Scene, count: int, at: datetime) -> tuple[Scene, list[dict[str, Any]]]:
    """Orders and views of the new morning: the pond with them, and the events as the shop sends them."""
    dice = np.random.default_rng(3)
    person = dice.integers(0, pond.persons, count, np.int32)
    kind = dice.choice([scene.ORDERED, scene.VIEWED], count, p=[0.2, 0.8]).astype(np.int8)
    amount = dice.integers(500, 9_000, count, np.int32)
    rows = enumerate(zip(person.tolist(), kind.tolist(), amount.tolist(), strict=True))
    events = [
        scene.event(f"news-{n}", p, scene.TYPES[k], at - timedelta(seconds=n % 3_600), fen) for n, (p, k, fen) in rows
    ]
    return pond.later(1, person, kind, amount), events


def _pass(conn: psycopg.Connection, now: datetime, outlets: dict[str, Any]) -> None:
    """What the loop does each time it looks."""
    if due := worker.due_stages(conn, now, outlets):
        worker.run_once(conn, now, outlets, due=due)


def _idle_ms(conn: psycopg.Connection, now: datetime, outlets: dict[str, Any]) -> float:
    """A look of the loop with nothing due: the median."""
    return statistics.median(_timed(partial(_pass, conn, now, outlets)) for _ in range(PASSES))


def _single_ms(conn: psycopg.Connection, house: House, pond: Scene, now: datetime) -> float:
    """From one person's event, through passes of the loop, to the decision on the answer: the 99th percentile."""
    count = max(10, min(SINGLES, pond.persons // 100))
    persons = np.random.default_rng(5).permutation(pond.persons)[:count].tolist()
    outlets = channels.configured(house.vault)

    def one(n: int, person: int) -> None:
        at = now + timedelta(seconds=n)
        ingest.record(conn, house.vault, at, [scene.event(f"single-{n}", person, "asked", at, 0)])
        while not sql.decided(conn, person=person + 1, since=at).fetchone()[0]:
            _pass(conn, at, outlets)

    waits = sorted(_timed(partial(one, n, person)) for n, person in enumerate(persons))
    return waits[count * 99 // 100 - 1]


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1_000
