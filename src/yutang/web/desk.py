"""The desk of a member of staff, on a phone or beside a chat: what is to be done and for whom, why now, and all customers."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import psycopg
from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from yutang import channels, definitions
from yutang.channels import STAFF_TASKS
from yutang.channels.platform.account import Account
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.profile import card
from yutang.web.access import COOKIE, session_of
from yutang.web.edge import Edge, edge_of
from yutang.web.login import account_of
from yutang.web.pages.desk.text import TEXT
from yutang.web.pages.page import Page
from yutang.web.problems import Problem
from yutang.web.sidebar import person_of, shown
from yutang.web.wallet import held
from yutang.why import Chain, why, words
from yutang.why.chain import Enrolment, Touch
from yutang.why.words import title_of

sql = Queries("yutang.web")
PATH = "/desk/{kind:str}/{app:str}"
PURPOSE = "desk form"
MAX_FORM = 10_000
"""Bytes."""
SHOWN, LATELY = 30, 6
"""Customers on a page; events of one."""
LATELY_WITHDRAWN = timedelta(days=1)
"""How long a task that nobody is to do any more is still shown."""
FRESH = timedelta(days=7)
"""How long a customer is marked as new."""


@get(PATH, sync_to_thread=True, include_in_schema=False)
def desk(request: Request, kind: FromPath[str], app: FromPath[str]) -> Response:
    """The open tasks of whoever signed in; with ``?external_userid=`` a customer of theirs, and the tasks about him."""
    edge, asked = edge_of(request), request.query_params.get("external_userid", "")
    session = session_of(request)
    if session is None or (session.kind, session.app) != (kind, app):
        return Redirect(f"/login/{quote(kind)}/{quote(app)}?to={quote(request.url.path)}", status_code=303)
    with edge.pool.lend() as conn:
        found = account_of(edge, conn, channels.SIDEBARS, kind, app)
        person = _customer(edge, conn, found, session.userid, asked) if asked else None
        return _show(request, conn, found, session.userid, person)


@get(f"{PATH}/customers", sync_to_thread=True, include_in_schema=False)
def customers(request: Request, kind: FromPath[str], app: FromPath[str]) -> Response:
    """Whom whoever signed in follows, the newest first; ``?q=`` looks for a name or remark, ``after=`` turns the page."""
    edge, session = edge_of(request), session_of(request)
    if session is None or (session.kind, session.app) != (kind, app):
        return Redirect(f"/login/{quote(kind)}/{quote(app)}?to={quote(request.url.path)}", status_code=303)
    asked, after = (request.query_params.get(name, "").strip()[:80].replace("\0", "") for name in ("q", "after"))
    with edge.pool.lend() as conn:
        found = account_of(edge, conn, channels.SIDEBARS, kind, app)
        rows = channels.SIDEBARS[kind].customers(conn, found, session.userid, asked, after, SHOWN + 1)
        pond = definitions.pond(conn)
    return Page(request, pond["time_zone"], TEXT).show(
        "desk/customers.html",
        pond=pond,
        asked=asked,
        later=bool(after),
        rows=rows[:SHOWN],
        following=rows[SHOWN - 1].external_userid if len(rows) > SHOWN else None,
        fresh=edge.clock() - FRESH,
        base=_base(found),
    )


@post(f"{PATH}/tasks/{{task_id:int}}/done", include_in_schema=False, status_code=303, request_max_body_size=MAX_FORM)
async def done(request: Request, kind: FromPath[str], app: FromPath[str], task_id: FromPath[int]) -> Redirect:
    """Whoever has a task says that it is done; the form is good for this session and this task alone."""
    form = await request.form()
    return await sync_to_thread(_done, request, kind, app, task_id, str(form.get("token", "")))


def _done(request: Request, kind: str, app: str, task_id: int, given: str) -> Redirect:
    edge, session = edge_of(request), session_of(request)
    if session is None or (session.kind, session.app) != (kind, app):
        raise Problem(401, f"请先登录：/login/{kind}/{app}。 sign in first")
    if not hmac.compare_digest(given.encode(), _token(request, edge, task_id).encode()):
        raise Problem(403, "请从任务页面点“已完成”。 tap 'done' on the page of your tasks", "foreign")
    with edge.pool.lend() as conn:
        try:
            STAFF_TASKS.done(conn, edge.clock(), task_id, session.userid, own=True)
        except YutangError as error:
            raise Problem(404, str(error)) from None
    return Redirect(f"/desk/{quote(kind)}/{quote(app)}?done=1", status_code=303, headers={"cache-control": "no-store"})


def _token(request: Request, edge: Edge, task_id: int) -> str:
    return edge.vault.sign(PURPOSE, f"{request.cookies.get(COOKIE, '')}\0{task_id}".encode())[:32]


def _customer(edge: Edge, conn: psycopg.Connection, account: Account, userid: str, asked: str) -> int:
    if "\0" in asked or not channels.SIDEBARS[account.kind].may_see(conn, account, userid, asked):
        raise Problem(403, "这不是您的客户。 this is not a customer of yours", "not_yours")
    return person_of(edge, conn, account, asked)


def _base(account: Account) -> str:
    return f"/desk/{quote(account.kind)}/{quote(account.name)}"


def _show(request: Request, conn: psycopg.Connection, account: Account, userid: str, person: int | None) -> Response:
    edge, pond = edge_of(request), definitions.pond(conn)
    now = edge.clock()
    about = {"staff": userid} if person is None else {"persons": [person]}
    rows = STAFF_TASKS.tasks(conn, now, states=STAFF_TASKS.OPEN, most=100, **about)
    withdrawn = _withdrawn(conn, userid, now) if person is None else []
    handle = channels.CONNECTED[account.kind](edge.vault, account, edge.clock).handle
    return Page(request, pond["time_zone"], TEXT).show(
        "desk/page.html",
        pond=pond,
        tasks=[(row, _token(request, edge, row.task_id)) for row in rows],
        withdrawn=[(row, words.reason(row.reason)) for row in withdrawn],
        people=_people(conn, [row.person_id for row in [*rows, *withdrawn]], handle),
        journeys={d.name: title_of(d.body, d.name) for d in definitions.all_current(conn, "journey")},
        customer=shown(card(conn, person), now) if person is not None else None,
        known=_known(conn, person, [row.task_id for row in rows], now) if person is not None else None,
        userid=userid,
        base=_base(account),
        was_done="done" in request.query_params,
    )


def _withdrawn(conn: psycopg.Connection, userid: str, now: datetime) -> list[Any]:
    """What whoever signed in need not do any more: whoever has seen it among the tasks is told where it went."""
    ended = STAFF_TASKS.ended_tasks(conn, staff=[userid], most=100)
    return [row for row in ended if row.state == "dropped" and row.ended_at > now - LATELY_WITHDRAWN]


def _known(conn: psycopg.Connection, person: int, tasks: Sequence[int], now: datetime) -> dict[str, Any]:
    """What helps in talking to a customer: why now, the coupons, what happened lately."""
    chain = why(conn, person, now)
    return {
        "reasons": reasons(chain, tasks),
        "coupons": [one for one in held(conn, person, now) if one.open],
        "lately": sorted(chain.events, key=lambda event: event.at, reverse=True)[:LATELY],
    }


def reasons(chain: Chain, tasks: Sequence[int]) -> list[tuple[str, Enrolment, Touch]]:
    """Why the tasks were given; where there are none, why the last thing was sent. A kind of each, its run, and what was said."""
    said = [(run, touch) for run in chain.enrolments for touch in run.touches]
    given = [("task", run, touch) for run, touch in said if touch.touch_id in set(tasks)]
    sent = [(run, touch) for run, touch in said if touch.attempt is not None and touch.attempt.state == "sent"]
    last = max(sent, key=lambda pair: pair[1].attempt.at, default=None)  # type: ignore[union-attr]
    return given or ([("touch", *last)] if last else [])


def _people(conn: psycopg.Connection, persons: Sequence[int], handle: str | None) -> dict[int, Any]:
    """The name and the id on this platform of each."""
    return {row.person_id: row for row in sql.contacts(conn, persons=sorted(set(persons)), kind=handle)}


ROUTES: list[HTTPRouteHandler] = [desk, customers, done]
