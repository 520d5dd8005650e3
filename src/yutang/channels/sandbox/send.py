"""Send: a message becomes a row; a script says what the person, or the failing network, does with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from yutang.channels.contract import Answer, Channel, Letter, Result
from yutang.channels.sandbox.receive import take
from yutang.db.queries import Queries

sql = Queries(__package__)


@dataclass(frozen=True)
class Reply:
    """One event that follows a message: its type, how long after the sending, and what else it says."""

    type: str
    after: timedelta
    props: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reaction:
    """What the script makes of one letter: a result (failures are not kept), and for a sent one the replies."""

    result: Result = field(default_factory=Result.sent)
    replies: tuple[Reply, ...] = ()


Script = Callable[[Letter], Reaction]
"""A rule from letter to reaction; the same letter must give the same reaction, whoever asks and how often."""


def silent(_letter: Letter) -> Reaction:
    """Everything arrives and nobody answers."""
    return Reaction()


class Sandbox(Channel):
    """Keeps what it is given in `sandbox_message`; reaches any person."""

    name = "sandbox"
    batch = 2000

    def __init__(self, script: Script = silent) -> None:
        self.script = script

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:
        reactions = [self.script(letter) for letter in letters]
        sent = [(x, r) for x, r in zip(letters, reactions, strict=True) if r.result.state == "sent"]
        with conn.transaction():
            new = _keep(conn, now, [letter for letter, _ in sent])
            _plan(conn, now, [(x, seq, r) for x, y in sent if x.touch_id in new for seq, r in enumerate(y.replies)])
        return [reaction.result for reaction in reactions]

    def receive(self, conn: psycopg.Connection, now: datetime) -> list[Answer]:
        return take(conn, now)


def _keep(conn: psycopg.Connection, now: datetime, letters: list[Letter]) -> set[int]:
    """Store the letters; the ids of those that were not there before."""
    rows = sql.keep(
        conn,
        now=now,
        touches=[x.touch_id for x in letters],
        persons=[x.person_id for x in letters],
        addresses=[x.address for x in letters],
        subjects=[x.subject for x in letters],
        bodies=[x.body for x in letters],
    )
    return {row.touch_id for row in rows}


def _plan(conn: psycopg.Connection, now: datetime, planned: list[tuple[Letter, int, Reply]]) -> None:
    if not planned:
        return
    sql.plan_answers(
        conn,
        touches=[x.touch_id for x, _, _ in planned],
        seqs=[seq for _, seq, _ in planned],
        persons=[x.person_id for x, _, _ in planned],
        types=[reply.type for _, _, reply in planned],
        ats=[now + reply.after for _, _, reply in planned],
        props=[Jsonb(dict(reply.props)) for _, _, reply in planned],
    )
