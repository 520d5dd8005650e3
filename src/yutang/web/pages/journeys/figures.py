"""How journeys fare: counts over all runs and touches, made beside the requests and kept for a while (`web.shelf`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from yutang.db.queries import Queries
from yutang.insight import experiment
from yutang.insight.experiment import Effect
from yutang.journey.draft import number
from yutang.web.edge import Edge
from yutang.web.shelf import Found, Make

sql = Queries(__package__)


@dataclass
class Fared:
    """Runs of one journey. goal: of the treated, who reached it; goal_control: of the holdouts."""

    entered: int = 0
    active: int = 0
    done: int = 0
    exited: int = 0
    holdout: int = 0
    treated: int = 0
    goal: int = 0
    goal_control: int = 0
    sent: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, row: Any) -> None:
        self.entered += row.n
        self.active += row.n * (row.state == "active")
        self.done += row.n * (row.state == "done")
        self.exited += row.n * (row.state == "exited")
        treated, reached = row.arm == "treated", row.reason == "goal_met"
        self.treated += row.n * treated
        self.holdout += row.n * (not treated)
        self.goal += row.n * (treated and reached)
        self.goal_control += row.n * (not treated and reached)
        if row.reason:
            self.reasons[row.reason] += row.n

    @property
    def conversion(self) -> float | None:
        return self.goal / self.treated if self.treated else None

    @property
    def conversion_control(self) -> float | None:
        return self.goal_control / self.holdout if self.holdout else None


@dataclass
class Line:
    """One line, over all versions that have it. said: touches by (verdict or attempt, reason)."""

    standing: int = 0
    passed: int = 0
    treated: int = 0
    goal: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    said: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def conversion(self) -> float | None:
        return self.goal / self.treated if self.treated else None

    @property
    def proposed(self) -> int:
        return sum(self.said.values())


@dataclass(frozen=True)
class Walked:
    """How people walk one journey: by the ids of its lines. standing: by version, and by (version, line's number)."""

    fared: Fared
    lines: dict[str, Line]
    standing: Counter[int]
    places: dict[tuple[int, int], int]


def _kept(edge: Edge, key: Hashable, make: Make, patience: float | None = None) -> Found:
    """Whoever has older figures to show waits for no newer ones."""
    found = edge.shelf.get(key, make, 0.0)
    return edge.shelf.get(key, make, patience) if found.value is None else found


def every(edge: Edge) -> Found:
    """`Fared` of every journey, by its id."""
    return _kept(edge, "journeys", _every)


def walked(edge: Edge, journey: int, patience: float | None = None) -> Found:
    """`Walked` of one journey."""
    return _kept(edge, ("journey", journey), lambda conn: _walked(conn, journey), patience)


def effects(edge: Edge) -> Found:
    """The verdict of every journey's experiment, by its name: only those that say something."""
    return _kept(edge, "journey effects", lambda conn: _effects(conn, edge.clock()), 0.0)


def effect(edge: Edge, name: str, days: int) -> Found:
    """What a journey has changed."""
    return _kept(edge, ("journey effect", name, days), lambda conn: experiment.effect(conn, edge.clock(), name, days))


def path(edge: Edge, name: str, days: int) -> Found:
    """How that came to be what it is."""
    return _kept(edge, ("journey path", name, days), lambda conn: experiment.path(conn, edge.clock(), name, days))


def collisions(edge: Edge, journey: int) -> Found:
    """Why its touches had to wait, and for whom."""
    return _kept(edge, ("journey collisions", journey), lambda conn: sql.collisions(conn, journey=journey).fetchall())


def _every(conn: psycopg.Connection) -> dict[int, Fared]:
    found: dict[int, Fared] = defaultdict(Fared)
    for row in sql.runs(conn):
        found[row.journey_id].add(row)
    for row in sql.sent(conn):
        found[row.journey_id].sent = row.n
    return dict(found)


def _effects(conn: psycopg.Connection, now: datetime) -> dict[str, Effect]:
    asked = [one.name for one in experiment.journeys(conn) if one.in_service and one.share and one.holdout]
    return {name: experiment.effect(conn, now, name) for name in asked}


def _walked(conn: psycopg.Connection, journey: int) -> Walked:
    ids = {row.version: [line["id"] for line in row.body["program"]] for row in sql.versions(conn, journey=journey)}
    numbers = {number({"id": name}): name for names in ids.values() for name in names}
    found: dict[str, Line] = defaultdict(Line)
    for row in sql.passed(conn, journey=journey):
        line = found[ids[row.version][row.step]]
        line.passed += row.n
        line.treated += row.treated
        line.goal += row.goal
        line.outcomes[row.outcome] += row.n
    standing: Counter[int] = Counter()
    places: dict[tuple[int, int], int] = {}
    for row in sql.standing(conn, journey=journey):
        found[ids[row.version][row.step]].standing += row.n
        standing[row.version] += row.n
        places[row.version, row.step] = row.n
    for row in sql.left(conn, journey=journey):
        found[ids[row.version][row.step]].left[row.reason] += row.n
    for row in sql.said(conn, journey=journey):
        if row.number in numbers:
            state = row.verdict if row.verdict != "send" else row.state or "waiting"
            found[numbers[row.number]].said[state, row.reason or ""] += row.n
    fared = Fared()
    for row in sql.fared(conn, journey=journey):
        fared.add(row)
    return Walked(fared, dict(found), standing, places)
