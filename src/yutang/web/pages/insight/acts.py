"""The archive run that somebody asks for, and how far it is."""

from __future__ import annotations

from litestar import Request
from litestar.response import Redirect, ServerSentEvent

from yutang import users
from yutang.web import chores
from yutang.web.edge import edge_of
from yutang.web.forms import Form, page_of, text_of
from yutang.web.pages.insight.text import TEXT
from yutang.web.pages.page import Page
from yutang.web.routes import act, look


@act("/insight/archive", "data")
def archive(request: Request, data: Form) -> Redirect:
    """Bring the lake up to date, beside the requests."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        users.note(conn, edge.clock(), request.state.visitor.name, "archive", "lake")
    chores.begin(edge, "archive")
    return Redirect(page_of(text_of(data, "to") or "/insight"), status_code=303)


@look("/insight/archive/progress", "look")
def progress(request: Request) -> ServerSentEvent:
    """Until the run has ended; then the page is loaded anew."""
    page = Page(request, texts=TEXT)
    return chores.follow(request, "archive", lambda one: page.render("insight/progress.html", chore=one))
