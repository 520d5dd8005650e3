"""Tags that somebody gives to many persons at once, or takes from them: said by events like every tag, so they can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from yutang.db.queries import Queries
from yutang.identity.resolve import resolve_events
from yutang.ingest.record import OURS, follow_up
from yutang.model import Only, YutangError
from yutang.profile.refresh import refresh

sql = Queries(__package__)

BATCH = 2_000
"""Events of one transaction."""
AT_ONCE = 200
"""Up to so many persons a change is seen at once; of more the loop makes it."""
TYPES = {"tag": "tagged", "untag": "untagged"}


@dataclass(frozen=True)
class Change:
    """One change. total: how many persons it changes; done: of how many of them it has been said; undone: another took it back."""

    change_id: int
    at: datetime
    by: str
    act: Literal["tag", "untag"]
    tag: str
    expires_at: datetime | None
    reason: str
    about: str
    total: int
    done: int
    undoes: int | None
    ended_at: datetime | None
    undone: bool


def begin(
    conn: psycopg.Connection,
    now: datetime,
    by: str,
    act: Literal["tag", "untag"],
    tag: str,
    persons: Sequence[int],
    *,
    reason: str,
    about: str = "",
    expires_at: datetime | None = None,
) -> Change:
    """Write a change down; `work` makes it. Whoever has the tag already, or has none to take, is left alone."""
    row = sql.begin_change(
        conn, now=now, by=by, act=act, tag=tag, persons=list(persons), reason=reason, about=about, expires_at=expires_at
    ).fetchone()
    assert row is not None
    return change(conn, row.change_id)


def change(conn: psycopg.Connection, change_id: int) -> Change:
    """Raises YutangError when there is none."""
    row = sql.change(conn, change=change_id).fetchone()
    if row is None:
        raise YutangError(f"没有这次操作 {change_id}。 there is no change {change_id}")
    return Change(*row)


def undo(conn: psycopg.Connection, now: datetime, by: str, change_id: int) -> Change:
    """Begin the change that takes this one back, as far as it got; it goes no further. Raises YutangError when it was taken back."""
    with conn.transaction():
        old = change(conn, change_id)
        sql.stop_change(conn, change=change_id, now=now)
        row = sql.begin_undo(conn, now=now, by=by, change=change_id).fetchone()
        if row is None:
            raise YutangError(f"已经撤销过了：{old.tag}。 this was undone before")
        return change(conn, row.change_id)


def work(conn: psycopg.Connection, now: datetime, change_id: int) -> bool:
    """The next batch of a change; False when nothing is left, or somebody else is at it."""
    with conn.transaction():
        row = sql.batch(conn, change=change_id, batch=BATCH).fetchone()
        if row is None:
            return False
        type = TYPES[row.act]
        said = [
            (f"tags:{change_id}:{person}", type, person, row.at, _props(row, end))
            for person, end in zip(row.persons, row.ends, strict=True)
        ]
        follow_up(conn, now, said)
        sql.step(conn, change=change_id, n=len(said), now=now)
        if row.total <= AT_ONCE:
            _see(conn, now, [key for key, *_ in said], row.persons)
        return True


def _props(row: Any, end: datetime | None) -> dict[str, object]:
    """A tag that was taken away by mistake ends when it would have ended."""
    ends = {"expires_at": end.isoformat()} if row.act == "tag" and end else {}
    return {"tag": row.tag, **ends, "by": row.by, "reason": row.reason}


def _see(conn: psycopg.Connection, now: datetime, keys: list[str], persons: list[int]) -> None:
    resolve_events(conn, now, [row.event_id for row in sql.said(conn, source=OURS, keys=keys)])
    refresh(conn, now, Only(persons=tuple(persons)))


def latest(conn: psycopg.Connection, limit: int) -> list[Change]:
    """The newest first."""
    return [Change(*row) for row in sql.changes(conn, limit=limit)]
