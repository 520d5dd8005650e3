"""Results: what became of tasks. WeCom calls nothing back, so it is asked: after some minutes, then every hour until the end.

At the deadline what is unsent is called off, and after one last look those who got nothing are told so. Staff who have not
tapped are reminded, as often as the account wants and never more than WeCom's three times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import structlog

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import Later, PlatformError, Unknown
from yutang.channels.wecom.desk import Desk, open_desk
from yutang.channels.wecom.tasks.making import LEASE, RESULT, pause, settle
from yutang.channels.wecom.tasks.receivers import End, close, close_rest
from yutang.channels.wecom.tasks.settings import number
from yutang.db.queries import Queries
from yutang.model import Reason, YutangError
from yutang.vault import Vault

sql = Queries(__package__)
log = structlog.get_logger()
AT_ONCE = 50
EVERY = timedelta(hours=1)
LAST_LOOK = timedelta(minutes=2)
"""How long after calling a task off its results are final."""
PATIENCE = timedelta(hours=24)
"""How long after its deadline a task is still asked about when WeCom does not answer."""
NUDGE_LIMIT = 3
"""WeCom allows so many reminders of one task in 24 hours; ours never has more."""
_X = "externalcontact"
REASONS = {2: Reason.BLOCKED, 3: Reason.QUOTA}
"""By the status of a receiver: no longer a contact; has had another mass message."""
SENT = 1


def poll(desk: Desk) -> int:
    """Look after the tasks that are due; each fails alone. Returns how many there were."""
    now = desk.clock()
    with desk.conn.transaction():
        due = sql.claim_tasks(desk.conn, account=desk.source, now=now, lease=now + LEASE, most=AT_ONCE).fetchall()
    for task in due:
        _step(desk, task)
    return len(due)


def _step(desk: Desk, task: Any) -> None:
    try:
        _BY_STATE[task.state](desk, task)
    except Later as error:
        sql.look_at(desk.conn, task_id=task.task_id, due=error.until, fresh=False)
    except (PlatformError, Unknown) as error:
        _no_answer(desk, task, error)
    except psycopg.OperationalError:
        raise
    except Exception:
        log.exception("a task could not be looked after; it is tried again", task=task.task_id)


def _no_answer(desk: Desk, task: Any, error: PlatformError | Unknown) -> None:
    """Asked again later, until it is no use any more."""
    now = desk.clock()
    if now >= task.deadline + PATIENCE:
        _end(desk, task, str(error))
    else:
        sql.look_at(desk.conn, task_id=task.task_id, due=now + pause(task.tries), fresh=False)


def _follow(desk: Desk, task: Any) -> None:
    """A task that WeCom has: call it off at its deadline, else read its results."""
    now = desk.clock()
    if now >= task.deadline:
        _call_off(desk, task)
        return
    unsent = _read(desk, task)
    if not sql.asked(desk.conn, task_id=task.task_id).rowcount:
        sql.end_task(desk.conn, task_id=task.task_id, state="done", detail=None)
        return
    if unsent:
        _nudge(desk, task, now)
    next_look = min(now + EVERY, max(task.deadline, now + timedelta(minutes=1)))
    sql.look_at(desk.conn, task_id=task.task_id, due=next_look, fresh=True)


def _last_look(desk: Desk, task: Any) -> None:
    """A task that was called off: what is not sent by now never will be."""
    _read(desk, task)
    _end(desk, task, None)


def _end(desk: Desk, task: Any, detail: str | None) -> None:
    with desk.conn.transaction():
        close_rest(desk, task.task_id, Reason.NOT_SENT, desk.clock())
        sql.end_task(desk.conn, task_id=task.task_id, state="cancelled", detail=detail)


_BY_STATE: dict[str, Callable[[Desk, Any], None]] = {
    "making": settle,
    "unknown": settle,
    "made": _follow,
    "cancelled": _last_look,
}


def _read(desk: Desk, task: Any) -> bool:
    """Record what WeCom knows of the task. True while a member of staff has not tapped."""
    unsent = False
    for rows, _ in desk.wecom.pages(f"{_X}/get_groupmsg_task", {"msgid": task.msgid, "limit": 1000}):
        for row in rows:
            if int(row.get("status") or 0) >= SENT:
                _read_staff(desk, task, row["userid"])
            else:
                unsent = True
    return unsent


def _read_staff(desk: Desk, task: Any, userid: str) -> None:
    """What became of one member's share, page by page."""
    given = {"msgid": task.msgid, "userid": userid, "limit": 1000}
    for rows, _ in desk.wecom.pages(RESULT, given):
        now = desk.clock()
        ends = {end.receiver: end for row in rows if (end := _end_of(row, now))}
        with desk.conn.transaction():
            close(desk, task.task_id, list(ends.values()))


def _end_of(row: dict[str, Any], now: datetime) -> End | None:
    """What a row of results says; None while its end is open."""
    status, receiver = int(row.get("status") or 0), row.get("external_userid") or row.get("chat_id") or ""
    if status == SENT:
        at = int(row.get("send_time") or 0)
        return End(receiver, min(datetime.fromtimestamp(at, UTC), now) if at else now)
    return End(receiver, now, REASONS[status]) if status in REASONS else None


def _nudge(desk: Desk, task: Any, now: datetime) -> None:
    """Remind those who have not tapped, if it is time. A reminder that fails is not repeated: it may have rung."""
    hours = number(desk.account, "nudge_hours")
    most = min(number(desk.account, "nudge_most"), NUDGE_LIMIT)
    if task.reminded >= most or now < task.made_at + timedelta(hours=hours * (task.reminded + 1)):
        return
    if sql.reminding(desk.conn, task_id=task.task_id, before=task.reminded).rowcount:
        try:
            desk.wecom.call(f"{_X}/remind_groupmsg_send", {"msgid": task.msgid})
        except (PlatformError, Unknown, Later) as error:
            log.warning("staff were not reminded", task=task.task_id, why=str(error))


def _call_off(desk: Desk, task: Any) -> None:
    """Raises PlatformError, Unknown and Later."""
    desk.wecom.call(f"{_X}/cancel_groupmsg_send", {"msgid": task.msgid})
    sql.cancelled(desk.conn, task_id=task.task_id, due=desk.clock() + LAST_LOOK)


def cancel(conn: psycopg.Connection, vault: Vault, account: Account, clock: Callable[[], datetime], msgid: str) -> None:
    """Call off what staff have not sent of a task; its letters are told so after a last look, two minutes later.

    Raises YutangError when there is no such task or it has ended, and what `Caller.call` raises.
    """
    task = sql.by_msgid(conn, account=account.source, msgid=msgid).fetchone()
    if task is None:
        raise YutangError(f"没有群发任务 {msgid}。 there is no such task; see its list for the ids")
    if task.state != "made":
        raise YutangError(f"群发任务 {msgid} 已结束（{task.state}）。 this task has ended")
    _call_off(open_desk(conn, vault, account, clock), task)


def call_off(conn: psycopg.Connection, account: Account, now: datetime, touches: Sequence[int]) -> None:
    """Note that these letters are not to be sent; a task all of whose open letters are noted is called off at its next turn."""
    with conn.transaction():
        sql.mark_called_off(conn, account=account.source, touches=list(touches))
        sql.end_called_off(conn, now=now, touches=list(touches))


def tasks(conn: psycopg.Connection, account: Account, most: int = 100) -> list[Any]:
    """The newest tasks first: task_id, kind, msgid, sender, state, created_at, deadline, reminded, detail, and how many
    receivers there are in total, asked (open), sent, not_sent, blocked and over quota."""
    return sql.tasks(conn, account=account.source, most=most).fetchall()
