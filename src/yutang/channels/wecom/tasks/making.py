"""Making: one task is asked of WeCom once, whatever happens on the way.

The row is saved before the call. When no answer comes, nobody asks again before WeCom's own list of tasks has been read, and
not before a call that is still under way must have ended; what is found there is adopted, and only what is not there is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from yutang.channels.contract import LEASE_SECONDS
from yutang.channels.platform.calls import PlatformError, Unknown
from yutang.channels.wecom.desk import Desk
from yutang.channels.wecom.tasks import quotas
from yutang.channels.wecom.tasks.receivers import End, close, close_rest, tell_assigned
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)
SURE_AFTER = timedelta(minutes=2)
"""A call that was begun so long ago has ended, with or without effect."""
LEASE = timedelta(minutes=10)
HAND = timedelta(seconds=LEASE_SECONDS - 60)
"""How long the letters of a new task surely belong to the worker that saved it."""
FIRST_LOOK = timedelta(minutes=2)
"""WeCom needs a while before it knows anything of a new task."""
AGAIN = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=1))

NOBODY, STALE_MEDIA = 41048, 40007
ADD = "externalcontact/add_msg_template"
RESULT = "externalcontact/get_groupmsg_send_result"


@dataclass(frozen=True)
class Draft:
    """A task to be saved. receivers: (external_userid or chat_id, touch_id, person_id); the latter two None for groups."""

    sender: str
    request: dict[str, Any]
    receivers: Sequence[tuple[str, int | None, int | None]]
    deadline: datetime
    digest: str
    key: str | None = None


def save(desk: Desk, now: datetime, kind: str, drafts: Sequence[Draft]) -> dict[str, Any]:
    """The rows of new tasks by digest, in the caller's transaction. A key that is there already brings none.

    Raises psycopg.errors.UniqueViolation when another worker has one of the letters in hand.
    """
    rows = sql.add_tasks(
        desk.conn,
        account=desk.source,
        kind=kind,
        now=now,
        due=now + LEASE,
        keys=[draft.key for draft in drafts],
        digests=[draft.digest for draft in drafts],
        senders=[draft.sender for draft in drafts],
        counts=[len(draft.receivers) for draft in drafts],
        requests=[Jsonb(draft.request) for draft in drafts],
        deadlines=[draft.deadline for draft in drafts],
    )
    tasks = {row.digest: row for row in rows}
    flat = [(tasks[draft.digest].task_id, *one) for draft in drafts if draft.digest in tasks for one in draft.receivers]
    sql.add_receivers(
        desk.conn,
        day=quotas.day_of(now),
        now=now,
        tasks=[one[0] for one in flat],
        receivers=[one[1] for one in flat],
        touches=[one[2] for one in flat],
        persons=[one[3] for one in flat],
    )
    return tasks


@dataclass(frozen=True)
class Made:
    """WeCom has the task; `refused` are the receivers that it will not ask anybody to write to."""

    msgid: str
    refused: frozenset[str]


def ask(desk: Desk, task: Any, *, tell: bool) -> Made:
    """Make the task and record it. Raises Unknown (recorded: `settle` goes on with it), PlatformError and Later (not made)."""
    try:
        answer = desk.wecom.call(ADD, task.request)
    except Unknown:
        sql.doubt(desk.conn, task_id=task.task_id, due=desk.clock() + SURE_AFTER)
        raise
    made = Made(answer["msgid"], frozenset(answer.get("fail_list") or ()))
    record(desk, task, made, tell=tell)
    return made


def record(desk: Desk, task: Any, made: Made, *, tell: bool) -> None:
    """Keep what was made, in one transaction with what is told of it."""
    now = desk.clock()
    with desk.conn.transaction():
        if sql.made(desk.conn, task_id=task.task_id, msgid=made.msgid, now=now, due=now + FIRST_LOOK).rowcount:
            ends = [End(receiver, now, Reason.BLOCKED) for receiver in made.refused]
            close(desk, task.task_id, ends, tell=tell)
            tell_assigned(desk, task.task_id, task.sender, now)


def in_hand(desk: Desk, task: Any) -> bool:
    """Do its letters still belong to this worker? If not, another may have read the record, and only the task may go on."""
    return desk.clock() < task.created_at + HAND


def undo(desk: Desk, task: Any) -> None:
    """It was not made: its letters are free, and so is their quota. Only while they are in hand."""
    with desk.conn.transaction():
        rows = sql.undo(desk.conn, task_id=task.task_id).fetchall()
        quotas.give_back(desk.conn, desk.source, ((row.receiver, row.day) for row in rows))


def settle(desk: Desk, task: Any) -> None:
    """Go on with a task of which nobody knows whether it was made. Raises Later."""
    now = desk.clock()
    if now < task.called_at + SURE_AFTER:
        sql.look_at(desk.conn, task_id=task.task_id, due=task.called_at + SURE_AFTER, fresh=False)
        return
    try:
        made = _found(desk, task)
        if made is not None:
            record(desk, task, made, tell=True)
        elif now >= task.deadline:
            give_up(desk, task, Reason.NOT_SENT, "到期仍未能创建。 it could not be made in time")
        else:
            _ask_again(desk, task)
    except Unknown:
        return
    except PlatformError as error:
        _refused(desk, task, error)


def give_up(desk: Desk, task: Any, reason: Reason, detail: str) -> None:
    """It will not be made; its letters are told so."""
    with desk.conn.transaction():
        close_rest(desk, task.task_id, reason, desk.clock())
        sql.end_task(desk.conn, task_id=task.task_id, state="failed", detail=detail)


def pause(tries: int) -> timedelta:
    """How long to wait after the `tries`-th failure."""
    return AGAIN[min(max(tries, 1), len(AGAIN)) - 1]


def _ask_again(desk: Desk, task: Any) -> None:
    now = desk.clock()
    if sql.call_again(desk.conn, task_id=task.task_id, now=now, due=now + LEASE).rowcount:
        ask(desk, task, tell=True)


def _refused(desk: Desk, task: Any, error: PlatformError) -> None:
    """A refusal: for good where our request is wrong or nobody is left, else it is tried again."""
    if error.code == NOBODY:
        quotas.fill(desk.conn, desk.account, desk.clock(), _open(desk, task))
        give_up(desk, task, Reason.QUOTA, explain(error))
    elif error.sort == "bug" and error.path == ADD:
        give_up(desk, task, Reason.PERMANENT, explain(error))
    else:
        sql.look_at(desk.conn, task_id=task.task_id, due=desk.clock() + pause(task.tries), fresh=False)


def explain(error: PlatformError) -> str:
    """For operators: the code, what to do, and the reference that the platform's support asks for."""
    return str(error)


def _open(desk: Desk, task: Any) -> list[str]:
    return [row.receiver for row in sql.asked(desk.conn, task_id=task.task_id)]


def _found(desk: Desk, task: Any) -> Made | None:
    """The task at WeCom that our call made, if it did. Raises PlatformError (later) while WeCom cannot say yet."""
    passed = {row.msgid for row in sql.known(desk.conn, account=desk.source, since=task.created_at)}
    text = task.request.get("text", {}).get("content", "")
    while msgid := desk.wecom.find_mass_message(task.kind, text, task.sender, task.created_at, passed):
        if (made := _ours(desk, task, msgid)) is not None:
            return made
        passed.add(msgid)
    return None


def _ours(desk: Desk, task: Any, msgid: str) -> Made | None:
    """Is it for our receivers? Those whom WeCom refused are missing from it, and nobody else is in it.

    WeCom may tell none before the tap; then words, sender and time decide, as they do for groups.
    """
    if task.kind == "group":
        return Made(msgid, frozenset())
    there = {row["external_userid"] for row in desk.wecom.rows(RESULT, {"msgid": msgid, "userid": task.sender})}
    asked = set(_open(desk, task))
    if not there <= asked or (there < asked and _fits_another(desk, task, there)):
        return None
    return Made(msgid, frozenset(asked - there) if there else frozenset())


def _fits_another(desk: Desk, task: Any, there: set[str]) -> bool:
    """Is there an open task of the same sender for exactly these receivers?"""
    found = sql.fitting(
        desk.conn, account=desk.source, sender=task.sender, task_id=task.task_id, receivers=sorted(there)
    )
    return found.rowcount > 0
