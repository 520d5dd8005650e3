"""The book of tasks: who has what to do, who says that it is done, and what time makes of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from yutang.channels.contract import STAFF, Answer
from yutang.channels.platform import news
from yutang.db.queries import Queries
from yutang.model import Reason, YutangError

sql = Queries(__package__)

LOOK_AGAIN = timedelta(minutes=1)
"""How long an open task may stand before somebody looks whether it is still of use."""
LIMIT = 2_000
"""Tasks per look."""
BEGIN = (datetime.min.replace(tzinfo=UTC), 0)
END = (datetime.max.replace(tzinfo=UTC), 2**62)
"""Before the first key of a list, and after the last."""
Key = tuple[datetime, int]
"""Where a page of a list begins: when its last task is due, or has ended; and its number."""
STATES = {
    "open": ("待办", "open"),
    "escalated": ("已转上级", "escalated"),
    "done": ("已完成", "done"),
    "late": ("逾期", "late"),
    "dropped": ("已撤回", "called off"),
}
"""In Chinese and English."""
OPEN = ("open", "escalated")


def tasks(
    conn: psycopg.Connection,
    now: datetime,
    *,
    staff: str | None = None,
    states: Sequence[str] | None = None,
    persons: Sequence[int] | None = None,
    most: int = 200,
) -> list[Any]:
    """Tasks of a member of staff, in these states, for these persons; the open ones first, by when they are due.

    Rows: task_id, person_id, journey, message, title, words, staff, escalate_to, state, reason, made_at, due_at, escalate_at,
    late_at, ended_at, done_by, overdue. Raises YutangError when there is no such state.
    """
    if strange := set(states or ()) - set(STATES):
        raise YutangError(
            f"没有状态 '{min(strange)}'，可选：{'、'.join(STATES)}。 there is no such state; write one of {', '.join(STATES)}"
        )
    found = sql.tasks(
        conn,
        now=now,
        staff=staff,
        states=None if states is None else list(states),
        persons=None if persons is None else list(persons),
        most=most,
    )
    return found.fetchall()


def open_tasks(
    conn: psycopg.Connection,
    now: datetime,
    *,
    staff: Sequence[str] | None = None,
    overdue: bool = False,
    after: Key | None = None,
    most: int = 50,
) -> list[Any]:
    """A page of the open tasks of these members of staff (None: of all), by when they are due. Rows as of `tasks`."""
    at, task = after or BEGIN
    params = {"now": now, "at": at, "task": task, "until": now if overdue else END[0], "most": most}
    found = sql.open_of_all(conn, **params) if staff is None else sql.open_of(conn, staff=list(staff), **params)
    return found.fetchall()


def ended_tasks(
    conn: psycopg.Connection,
    *,
    staff: Sequence[str] | None = None,
    after: Key | None = None,
    most: int = 50,
) -> list[Any]:
    """A page of the tasks that have ended, the newest first."""
    at, task = after or END
    params = {"at": at, "task": task, "most": most}
    found = sql.ended_of_all(conn, **params) if staff is None else sql.ended_of(conn, staff=list(staff), **params)
    return found.fetchall()


def holder(conn: psycopg.Connection, task: int) -> str:
    """Who has the task now. Raises YutangError when there is no such task."""
    _check(conn, task, None)
    return sql.one(conn, task=task).fetchone().staff  # type: ignore[union-attr]


def busy(conn: psycopg.Connection) -> list[str]:
    """The members of staff who have open tasks."""
    return [row.staff for row in sql.staff_known(conn)]


def escalate(conn: psycopg.Connection, now: datetime, task: int) -> str:
    """Pass it on before its time; returns to whom. Raises YutangError when it has ended, was passed on, or can go to nobody."""
    with conn.transaction():
        _check(conn, task, None)
        row = sql.pass_on(conn, task=task, look=now + LOOK_AGAIN).fetchone()
        if row is None:
            raise YutangError(
                f"任务 {task} 不能再转：已结束、已转过，或没有写转给谁。 task {task} cannot be passed on: it has ended, was passed on, or "
                "names nobody"
            )
        news.tell(conn, STAFF, _ends(row, now))
        return row.staff


def done(conn: psycopg.Connection, now: datetime, task: int, by: str | None = None, *, own: bool = False) -> bool:
    """It is done; `by`: who says so, None: whoever has it. False when it was done before.

    own: only whoever has it may say so. Raises YutangError when there is no such task, it has ended otherwise, or is another's.
    """
    with conn.transaction():
        _check(conn, task, by if own else None)
        row = sql.finish(conn, now=now, task=task, state="done", reason=None, by=by).fetchone()
        if row is None:
            return _ended(conn, task)
        said = _named(row) | {"staff": row.done_by}
        news.tell(conn, STAFF, [_answer(row, now, "message_sent", {}), _answer(row, now, "task_done", said)])
        return True


def drop(conn: psycopg.Connection, now: datetime, task: int, by: str | None = None) -> None:
    """Nobody is to do it any more. Raises YutangError when there is no such task, or it has ended."""
    with conn.transaction():
        _check(conn, task, None)
        row = sql.finish(conn, now=now, task=task, state="dropped", reason=Reason.CALLED_OFF, by=by).fetchone()
        if row is None:
            _ended(conn, task, again=False)
            return
        news.tell(conn, STAFF, _ends(row, now))


def look(conn: psycopg.Connection, now: datetime) -> int:
    """What time, and what became of people, make of the tasks that are due for a look. Returns how many changed."""
    with conn.transaction():
        rows = sql.look(
            conn,
            now=now,
            look=now + LOOK_AGAIN,
            limit=LIMIT,
            channel=STAFF,
            retired=Reason.RETIRED,
            merged=Reason.MERGED,
            blocked=Reason.BLOCKED,
        ).fetchall()
        changed = [row for row in rows if row.changed]
        news.tell(conn, STAFF, [said for row in changed for said in _ends(row, now)])
    return len(changed)


def _ends(row: Any, now: datetime) -> list[Answer]:
    """What is told of a task that passed on, was too late, or was dropped."""
    said = _named(row) | {"staff": row.staff}
    if row.state == "escalated":
        return [_answer(row, now, "task_escalated", said | {"before": row.from_staff})]
    if row.state == "late":
        return [
            _answer(row, now, "message_failed", {"reason": Reason.NOT_SENT.value}),
            _answer(row, now, "task_late", said),
        ]
    return [
        _answer(row, now, "message_failed", {"reason": row.reason}),
        dropped(row.touch_id, row.person_id, _named(row), now, Reason(row.reason)),
    ]


def dropped(touch_id: int, person_id: int, named: dict[str, Any], now: datetime, reason: Reason) -> Answer:
    """Nobody will do it. named: see `name`."""
    said = named | {"reason": reason.value}
    return Answer(touch_id, person_id, "task_dropped", "task_dropped", now, said)


def name(journey: str, task: str, cause: str | None) -> dict[str, Any]:
    """Which task it was, and of which run: a person may have several runs of a journey at once."""
    return {"journey": journey, "task": task} | ({"cause": cause} if cause else {})


def _named(row: Any) -> dict[str, Any]:
    return name(row.journey, row.message, row.cause)


def _answer(row: Any, now: datetime, type: str, props: dict[str, Any]) -> Answer:
    """One of each type for a task: so the type is its key."""
    return Answer(row.touch_id, row.person_id, type, type, now, props)


def _check(conn: psycopg.Connection, task: int, by: str | None) -> None:
    """Is there such a task, and is it this member's? `by` None: anybody's will do. Raises YutangError."""
    row = sql.one(conn, task=task).fetchone()
    if row is None or (by is not None and row.staff.casefold() != by.casefold()):
        raise YutangError(f"没有任务 {task}，见 yutang tasks。 there is no task {task} here; see `yutang tasks`")


def _ended(conn: psycopg.Connection, task: int, *, again: bool = True) -> bool:
    """False for one that was done before. Raises YutangError for one that has ended in another way."""
    row = sql.one(conn, task=task).fetchone()
    if again and row.state == "done":
        return False
    raise YutangError(f"任务 {task} 已结束（{STATES[row.state][0]}）。 this task has ended ({row.state})")
