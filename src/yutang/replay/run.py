"""The loop under a virtual clock: the worker's own passes, at the instants at which there is something to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg import sql as compose

from yutang import definitions, worker
from yutang.channels.contract import Channel
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.replay.agenda import Agenda
from yutang.replay.foretelling import Foretelling
from yutang.replay.scratch import analyze
from yutang.replay.sink import sinks
from yutang.replay.ticks import first_due, first_from
from yutang.segment.live import live

sql = Queries(__package__)
OWN = {"identity", "segment"}
"""What is due when all that is new is what the loop itself has written: events of its own doings, runs, coupons."""
FACTS = {"identity", "profile"}
"""Who reads facts first; the stages behind follow by themselves."""
LOOKS = {2**n for n in range(20)}
"""After how many passes the planner looks at the tables: they grow faster here than PostgreSQL looks by itself."""
Watch = Callable[[datetime, float], None]
"""Hears where the replay is: the virtual instant, and the share of the way that lies behind it."""


def silent(_now: datetime, _share: float) -> None:
    """Tells nobody."""


QUIET = ("message_sent", "message_assigned", "message_delivered", "message_opened", "message_clicked")
"""What is recorded of touches, and changes nothing but sums unless a definition asks about it."""
TAGS = ("tagged", "untagged")
ASKING = ("segment", "journey", "offer", "message")
OF_RUNS = {"journey", "coupon", "redeemed"}
"""What segments may ask about that journeys and offers write after segments were looked at."""


def quiet(bodies: Iterable[dict[str, Any]]) -> list[str]:
    """What the loop records and none of these definitions asks about."""
    said = msgspec.json.encode([_asking(body) for body in bodies]).decode()
    tags = [] if '"tag"' in said else [type for type in TAGS if type not in said]
    return [type for type in QUIET if type not in said] + tags


def in_service(conn: psycopg.Connection) -> list[dict[str, Any]]:
    """The bodies of all definitions that may ask something."""
    return [d.body for kind in ASKING for d in definitions.all_current(conn, kind)]


def leave_out(conn: psycopg.Connection, types: list[str]) -> None:
    """Events of these types are not kept when the loop records them: each would be read by every stage for nothing."""
    sql.forget(conn)
    sql.forget_none(conn)
    conn.execute(compose.SQL("create trigger forget before insert on event for each row when (new.type = any({})) execute function forget()")
                 .format(compose.Literal(types)))  # fmt: skip


def _asking(body: dict[str, Any]) -> dict[str, Any]:
    """A body without the steps that give and take tags: those ask nothing."""
    return body | {"program": [line for line in body.get("program", ()) if line["do"] not in ("tag", "untag")]}


@dataclass
class Run:
    """A replay under way: its pond, what arrives, what is foretold, and the sinks that stand for channels. Made when everything is in
    service."""

    conn: psycopg.Connection
    agenda: Agenda
    drafts: list[Definition] = field(default_factory=list)
    foretelling: Foretelling = field(default_factory=Foretelling)
    passes: int = 0
    channels: Mapping[str, Channel] = field(init=False)
    quiet: list[str] = field(init=False)
    asked_of_runs: bool = field(init=False)

    def __post_init__(self) -> None:
        self.channels, self.quiet = sinks(self.conn), quiet(in_service(self.conn))
        leave_out(self.conn, [type for type in self.quiet if type in QUIET])
        self.asked_of_runs = bool(OF_RUNS & {c.row.feature for s in live(self.conn) for c in s.conditions})

    def live(self, instants: Sequence[datetime], watch: Watch = silent) -> None:
        """Let the loop look at each of these instants, all of them or those at which there is something to see."""
        n = 0
        while (n := self._following(instants, n)) < len(instants):
            now = instants[n]
            self._look(now, self._after(now, self.agenda.arrive(now)) | self._foretold(now))
            if self.passes in LOOKS:
                analyze(self.conn)
            watch(now, (n + 1) / len(instants))
            n += 1
        self.settle(instants[-1])

    def settle(self, now: datetime) -> None:
        """A full pass, then pass after pass at one instant until nothing is due."""
        self.passes += 1
        worker.run_once(self.conn, now, self.channels)
        while due := self._due(now):
            if not self._pass(now, due):
                return

    def _look(self, now: datetime, due: set[str]) -> None:
        """Pass after pass until nothing is due but what the loop has recorded of itself and nobody asks about: that is read with
        the next news, which spares every second pass."""
        while due and self._pass(now, due):
            due = self._due(now)
            if due <= OWN and self._is_quiet(now):
                return

    def _foretold(self, now: datetime) -> set[str]:
        """Who reads what models say, where it has come to be said anew."""
        return {"segment"} if self.foretelling.tell(self.conn, now) else set()

    def _after(self, now: datetime, facts: int) -> set[str]:
        """What is due when so many facts have arrived: they are read by all stages from profile on, so only the ear must be asked
        for. Without any somebody's time has come, and it must be asked whose."""
        if not facts:
            return self._due(now)
        return FACTS | {"deliver" for channel in self.channels.values() if channel.due(self.conn, now)}

    def _pass(self, now: datetime, due: set[str]) -> bool:
        self.passes += 1
        return worker.run_once(self.conn, now, self.channels, due=due).busy()

    def _due(self, now: datetime) -> set[str]:
        return worker.due_stages(self.conn, now, self.channels)

    def _is_quiet(self, now: datetime) -> bool:
        """Does nobody ask about what is new?"""
        row = sql.unread(self.conn, quiet=self.quiet, own=self.asked_of_runs, now=now).fetchone()
        return not (row and row.found)

    def _following(self, instants: Sequence[datetime], n: int) -> int:
        """The next instant from the n-th on at which news arrives or something is due."""
        arrival = min(first_from(instants, n, at) for at in (self.agenda.next_at(), self.foretelling.at))
        return first_due(instants, n, arrival, lambda now: bool(self._due(now) - OWN or not self._is_quiet(now)))
