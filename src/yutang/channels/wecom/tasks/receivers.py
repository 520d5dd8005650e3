"""Receivers: whom a task is for, and what became of each. Their ends are told as answers, and unused quota goes back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yutang.channels.contract import Answer, Letter, Result
from yutang.channels.platform import news
from yutang.channels.wecom.desk import Desk
from yutang.channels.wecom.tasks import quotas
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)


@dataclass(frozen=True)
class End:
    """What became of one receiver: sent when there is no reason."""

    receiver: str
    at: datetime
    reason: Reason | None = None


def recorded(desk: Desk, letters: Sequence[Letter]) -> dict[int, Result]:
    """Results of the letters that have a task already."""
    rows = sql.recorded(desk.conn, touches=[x.touch_id for x in letters])
    return {row.touch_id: _result(row) for row in rows}


def _result(row: Any) -> Result:
    if row.state == "failed":
        return Result.failed("已有结果。 it is on record", Reason(row.reason))
    return Result.sent(row.msgid) if row.state == "sent" else Result.assigned(row.msgid)


def close(desk: Desk, task_id: int, ends: Sequence[End], *, tell: bool = True) -> list[Any]:
    """Record ends, in the caller's transaction; those that were known stay. Returns the rows that changed.

    Quota goes back where nothing came of it; a receiver who had had enough before keeps counting.
    tell: as answers; a letter that is still in hand gets its result instead.
    """
    rows = sql.close(
        desk.conn,
        task_id=task_id,
        receivers=[end.receiver for end in ends],
        states=["failed" if end.reason else "sent" for end in ends],
        reasons=[end.reason for end in ends],
        ats=[end.at for end in ends],
    ).fetchall()
    spared = [row for row in rows if row.reason not in (None, Reason.QUOTA)]
    quotas.give_back(desk.conn, desk.source, ((row.receiver, row.day) for row in spared))
    if tell:
        news.tell(desk.conn, desk.account.channel, [_answer(row) for row in rows if row.touch_id is not None])
    return rows


def close_rest(desk: Desk, task_id: int, reason: Reason, now: datetime) -> None:
    """Nothing more will come for those whose end is open; in the caller's transaction."""
    close(desk, task_id, [End(row.receiver, now, reason) for row in sql.asked(desk.conn, task_id=task_id)])


def tell_assigned(desk: Desk, task_id: int, staff: str, now: datetime) -> None:
    """A member of staff has been asked; in the caller's transaction."""
    rows = sql.asked(desk.conn, task_id=task_id)
    news.tell(desk.conn, desk.account.channel, list(_assigned(rows, staff, now)))


def _assigned(rows: Iterable[Any], staff: str, now: datetime) -> Iterable[Answer]:
    for row in rows:
        if row.touch_id is not None:
            yield Answer(row.touch_id, row.person_id, "assigned", "message_assigned", now, {"staff": staff})


def _answer(row: Any) -> Answer:
    if row.state == "sent":
        return Answer(row.touch_id, row.person_id, "sent", "message_sent", row.at)
    return Answer(row.touch_id, row.person_id, "failed", "message_failed", row.at, {"reason": row.reason})
