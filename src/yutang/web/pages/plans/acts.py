"""What people do with a plan: approve, refuse, apply, rehearse it, and make the plan that leads back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect

from yutang import plan, users
from yutang.model import YutangError
from yutang.web.edge import Edge, edge_of
from yutang.web.forms import Form, text_of, texts_of
from yutang.web.pages.page import Page, done
from yutang.web.pages.plans.new import choices
from yutang.web.pages.plans.page import journeys_of, show
from yutang.web.pages.plans.said import changes, refusal, titles
from yutang.web.pages.plans.text import TEXT
from yutang.web.pages.rehearsals import asking
from yutang.web.routes import act, look

Answer = Response[bytes] | Redirect
LONGEST_WHY = 1_000


@act("/plans/{plan_id:int}/approve", "apply")
def approve(request: Request, plan_id: FromPath[int]) -> Answer:
    """Somebody else than its maker agrees."""
    return _do(request, plan_id, "approved", lambda e, c, by: plan.approve(c, e.clock(), plan_id, by))


@act("/plans/{plan_id:int}/refuse", "apply")
def refuse(request: Request, plan_id: FromPath[int], data: Form) -> Answer:
    """It ends here; ``why`` says why."""
    why = text_of(data, "why")[:LONGEST_WHY]
    return _do(request, plan_id, "refused", lambda e, c, by: plan.refuse(c, e.clock(), plan_id, by, why))


@act("/plans/{plan_id:int}/apply", "apply")
def apply(request: Request, plan_id: FromPath[int]) -> Answer:
    """Bring it into service; what was applied can be led back by a plan of its own."""
    return _do(
        request, plan_id, "applied", lambda e, c, by: plan.apply(c, e.clock(), plan_id, by, e.channels(c)),
        undo=f"/plans/{plan_id}/revert",
    )  # fmt: skip


@act("/plans/{plan_id:int}/rehearse", "edit")
def rehearse(request: Request, plan_id: FromPath[int], data: Form) -> Answer:
    """Play the plan as it stands."""
    page = Page(request, texts=TEXT)
    with edge_of(request).pool.lend() as conn:
        found, text = plan.found(conn, plan_id), plan.text(conn, plan_id)
        try:
            number = asking.ask(request, conn, text.files, journeys_of(found, text), data)
        except YutangError as error:
            said = page.text(str(error)) if isinstance(error, asking.Wrong) else refusal(page, error)
            fields = {name: text_of(data, name) for name in ("days", "since", "until", "share", "tick") if name in data}
            return show(request, plan_id, said, fields)
    return Redirect(f"/rehearsals/{number}?plan={plan_id}", status_code=303)


@look("/plans/{plan_id:int}/revert", "edit")
def way_back(request: Request, plan_id: FromPath[int]) -> Response[bytes]:
    """What leading back would change."""
    return _way_back(request, plan_id, _moves(request.query_params.getall("move", [])))


@act("/plans/{plan_id:int}/revert", "edit")
def revert(request: Request, plan_id: FromPath[int], data: Form) -> Answer:
    """Make the plan that leads back."""
    edge, by, moves = edge_of(request), request.state.visitor.name, _moves(texts_of(data, "move"))
    with edge.pool.lend() as conn:
        try:
            with conn.transaction():
                made = plan.revert(conn, edge.clock(), plan_id, by, edge.channels(conn), moves=moves)
                users.note(conn, edge.clock(), by, "plan_make", f"plan/{made.plan_id}", {"reverts": plan_id})
        except YutangError as error:
            return _way_back(request, plan_id, moves, error)
    return done(f"/plans/{made.plan_id}", *(words.format(n=made.plan_id) for words in TEXT["told.made"]))


def _do(
    request: Request,
    plan_id: int,
    state: str,
    work: Callable[[Edge, psycopg.Connection, str], Any],
    undo: str | None = None,
) -> Answer:
    """Into another state, written down; what may not be done is said on the plan's page."""
    edge, by, refused = edge_of(request), request.state.visitor.name, None
    with edge.pool.lend() as conn:
        plan.found(conn, plan_id)
        with conn.transaction():
            # What makes a plan outdated is kept although it is refused, so the transaction goes on.
            try:
                work(edge, conn, by)
                users.note(conn, edge.clock(), by, f"plan_{state}", f"plan/{plan_id}")
            except YutangError as error:
                refused = error
    if refused is not None:
        return show(request, plan_id, refusal(Page(request, texts=TEXT), refused))
    return done(f"/plans/{plan_id}", *(words.format(n=plan_id) for words in TEXT[f"told.{state}"]), undo=undo)


def _way_back(request: Request, plan_id: int, moves: list[str], error: YutangError | None = None) -> Response[bytes]:
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        page = Page.of(request, conn, TEXT)
        try:
            was = plan.way_back(conn, plan_id)
            found = plan.look(conn, edge.clock(), was, edge.channels(conn), moves, guess=True)
        except YutangError as wrong:
            return show(request, plan_id, refusal(page, wrong))
        return page.show(
            "plans/back.html",
            status=422 if error else 200,
            error=refusal(page, error) if error else None,
            plan_id=plan_id,
            shown=found.shown,
            changes=changes(found.shown),
            titles=titles(found.shown),
            groups=choices(found.flights, found.text.bodies, moves),
        )


def _moves(given: list[str]) -> list[str]:
    return [move for move in given if "=" in move]
