"""Send: a letter becomes a task of whoever is responsible for the person; what became of it is told later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from yutang.channels.contract import OWNER, STAFF, Answer, Channel, Fact, Letter, Result
from yutang.channels.platform import news
from yutang.channels.staff import book
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)
NO_JOURNEY: tuple[str, str | None] = ("", None)


@dataclass(frozen=True)
class Job:
    """A letter and who is to do it. escalate_at: None when it does not pass on."""

    letter: Letter
    staff: str
    escalate_to: str | None
    due_at: datetime
    escalate_at: datetime | None
    late_at: datetime


class Staff(Channel):
    """Tasks in `staff_task`; reaches any person whom somebody is responsible for."""

    name = STAFF
    batch = 1000

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:
        """assigned where there is somebody to do it; a letter that came before gets what is on record."""
        jobs, journeys = _jobs(conn, letters), _journeys(conn, letters)
        with conn.transaction():
            _keep(conn, now, [job for job in jobs.values() if job is not None], journeys)
            rows = sql.recorded(conn, touches=[x.touch_id for x in letters], late=Reason.NOT_SENT)
            known = {row.touch_id: _result(row) for row in rows}
            _tell_of_nobody(conn, now, [x for x in letters if x.touch_id not in known], journeys)
        nobody = Result.failed("没有负责的员工。 nobody is responsible for the person", Reason.NO_STAFF)
        return [known.get(letter.touch_id, nobody) for letter in letters]

    def receive(self, conn: psycopg.Connection, now: datetime) -> list[Answer | Fact]:
        return news.take(conn, self.name, now)

    def call_off(self, conn: psycopg.Connection, now: datetime, touches: Sequence[int]) -> None:
        """Whoever wants no more of us, or is asked by a journey that is no more, is not called: the next look finds out why, and drops them."""
        sql.hasten(conn, now=now, touches=list(touches))

    def due(self, conn: psycopg.Connection, now: datetime) -> bool:
        row = sql.due(conn, now=now, channel=self.name).fetchone()
        return bool(row and row.found)

    def tend(self, conn: psycopg.Connection, now: datetime) -> int:
        """Drop what is of no more use, pass on what was not done in time, and end what is too late."""
        return book.look(conn, now)


def _jobs(conn: psycopg.Connection, letters: Sequence[Letter]) -> dict[int, Job | None]:
    """By touch id; None where nobody is responsible."""
    rows = sql.owners(conn, persons=sorted({letter.person_id for letter in letters}))
    owners = {row.person_id: row.staff for row in rows}
    return {letter.touch_id: _job(letter, owners.get(letter.person_id)) for letter in letters}


def _job(letter: Letter, owner: str | None) -> Job | None:
    """Whoever it would pass to has it at once where nobody else is responsible."""
    terms: dict[str, Any] = letter.meta["task"]
    to = owner if terms["to"] == OWNER else terms["to"]
    boss = terms["escalate_to"] if terms["escalate_to"] != to else None
    if to is None and boss is None:
        return None
    if to is None or boss is None:
        return Job(letter, to or boss, None, terms["due_at"], None, terms["due_at"])
    return Job(letter, to, boss, terms["due_at"], terms["escalate_at"], terms["late_at"])


def _journeys(conn: psycopg.Connection, letters: Sequence[Letter]) -> dict[int, tuple[str, str | None]]:
    """The names of the journeys, and which run each was, by touch id."""
    rows = sql.journeys(conn, touches=[x.touch_id for x in letters], persons=[x.person_id for x in letters])
    return {row.touch_id: (row.name, row.cause) for row in rows}


def _tell_of_nobody(
    conn: psycopg.Connection, now: datetime, letters: Sequence[Letter], journeys: Mapping[int, tuple[str, str | None]]
) -> None:
    """The journey need not wait for what nobody will do; in the caller's transaction."""
    said = []
    for x in letters:
        journey, cause = journeys.get(x.touch_id, NO_JOURNEY)
        named = book.name(journey, x.meta["message"], cause)
        said.append(book.dropped(x.touch_id, x.person_id, named, now, Reason.NO_STAFF))
    news.tell(conn, STAFF, said)


def _keep(
    conn: psycopg.Connection, now: datetime, jobs: Sequence[Job], journeys: Mapping[int, tuple[str, str | None]]
) -> None:
    """Store the tasks, and tell of the new ones; in the caller's transaction."""
    rows = sql.keep(
        conn,
        now=now,
        look=now + book.LOOK_AGAIN,
        touches=[job.letter.touch_id for job in jobs],
        persons=[job.letter.person_id for job in jobs],
        journeys=[journeys.get(job.letter.touch_id, NO_JOURNEY)[0] for job in jobs],
        messages=[job.letter.meta["message"] for job in jobs],
        titles=[job.letter.subject for job in jobs],
        words=[job.letter.body for job in jobs],
        staff=[job.staff for job in jobs],
        escalate_tos=[job.escalate_to for job in jobs],
        dues=[job.due_at for job in jobs],
        escalations=[job.escalate_at for job in jobs],
        lates=[job.late_at for job in jobs],
    )
    told = [Answer(r.touch_id, r.person_id, "assigned", "message_assigned", now, {"staff": r.staff}) for r in rows]
    news.tell(conn, STAFF, told)


def _result(row: Any) -> Result:
    if row.state == "done":
        return Result.sent(str(row.touch_id))
    if row.reason is not None:
        return Result.failed("任务已结束。 the task has ended", Reason(row.reason))
    return Result.assigned(str(row.touch_id))
