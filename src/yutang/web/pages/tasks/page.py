"""Staff tasks: the open ones by when they are due, the overdue, the ended; done, passed on, called off.

A salesperson sees his own, a store manager those of the salespeople in his stores, everybody else all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect

from yutang import definitions, users
from yutang.channels import STAFF_TASKS
from yutang.db.queries import Queries
from yutang.model import YutangError, halves
from yutang.web.access import Visitor
from yutang.web.edge import edge_of
from yutang.web.forms import Form, page_of, text_of
from yutang.web.pages.page import Page, done
from yutang.web.pages.tasks.text import TEXT
from yutang.web.problems import Problem
from yutang.web.routes import act, look
from yutang.why.words import title_of

sql = Queries("yutang.web")
PAGE = 30
Key = tuple[datetime, int]
"""Where a page begins: when its last task is due, or has ended; and its number."""
VIEWS = ("open", "overdue", "ended")


@look("/tasks", "tasks")
def tasks(request: Request) -> Response[bytes]:
    """One view of them: ``?view=open|overdue|ended``, ``&staff=``, ``&store=``, ``&after=``."""
    edge, visitor = edge_of(request), request.state.visitor
    said = request.query_params
    view = said.get("view") if said.get("view") in VIEWS else VIEWS[0]
    with edge.pool.lend() as conn:
        theirs = _whose(conn, visitor)
        asked = _narrowed(conn, theirs, said.get("staff", "").strip(), said.get("store", "").strip())
        rows = _rows(conn, edge.clock(), view, asked, _key(said.get("after", "")))
        shown = rows[:PAGE]
        pond = definitions.pond(conn)
        return Page(request, pond["time_zone"], TEXT).show(
            "tasks/page.html",
            query=f"?{request.url.query}" if request.url.query else "",
            view=view,
            views=VIEWS,
            rows=shown,
            names=_names(conn, shown),
            journeys={d.name: title_of(d.body, d.name) for d in definitions.all_current(conn, "journey")},
            following=_word(shown[-1], view) if len(rows) > PAGE else None,
            later="after" in said,
            asked={name: said.get(name, "") for name in ("staff", "store")},
            staff=_choice(conn, theirs),
            stores=_stores(conn, visitor),
            mine=visitor.staff,
            nobody=theirs == [] and ("no_staff" if visitor.role.scope == "own" else "no_store_staff"),
            leads=visitor.role.scope != "own",
        )


@act("/tasks/{task:int}/done", "tasks")
def task_done(request: Request, task: FromPath[int], data: Form) -> Redirect:
    """Whoever has it, or leads whoever has it, says that it is done."""
    return _act(request, task, data, "task_done", ("已记下：任务完成。", "Noted: the task is done."))


@act("/tasks/{task:int}/drop", "tasks")
def task_drop(request: Request, task: FromPath[int], data: Form) -> Redirect:
    """Nobody is to do it any more; not for whoever it was given to."""
    _check_leads(request)
    return _act(request, task, data, "task_drop", ("已撤回任务。", "The task is called off."))


@act("/tasks/{task:int}/escalate", "tasks")
def task_escalate(request: Request, task: FromPath[int], data: Form) -> Redirect:
    """To whom it would go later, now."""
    return _act(request, task, data, "task_escalate", ("已转交任务。", "The task is passed on."))


def _act(request: Request, task: int, data: Form, deed: str, said: tuple[str, str]) -> Redirect:
    """One deed, written down. What has happened to the task meanwhile is said, and nothing is done."""
    edge, visitor = edge_of(request), request.state.visitor
    with edge.pool.lend() as conn, conn.transaction():
        _check_seen(conn, visitor, task)
        try:
            with conn.transaction():
                _do(conn, edge.clock(), deed, task, visitor)
        except YutangError as error:
            return done(_to(data), *halves(str(error)))
        users.note(conn, edge.clock(), visitor.name, deed, f"task/{task}")
    return done(_to(data), *said)


def _do(conn: psycopg.Connection, now: datetime, deed: str, task: int, visitor: Visitor) -> None:
    by = visitor.staff or visitor.name
    if deed == "task_done":
        STAFF_TASKS.done(conn, now, task, by)
    elif deed == "task_drop":
        STAFF_TASKS.drop(conn, now, task, by)
    else:
        STAFF_TASKS.escalate(conn, now, task)


def _to(data: Form) -> str:
    to = page_of(text_of(data, "to"))
    return to if to.startswith("/tasks") else "/tasks"


def _check_leads(request: Request) -> None:
    if request.state.visitor.role.scope == "own":
        raise Problem(403, "撤回任务需要：店长或运营。 calling a task off needs: store manager or operator", "role")


def _check_seen(conn: psycopg.Connection, visitor: Visitor, task: int) -> None:
    """Raises Problem 404 for a task that is none of his."""
    try:
        holder, theirs = STAFF_TASKS.holder(conn, task), _whose(conn, visitor)
    except YutangError as error:
        raise Problem(404, str(error)) from None
    if theirs is not None and holder not in theirs:
        raise Problem(404, f"没有任务 {task}。 there is no task {task} here")


def _whose(conn: psycopg.Connection, visitor: Visitor) -> list[str] | None:
    """The members of staff whose tasks he sees; None: all of them."""
    if visitor.role.scope == "all":
        return None
    if visitor.role.scope == "own":
        return [visitor.staff] if visitor.staff else []
    return sorted({*users.staff_of(conn, visitor.stores), *filter(None, [visitor.staff])})


def _narrowed(conn: psycopg.Connection, theirs: list[str] | None, staff: str, store: str) -> list[str] | None:
    """Those of `theirs` that somebody asked for."""
    found = theirs
    if store:
        inside = users.staff_of(conn, [store])
        found = inside if found is None else [one for one in found if one in inside]
    if staff:
        found = [staff] if found is None or staff in found else []
    return found


def _rows(
    conn: psycopg.Connection, now: datetime, view: str | None, staff: Sequence[str] | None, after: Key | None
) -> list[Any]:
    """One more than a page holds."""
    if view == "ended":
        return STAFF_TASKS.ended_tasks(conn, staff=staff, after=after, most=PAGE + 1)
    return STAFF_TASKS.open_tasks(conn, now, staff=staff, overdue=view == "overdue", after=after, most=PAGE + 1)


def _word(row: Any, view: str | None) -> str:
    at = row.ended_at if view == "ended" else row.due_at
    return f"{at.isoformat()}~{row.task_id}"


def _key(text: str) -> Key | None:
    """Where a page begins; None for what no page of ours has written."""
    at, _, task = text.partition("~")
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (found, int(task)) if found.tzinfo and task.isascii() and task.isdigit() and len(task) < 19 else None


def _names(conn: psycopg.Connection, rows: Sequence[Any]) -> dict[int, str]:
    """What these persons are called, where it is known."""
    found = sql.contacts(conn, persons=sorted({row.person_id for row in rows}), kind=None)
    return {row.person_id: row.name for row in found if row.name}


def _choice(conn: psycopg.Connection, theirs: list[str] | None) -> list[str]:
    return STAFF_TASKS.busy(conn) if theirs is None else theirs if len(theirs) > 1 else []


def _stores(conn: psycopg.Connection, visitor: Visitor) -> list[tuple[str, dict[str, str]]]:
    """The stores to choose from: all, or those of a manager where he has several."""
    if visitor.role.scope == "own":
        return []
    known = [(d.name, title_of(d.body, d.name)) for d in definitions.all_current(conn, "store")]
    mine = [(name, title) for name, title in known if visitor.role.scope == "all" or name in visitor.stores]
    return mine if visitor.role.scope == "all" or len(mine) > 1 else []
