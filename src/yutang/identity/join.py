"""Joining by hand: somebody who knows says that two are one. The word is an event like any other, so a split takes it back."""

from __future__ import annotations

from datetime import datetime

import psycopg

from yutang.db.cursor import hold
from yutang.handles import kind_of
from yutang.identity.batch import sql
from yutang.identity.careful import MOST_HANDLES
from yutang.identity.resolve import resolve_events
from yutang.identity.split import canonical
from yutang.ingest.record import OURS, name_both
from yutang.model import YutangError


def join(conn: psycopg.Connection, now: datetime, one: int, other: int, by: str) -> tuple[int, int]:
    """Make one person of two, even of two who were split. Returns (winner, loser).

    Raises YutangError when there is no such person, they are one already, or their handles contradict each other; then nothing has changed.
    """
    with conn.transaction():
        hold(conn, "identity", "event")
        pair = sorted((canonical(conn, one), canonical(conn, other)))
        if pair[0] == pair[1]:
            raise YutangError(
                f"{one} 与 {other} 已是同一位顾客（{pair[0]}）。 {one} and {other} are one person already ({pair[0]})"
            )
        sql.no_more_apart(conn, one=pair[0], other=pair[1])
        key = f"merged:{pair[0]}:{pair[1]}:{now.isoformat()}"
        name_both(conn, now, key, "merged", (pair[0], pair[1]), {"other": pair[1], "by": by})
        resolve_events(conn, now, [row.event_id for row in sql.own_event(conn, source=OURS, key=key)])
        if canonical(conn, pair[1]) != pair[0]:
            raise YutangError(_why_not(conn, pair))
    return pair[0], pair[1]


def _why_not(conn: psycopg.Connection, pair: list[int]) -> str:
    """What keeps two persons apart: handles of which a person has but one, or too many of them."""
    held = [{row.kind: row.value for row in sql.person_handles(conn, persons=[person])} for person in pair]
    both = sorted(kind for kind in held[0].keys() & held[1].keys() if kind_of(kind).single)
    names = f"{pair[0]} 与 {pair[1]}", f"{pair[0]} and {pair[1]}"
    if not both:
        return (
            f"{names[0]} 不能合并：合起来的标识超过 {MOST_HANDLES} 个，不会是一个人的。 "
            f"{names[1]} cannot be joined: together they have more than {MOST_HANDLES} handles, which no one person has"
        )
    return (
        f"{names[0]} 不能合并：两位有不同的 {'、'.join(both)}，一人只会有一个。若来源写错了，请先改正来源并撤销那次导入。 "
        f"{names[1]} cannot be joined: they have different {', '.join(both)}, of which a person has but one; "
        "if a source is wrong, mend it and undo that import first"
    )
