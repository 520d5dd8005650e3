"""Plans as rows: kept whole when they are made, and brought from state to state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.types.json import Jsonb

from yutang import definitions
from yutang.db.queries import Queries
from yutang.model import Reason, YutangError
from yutang.plan.parts import Bodies, Body, Key

sql = Queries(__package__)

Base = dict[str, list[int]]
"""What was in service: ``kind/name`` to [definition id, version]."""
Moves = Mapping[str, Mapping[str, str]]
"""Where people go who stand on a step that is gone: journey, step, and the step (or ``exit``, ``finish_old``)."""


class PlanRefused(YutangError):
    """Something that may not be done with a plan: the reason, and what to do."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Mark:
    """Who brought a plan into a state, and when."""

    state: str
    by: str
    at: datetime
    note: str


@dataclass(frozen=True)
class Plan:
    """A plan, for whoever looks at it. `shown`: what its readers were shown (empty in a list). marks: in their order."""

    plan_id: int
    brand: str
    digest: str
    state: str
    reverts: int | None
    shown: dict[str, Any]
    marks: tuple[Mark, ...]

    @property
    def by(self) -> str:
        """Who made it."""
        return self.marks[0].by

    @property
    def approved_by(self) -> str | None:
        return next((mark.by for mark in self.marks if mark.state == "approved"), None)


@dataclass(frozen=True)
class Text:
    """What a plan holds besides its state. Its digest is taken over what these files mean, not over their letters.

    published: which publication was in service when it was made.
    """

    brand: str
    bodies: Bodies
    sources: Mapping[str, str]
    base: Base
    moves: Moves
    files: Mapping[str, str]
    published: int | None

    @property
    def parts(self) -> list[Body]:
        return [{"kind": kind, "name": name, "body": body} for (kind, name), body in self.bodies.items()]

    @property
    def digest(self) -> str:
        """Over everything, in one form."""
        return digest(
            self.brand, self.parts, dict(self.sources), self.base, {j: dict(m) for j, m in self.moves.items()}
        )


def digest(*said: Any) -> str:
    """SHA-256 over JSON values."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True)
class Once:
    """A maker's own name for a plan, and the digest of what he asks for under it: asking again gives the same plan."""

    key: str | None
    asked: str


def add(
    conn: psycopg.Connection,
    now: datetime,
    text: Text,
    by: str,
    shown: Mapping[str, Any],
    once: Once,
    reverts: int | None = None,
) -> Plan:
    """Keep a plan, or find the one of the same key that somebody else has just kept. Raises PlanRefused when that is another."""
    with conn.transaction():
        row = sql.add(
            conn,
            brand=text.brand,
            digest=text.digest,
            parts=Jsonb(text.parts),
            sources=Jsonb(dict(text.sources)),
            base=Jsonb(text.base),
            moves=Jsonb({journey: dict(moves) for journey, moves in text.moves.items()}),
            files=Jsonb(dict(text.files)),
            published=text.published,
            shown=Jsonb(dict(shown)),
            reverts=reverts,
            key=once.key,
            asked=once.asked,
        ).fetchone()
        if row is not None:
            sql.mark(conn, plan=row.plan_id, state="draft", by=by, now=now, note="")
            return found(conn, row.plan_id)
    kept = by_key(conn, once)
    assert kept is not None
    return kept


def by_key(conn: psycopg.Connection, once: Once) -> Plan | None:
    """The plan of this key, if there is one. Raises PlanRefused when something else was asked for under it."""
    row = None if once.key is None else sql.by_key(conn, key=once.key).fetchone()
    if row is None:
        return None
    if row.asked != once.asked:
        raise PlanRefused(
            Reason.ID_REUSED,
            f"键 '{once.key}' 已用于计划 {row.plan_id}，内容不同，请换一个。 the key '{once.key}' is that of plan {row.plan_id}, which says "
            "something else; take another key",
        )
    return found(conn, row.plan_id)


def found(conn: psycopg.Connection, plan_id: int) -> Plan:
    """The plan. Raises YutangError when there is none."""
    row = sql.found(conn, plan=plan_id).fetchone()
    if row is None:
        raise _none(plan_id)
    return _plans(conn, [row])[0]


def listing(conn: psycopg.Connection, before: int | None = None, limit: int = 50) -> list[Plan]:
    """The newest first; `before`: those older than this one."""
    return _plans(conn, sql.newest(conn, before=before, limit=limit).fetchall())


def _plans(conn: psycopg.Connection, rows: list[Any]) -> list[Plan]:
    marks: dict[int, list[Mark]] = {row.plan_id: [] for row in rows}
    for mark in sql.marks(conn, plans=list(marks)):
        marks[mark.plan_id].append(Mark(mark.state, mark.by, mark.at, mark.note))
    return [
        Plan(r.plan_id, r.brand, r.digest, r.state, r.reverts, r.shown, tuple(marks[r.plan_id])) for r in rows
    ]  # fmt: skip


def hold(conn: psycopg.Connection, plan_id: int, states: tuple[str, ...]) -> tuple[Plan, Text]:
    """The plan and its text, held until the transaction ends. Raises PlanRefused when it is in none of `states`."""
    row = sql.hold(conn, plan=plan_id).fetchone()
    if row is None:
        raise _none(plan_id)
    text = _text(row)
    plan = found(conn, plan_id)
    if row.state not in states:
        last = plan.marks[-1]
        at = last.at.astimezone(ZoneInfo(definitions.pond(conn)["time_zone"])).strftime("%Y-%m-%d %H:%M")
        raise PlanRefused(
            Reason.PLAN_CLOSED,
            f"计划 {plan_id} 已是「{STATES[row.state][0]}」（{last.by}，{at}）。 "
            f"plan {plan_id} is {STATES[row.state][1]} already (by {last.by}, {at}); make a new one",
        )
    if text.digest != row.digest:
        raise PlanRefused(
            Reason.OUTDATED,
            f"计划 {plan_id} 的内容在保存后被改动，请重新做计划。 the text of plan {plan_id} is not what was kept; make the plan anew",
        )
    return plan, text


def text(conn: psycopg.Connection, plan_id: int) -> Text:
    """What a plan holds, to be read. Raises YutangError when there is none."""
    row = sql.text(conn, plan=plan_id).fetchone()
    if row is None:
        raise _none(plan_id)
    return _text(row)


def _text(row: Any) -> Text:
    bodies = {_key(part): part["body"] for part in row.parts}
    return Text(row.brand, bodies, row.sources, row.base, row.moves, row.files or {}, row.published)


def bring(conn: psycopg.Connection, now: datetime, plan_id: int, state: str, by: str, note: str = "") -> None:
    """Into another state; the caller holds the plan."""
    sql.bring(conn, plan=plan_id, state=state)
    sql.mark(conn, plan=plan_id, state=state, by=by, now=now, note=note)


STATES = {
    "draft": ("待处理", "open"),
    "approved": ("已批准", "approved"),
    "applied": ("已上线", "applied"),
    "refused": ("已否决", "refused"),
    "outdated": ("已过期", "outdated"),
}
"""The states in Chinese and English."""


def _key(part: Body) -> Key:
    return part["kind"], part["name"]


def _none(plan_id: int) -> YutangError:
    return YutangError(
        f"没有计划 {plan_id}，见 yutang brand plans。 there is no plan {plan_id}; see `yutang brand plans`"
    )
