"""The list of plans, and one plan: what it changes, who did what to it, and what can be done next."""

from __future__ import annotations

from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath

from yutang import definitions, plan
from yutang.db.queries import Queries
from yutang.plan import Plan
from yutang.plan.make import is_approval_required
from yutang.plan.parts import reach
from yutang.plan.words import Titles
from yutang.web.drafting import draft_of
from yutang.web.edge import edge_of
from yutang.web.pages.page import Page
from yutang.web.pages.plans.said import changes, titles
from yutang.web.pages.plans.text import TEXT
from yutang.web.pages.rehearsals import asking
from yutang.web.routes import look
from yutang.why import lines
from yutang.why.chain import Words

sql = Queries(__package__)
SHOWN = 30
OPEN = ("draft", "approved")


@look("/plans", "look")
def plans(request: Request) -> Response[bytes]:
    """Newest first; ``?before=`` turns the page."""
    edge = edge_of(request)
    before = request.query_params.get("before", "")
    with edge.pool.lend() as conn:
        found = plan.listing(conn, int(before) if before.isdigit() else None, SHOWN)
        said = {row.plan_id: row for row in sql.summaries(conn, plans=[one.plan_id for one in found])}
        return Page.of(request, conn, TEXT).show(
            "plans/list.html",
            plans=[(one, said[one.plan_id]) for one in found],
            draft=draft_of(conn),
            later=bool(before),
            following=found[-1].plan_id if len(found) == SHOWN else None,
        )


@look("/plans/{plan_id:int}", "look")
def one_plan(request: Request, plan_id: FromPath[int]) -> Response[bytes]:
    """All that a plan shows, and its next step."""
    return show(request, plan_id)


def show(
    request: Request, plan_id: int, error: str | None = None, typed: dict[str, str] | None = None
) -> Response[bytes]:
    """The page of a plan; with what went wrong, and what was typed."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        found = plan.found(conn, plan_id)
        text = plan.text(conn, plan_id)
        zone, now = definitions.pond(conn)["time_zone"], edge.clock()
        return Page(request, zone, TEXT).show(
            "plans/page.html",
            status=422 if error else 200,
            error=error,
            plan=found,
            changes=changes(found.shown),
            titles=titles(found.shown),
            steps=_steps(conn, found, text),
            required=is_approval_required(conn),
            mine=request.state.visitor.name.casefold() == found.by.casefold(),
            stale=plan.outdated(conn, plan_id) if found.state in OPEN else [],
            watch=_watched(conn, found, text) if found.state == "applied" else [],
            changed=_changed(conn, text),
            playable=bool(journeys_of(found, text)),
            rehearsals=asking.of_files(conn, text.files),
            typed={**asking.defaults(now, zone), **(typed or {})},
            asking=asking,
        )


def journeys_of(found: Plan, text: plan.Text) -> list[str]:
    """The journeys that the plan changes, or which name what it changes, as they would be."""
    changed = {(one["kind"], one["name"]) for one in found.shown["changes"]}
    return sorted(
        name
        for kind, name in text.bodies
        if kind == "journey" and not changed.isdisjoint(reach(text.bodies, [(kind, name)]))
    )


def _steps(conn: psycopg.Connection, found: Plan, text: plan.Text) -> dict[tuple[str, str], Words]:
    """The steps that people stand on or go to, in words: by journey and id, as they were and as they would be."""
    said: dict[tuple[str, str], Words] = {}
    titled = Titles({}, text.bodies)
    for one in found.shown["flight"]:
        name = one["journey"]
        old = text.base.get(f"journey/{name}")
        before = definitions.find(conn, *old) if old else None
        bodies = [before.body if before else {}, text.bodies.get(("journey", name), {})]
        for line in (line for body in bodies for line in body.get("program", [])):
            said[name, line["id"]] = lines.line(line, titled)
    return said


def _watched(conn: psycopg.Connection, found: Plan, text: plan.Text) -> list[Any]:
    """The journeys in service that the plan has changed."""
    names = set(journeys_of(found, text))
    return [d for d in definitions.all_current(conn, "journey") if d.name in names]


def _changed(conn: psycopg.Connection, text: plan.Text) -> list[str]:
    """The files of the plan that are drafted as it has them: what a plan anew would begin with."""
    working = draft_of(conn).working
    return [path for path, edit in working.changed.items() if edit.text == text.files.get(path)]
