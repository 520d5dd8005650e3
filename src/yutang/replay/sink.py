"""In place of a channel: nothing leaves, and a touch fares as the same touch fared in the live pond.

A touch that the live pond did not make arrives, and nobody answers it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from yutang import definitions
from yutang.channels.contract import STAFF, Answer, Channel, Letter, Result
from yutang.channels.platform.outward import Outward, Reply, Request
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)


class Sink(Channel):
    """Reaches anybody by id. When the next answer is due is remembered here, so that a look at an idle channel asks nothing."""

    batch = 5_000

    def __init__(self, name: str) -> None:
        self.name = name
        self._next: datetime | None = None

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:
        touches = [letter.touch_id for letter in letters]
        fared = {row.touch_id: row for row in sql.fared_here(conn, touches=touches)}
        if fared and sql.will_reply(conn, now=now, touches=list(fared)).rowcount:
            self._look(conn)
        return [self._result(fared.get(letter.touch_id)) for letter in letters]

    def receive(self, conn: psycopg.Connection, now: datetime) -> list[Answer]:  # type: ignore[override]
        if not self.due(conn, now):
            return []
        rows = sql.take_replies(conn, channel=self.name, now=now).fetchall()
        self._look(conn)
        rows.sort(key=lambda row: (row.at, row.touch_id, row.key))
        return [Answer(r.touch_id, r.person_id, r.key, r.type, r.at, r.props) for r in rows]

    def due(self, conn: psycopg.Connection, now: datetime) -> bool:  # noqa: ARG002
        return self._next is not None and self._next <= now

    def _look(self, conn: psycopg.Connection) -> None:
        row = sql.next_reply(conn, channel=self.name).fetchone()
        self._next = row.known_at if row else None

    def _result(self, fared: Any) -> Result:
        """A touch that is new arrives; what staff are to do, they are asked to do."""
        if fared is None:
            return Result.assigned() if self.name == STAFF else Result.sent()
        if fared.by_staff or fared.state == "assigned":
            return Result.assigned()
        if fared.state == "failed":
            return Result.failed(
                "与真实情况一样没有发出。 as in the live pond", Reason(fared.reason or Reason.PERMANENT)
            )
        return Result.sent()


class Echo(Outward):
    """In place of what calls other systems: they answer as they did in the live pond, and to new questions not at all."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self.conn = conn

    def ask(self, now: datetime, requests: Sequence[Request]) -> list[Reply]:  # noqa: ARG002
        found = {row.call_id: row for row in sql.answers(self.conn, calls=[request.key for request in requests])}
        return [_reply(found.get(request.key)) for request in requests]


def sinks(conn: psycopg.Connection) -> Mapping[str, Channel]:
    """One for each channel that a definition in service names, and one for what is called."""
    bodies = [d.body for kind in ("message", "journey") for d in definitions.all_current(conn, kind)]
    named = {body["channel"] for body in bodies if "channel" in body}
    named |= {name for body in bodies for line in body.get("program", ()) for name in line.get("channels") or ()}
    return {name: Sink(name) for name in sorted(named)} | {Outward.name: Echo(conn)}


def _reply(known: Any) -> Reply:
    if known is None:
        return Reply(reason=Reason.PERMANENT, detail="回测和试跑里不对外调用。 nothing is called in a replay")
    return Reply(known.status, known.answer, known.reason and Reason(known.reason))
