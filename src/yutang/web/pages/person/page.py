"""One person: what is known, why something came and why nothing did, and everything else behind tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect

from yutang.identity import canonical
from yutang.web import scope
from yutang.web.edge import edge_of
from yutang.web.pages.page import Page
from yutang.web.pages.person import overview, tabs, timeline
from yutang.web.pages.person.leave import receipt_of
from yutang.web.pages.person.subject import Subject, subject_of
from yutang.web.pages.person.text import TEXT
from yutang.web.problems import Problem
from yutang.web.routes import look

Show = Callable[[Subject], dict[str, Any]]

TABS: dict[str, Show] = {
    "overview": overview.overview,
    "journeys": overview.journeys,
    "timeline": timeline.timeline,
    "orders": tabs.orders,
    "coupons": tabs.coupons,
    "consent": tabs.consent,
    "tasks": tabs.tasks,
    "identity": tabs.identity,
}
"""What each tab tells, in their order."""


@look("/persons/{person_id:int}", "people")
def person(request: Request, person_id: FromPath[int]) -> Response[Any]:
    """The page; a merged person's leads to whoever holds the facts now. ``?tab=`` names what is shown."""
    edge, tab = edge_of(request), request.query_params.get("tab", "overview")
    if tab not in TABS:
        raise Problem(404, f"没有“{tab}”这个标签页。 there is no tab '{tab}'")
    with edge.pool.lend() as conn:
        holder = canonical(conn, person_id)
        scope.check(conn, request.state.visitor, holder)
        if holder != person_id:
            return Redirect(f"/persons/{holder}", status_code=303)
        page = Page.of(request, conn, TEXT)
        if (gone := receipt_of(page, conn, holder)) is not None:
            return gone
        subject = subject_of(request, edge, conn, page, holder)
        return page.show(f"person/{tab}.html", tab=tab, tabs=list(TABS), subject=subject, **TABS[tab](subject))


@look("/persons/{person_id:int}/older", "people")
def older(request: Request, person_id: FromPath[int]) -> Response[Any]:
    """More of the timeline, for htmx: what follows ``?before=``."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        holder = canonical(conn, person_id)
        scope.check(conn, request.state.visitor, holder)
        page = Page.of(request, conn, TEXT)
        subject = subject_of(request, edge, conn, page, holder)
        return page.show("person/older.html", subject=subject, **timeline.timeline(subject))
