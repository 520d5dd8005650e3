"""A rehearsal while it is played, and its report; and the list of them."""

from __future__ import annotations

from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect, ServerSentEvent

from yutang import definitions, users
from yutang.replay import book
from yutang.web.edge import edge_of
from yutang.web.pages.page import Page, done
from yutang.web.pages.rehearsals import report
from yutang.web.pages.rehearsals.text import TEXT
from yutang.web.progress import State, follow
from yutang.web.routes import act, look

SHOWN = 30
PLAYED = ("done", "failed", "stopped")


@look("/rehearsals", "look")
def rehearsals(request: Request) -> Response[bytes]:
    """Newest first; ``?before=`` turns the page."""
    edge = edge_of(request)
    before = request.query_params.get("before", "")
    with edge.pool.lend() as conn:
        found = book.listing(conn, int(before) if before.isdigit() else None, SHOWN)
        titles = {d.name: d.body["title"] for d in definitions.all_current(conn, "journey")}
        return Page.of(request, conn, TEXT).show(
            "rehearsals/list.html",
            rows=found,
            titles=titles,
            later=bool(before),
            following=found[-1].rehearsal_id if len(found) == SHOWN else None,
        )


@look("/rehearsals/{rehearsal:int}", "look")
def one(request: Request, rehearsal: FromPath[int]) -> Response[bytes]:
    """How far it is, or what it has found. ``?plan=``: the plan that it belongs to."""
    edge = edge_of(request)
    plan = request.query_params.get("plan", "")
    with edge.pool.lend() as conn:
        found = book.found(conn, rehearsal)
        page = Page.of(request, conn, TEXT)
        return page.show(
            "rehearsals/page.html",
            one=found,
            kind=page.text(found["kind"]),
            ahead=book.ahead(conn, rehearsal),
            report=report.Told(found["report"], page.words) if found["report"] else None,
            figures=report,
            plan=int(plan) if plan.isdigit() else None,
        )


@look("/rehearsals/{rehearsal:int}/progress", "look")
def progress(request: Request, rehearsal: FromPath[int]) -> ServerSentEvent:
    """How it goes on, for as long as the page is open."""
    page = Page(request, texts=TEXT)

    def state(conn: psycopg.Connection) -> State:
        found = book.found(conn, rehearsal)
        html = page.render("rehearsals/progress.html", one=found, ahead=book.ahead(conn, rehearsal))
        return State(html, "" if found["state"] in PLAYED else None)

    return follow(request, state)


@act("/rehearsals/{rehearsal:int}/stop", "edit")
def stop(request: Request, rehearsal: FromPath[int]) -> Redirect:
    """No longer wanted. What has ended meanwhile keeps its report."""
    edge = edge_of(request)
    with edge.pool.lend() as conn, conn.transaction():
        if book.stop(conn, rehearsal):
            users.note(conn, edge.clock(), request.state.visitor.name, "rehearse_stop", f"rehearsal/{rehearsal}")
            return done(f"/rehearsals/{rehearsal}", *TEXT["told.stopped"])
    return done(f"/rehearsals/{rehearsal}", *TEXT["told.ended"])


@look("/rehearsals/{rehearsal:int}/report", "look")
def download(request: Request, rehearsal: FromPath[int]) -> Response[str]:
    """The report as a file that needs nothing else."""
    with edge_of(request).pool.lend() as conn:
        html = book.page(conn, rehearsal)
    headers: dict[str, Any] = {"content-disposition": f'attachment; filename="rehearsal-{rehearsal}.html"'}
    return Response(html, media_type="text/html; charset=utf-8", headers=headers)
