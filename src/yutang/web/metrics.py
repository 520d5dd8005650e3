"""Figures for Prometheus: what this process took in, and what the database says is waiting."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from yutang.db.queries import Queries
from yutang.ingest import Answer
from yutang.model import Counts
from yutang.worker import FAILED

sql = Queries(__package__)


class Metrics:
    """One set per process. `passed` is called by the loop after each pass."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = self._counter("yutang_events", "Events taken in, by outcome.", "outcome")
        self._accepted, self._duplicate = self.events.labels("accepted"), self.events.labels("duplicate")
        self.rejected = self._counter("yutang_events_rejected", "Events refused at the door, by reason.", "reason")
        self.lag = self._gauge("yutang_loop_lag_seconds", "Age of the oldest event that no stage has read yet.")
        self.waiting = self._gauge("yutang_waiting", "What waits in each stage now.", "stage")
        self.pass_age = self._gauge(
            "yutang_loop_pass_age_seconds", "Seconds since the loop of this process ended a pass."
        )
        self.stages = self._counter("yutang_stage", "What the loop of this process did.", "stage", "noun")
        self._beat: float | None = None
        self.failures = 0
        """How many passes have failed since the last one that did something."""

    def count(self, answer: Answer) -> None:
        """Add what became of one call."""
        self._accepted.inc(answer.accepted)
        self._duplicate.inc(answer.duplicate)
        for refused in answer.rejected:
            self.rejected.labels(refused.reason.value).inc()

    def passed(self, done: Counts) -> None:
        """The loop has made a pass."""
        self._beat = time.monotonic()
        self.failures = self.failures + 1 if FAILED in done else 0 if done else self.failures
        for name, n in done.items():
            self.stages.labels(*name.split(".")).inc(n)

    def since_beat(self) -> float | None:
        """Seconds since the loop ended a pass; None where this process runs no loop."""
        return None if self._beat is None else time.monotonic() - self._beat

    def text(self, conn: psycopg.Connection, now: Any) -> bytes:
        """The page that Prometheus reads."""
        row = sql.waiting(conn, now=now).fetchone()
        assert row is not None
        self.lag.set(row.lag_seconds)
        for stage in ("identity", "journey", "decide", "deliver"):
            self.waiting.labels(stage).set(getattr(row, stage))
        self.pass_age.set(self.since_beat() or 0)
        return generate_latest(self.registry)

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(name, help, labels, registry=self.registry)

    def _gauge(self, name: str, help: str, *labels: str) -> Gauge:
        return Gauge(name, help, labels, registry=self.registry)
