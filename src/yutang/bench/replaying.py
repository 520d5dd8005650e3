"""T11, back-test: a year of everybody's events is replayed with a draft of ten steps; then a hundredth of the people, as a sample."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg

from yutang import journey, source
from yutang.bench import scene
from yutang.bench.house import House
from yutang.bench.meter import Meter
from yutang.bench.report import Figures, differences
from yutang.bench.scene import DAYS, ORDERED, VIEWED, Scene
from yutang.bench.words import CHANNEL, NOW, TITLE
from yutang.db.queries import Queries
from yutang.model import BUCKETS
from yutang.replay import Report, backtest
from yutang.replay.copying import sampled
from yutang.replay.ticks import parse_tick

sql = Queries(__package__)
SMALL = 0.005
"""Below this size a month is replayed instead of a year: a small pond is there to see that the result is right."""
MONTH = 30
AGAIN = 30
SAMPLE = 0.01
TICK = "10:00"
"""The day's events have all come by then."""
STEPS: list[dict[str, Any]] = [
    {"wait": {"days": 1}},
    {"if": {"count": "viewed", "at_least": 1, "days": 7}, "then": [{"message": "hello"}], "else": [{"tag": "quiet"}]},
    {"wait": {"days": 2}},
    {"wait_for": "ordered", "days": 5, "then": [{"exit": None}]},
    {"offer": "five"},
    {"message": "hello"},
    {"wait": {"days": 3}},
    {"if": {"none": "ordered", "days": 10}, "then": [{"message": "hello"}]},
]
"""Ten nodes: a wait, a question with two ways, a wait, a wait for an order, a coupon with its message, a wait, a question, a message."""
COUPON = {
    "sort": "coupon", "title": TITLE, "pay_percent": None, "off_fen": 500, "minimum_fen": 0, "valid_days": 7, "per_person": 100,
    "stackable": False, "value_fen": 500, "stock": None, "budget_fen": None,
}  # fmt: skip


def year(house: House, scale: float) -> Iterator[Figures]:
    """An item is one month of one person's life."""
    pond, days = scene.draw(scale), DAYS if scale >= SMALL else MONTH
    since = NOW - timedelta(days=days)
    with house.database("past", building(house, pond)) as url:
        for task, share in (("T11", 1.0), ("T11-sample", SAMPLE)):
            with Meter(house, url) as meter:
                report = backtest(url, _draft(), since, NOW, tick=parse_tick(TICK), share=share)
            extra = {"persons": report.persons, "days": days, "passes": report.passes, "facts": report.facts}
            wrong = differences(_checked(pond, report, share, days))
            must, moonshot = (3_333, 20_000) if share == 1.0 else (2_000, 2_000)
            yield Figures(
                task,
                "person-months",
                report.persons * days // MONTH,
                meter,
                None,
                must,
                moonshot,
                wrong,
                "per_second",
                extra,
            )


def building(house: House, pond: Scene) -> Any:
    """What writes the scene with its events into an empty database."""
    build = scene.building(house, pond)

    def past(conn: psycopg.Connection) -> None:
        build(conn)
        sql.events_of_facts(conn)

    return past


def _draft() -> dict[str, dict[str, Any]]:
    body = {
        "title": TITLE, "trigger": {"event": "ordered"}, "reentry": {"after_days": AGAIN}, "value_fen": 100, "steps": STEPS,
    }  # fmt: skip
    message = {"title": TITLE, "subject": "你好", "body": "欢迎 {{ person.name }}", "channel": CHANNEL}
    return {
        "journey": {"draft": journey.journey(source.plain(body, "draft"))},
        "message": {"hello": message},
        "offer": {"five": COUPON},
    }


def _checked(pond: Scene, report: Report, share: float, days: int) -> dict[str, tuple[Any, Any]]:
    """Entries, and who is sent the first message's way, beside what arithmetic on the arrays says; in persons looked at."""
    inside = {bucket for part in sampled(share) for bucket in range(part.lo, part.hi + 1)}
    entered, viewed = _expected(pond, inside if len(inside) < BUCKETS else None, days)
    factor = report.persons / report.people
    ways = {one.outcome: round(one.figure.value * factor) for step in report.steps[1:2] for one in step.outcomes}
    return {
        "entered": (round(sum(one.figure.value for one in report.entries) * factor), entered),
        "viewed": (ways.get("yes", 0), viewed),
    }


def _expected(pond: Scene, inside: set[int] | None, back_to: int) -> tuple[int, int]:
    """How many runs begin, and how many of them see a view in the last seven days on the day after. The last day has no next."""
    days: dict[int, list[set[int]]] = defaultdict(lambda: [set(), set()])
    for person, kind, back in zip(pond.person.tolist(), pond.kind.tolist(), pond.back.tolist(), strict=True):
        if kind in (ORDERED, VIEWED) and (inside is None or (person + 1) % BUCKETS in inside):
            days[person][kind == VIEWED].add(-back)
    entered = viewed = 0
    for orders, views in days.values():
        last = -10 * DAYS
        for day in sorted(orders):
            if day > -back_to and day - last >= AGAIN:
                last, entered = day, entered + 1
                viewed += day < 0 and any(day + 1 - 7 < view <= day + 1 for view in views)
    return entered, viewed
