"""T1, events through the door; T1b, the same events until profiles, memberships and journeys are right."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import psycopg

from yutang import channels, ingest, worker
from yutang.bench import floors, traffic, words
from yutang.bench.house import House
from yutang.bench.meter import Meter
from yutang.bench.report import Figures, differences
from yutang.bench.traffic import PER_CALL, REPEATED, TYPES, Traffic
from yutang.bench.words import NOW, SEGMENTS
from yutang.db.connect import connect
from yutang.db.queries import Queries
from yutang.ingest.writer import GroupWriter

sql = Queries(__package__)


def through_the_door(house: House, scale: float) -> Iterator[Figures]:
    """Over HTTP, 100 events in a call, from a process whose own cost is not counted. A hundredth of the calls come twice."""
    events = round(1_000_000 * scale)
    flow = traffic.draw(events)
    with house.database() as url, connect(url) as conn:
        ingest.add_source(conn, NOW, "shop", "Shop")
        with (
            _edge(house, url) as (edge, port),
            _process("load", str(port), house.vault.api_key, str(events)) as load,
            Meter(house, url, ours=[edge.pid]) as meter,
        ):
            sums = json.loads(_say(load, "go"))
        stored = sql.events_checked(conn).fetchone()
        assert stored is not None
        repeated = sum(min(PER_CALL, events - at) for at in range(0, events, PER_CALL * REPEATED))
        wrong = differences({
            "answers": (sums, {"accepted": events, "duplicate": repeated, "rejected": 0}),
            "stored": (stored.n, events),
            "distinct": (stored.ids, events),
            "amounts": (stored.amount_fen, int(flow.amount[flow.kind == TYPES.index("ordered")].sum())),
        })  # fmt: skip
        floor = floors.copy_events(house, conn)
    yield Figures("T1", "events", events, meter, floor, 40_000, 80_000, wrong, extra={"duplicates": repeated})


@contextmanager
def _edge(house: House, url: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with _process("edge", url, house.vault.secret.hex(), str(port)) as process:
        yield process, port


@contextmanager
def _process(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A program of this package, ready to work; its standard input is closed at the end, and that ends it."""
    command = [sys.executable, "-m", f"{__package__}.{module}", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{module} did not come up; its words are above")
        yield process


def _say(process: subprocess.Popen[str], word: str) -> str:
    """Its answer to a line."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(word + "\n")
    process.stdin.flush()
    return process.stdout.readline()


def whole_loop(house: House, scale: float) -> Iterator[Figures]:
    """Five segments and two journeys are in service; every stage runs until nothing is due."""
    flow = traffic.draw(round(1_000_000 * scale))
    calls = list(traffic.bodies(flow))
    with house.database() as url, connect(url) as conn:
        ingest.add_source(conn, NOW, "shop", "Shop")
        words.message(conn)
        for name, rule in SEGMENTS.items():
            words.segment(conn, name, rule)
        words.walk(conn, "welcome", {"event": "registered"}, {"message": "hello"})
        words.walk(conn, "wake_up", {"segment": "silent"}, {"message": "hello"})
        with Meter(house, url) as meter:
            accepted = _submit(house, url, calls)
            done = worker.settle(conn, NOW, channels.configured(house.vault))
        wrong = differences({"accepted": (accepted, len(flow.person)), **_loop_checked(conn, flow)})
    # More runs than silent persons: while events wait in the queue, somebody may look silent whose order is behind.
    extra = {"persons": len(np.unique(flow.person)), "runs": done["journey.membership"] + done["journey.person_event"]}
    yield Figures("T1b", "events", len(flow.person), meter, None, 10_000, 30_000, wrong, extra=extra)


def _submit(house: House, url: str, calls: list[bytes]) -> int:
    """Through the web edge's writer; returns how many events were accepted."""
    writer = GroupWriter(url, house.vault, lambda: NOW)
    try:
        return sum(answer.result().accepted for answer in [writer.submit(call) for call in calls])
    finally:
        writer.close()


def _loop_checked(conn: psycopg.Connection, flow: Traffic) -> dict[str, tuple[object, object]]:
    """What the loop made, beside what plain counting over the arrays says."""
    reference = Reference(flow)
    found = sql.loop_checked(conn).fetchone()
    assert found is not None
    sizes = {row.name: (row.size, row.persons) for row in sql.memberships(conn)}
    pairs: dict[str, tuple[object, object]] = {
        name: (found._asdict()[name], value) for name, value in reference.totals().items()
    }
    for name, inside in reference.segments().items():
        pairs[f"segment {name}"] = (sizes.get(name, (0, 0)), (int(inside.sum()), reference.hash_of(inside)))
    return pairs


class Reference:
    """The same questions asked of the arrays, one person per place."""

    def __init__(self, flow: Traffic) -> None:
        self.flow = flow
        local_noon = 12 * 3600
        self.back = (flow.ago + 86_400 - 1 - local_noon) // 86_400
        """Business days ago; today is 0."""

    def totals(self) -> dict[str, int]:
        flow = self.flow
        fresh = flow.person[(flow.kind == 0) & (flow.ago <= 3 * 86_400)]
        return {
            "facts": len(flow.person),
            "persons": len(np.unique(flow.person)),
            "orders": int((flow.kind == 2).sum()),
            "order_fen": int(flow.amount[flow.kind == 2].sum()),
            "greeted": len(np.unique(fresh)),
            "not_woken": 0,
            "unsaid": 0,
            "undecided": 0,
        }

    def segments(self) -> dict[str, np.ndarray]:
        """Mask of persons per segment of the brand."""
        orders = self._count(2)
        return {
            "loyal": (self._count(1) > 0) & (orders >= 3),
            "silent": (orders >= 3) & (self._count(2, 30) == 0),
            "lookers": self._count(3, 7) >= 2,
            "buyers": self._count(2, 14) > 0,
            "spenders": self._count(2, 90, self.flow.amount) >= 20_000,
        }

    def hash_of(self, inside: np.ndarray) -> int:
        """A sum over the members by which two sets are told apart."""
        return int(np.flatnonzero(inside).sum())

    def _count(self, kind: int, days: int = 10_000, weights: np.ndarray | None = None) -> np.ndarray:
        mine = (self.flow.kind == kind) & (self.back < days)
        return np.bincount(self.flow.person[mine], None if weights is None else weights[mine], self.flow.persons)
