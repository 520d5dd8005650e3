"""The demo's days: asked for by a form on every page, and how far they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import Request
from litestar.response import Redirect, ServerSentEvent

from yutang.web.edge import edge_of
from yutang.web.forms import Form, number_of, page_of, text_of
from yutang.web.pages.page import Page
from yutang.web.problems import Problem
from yutang.web.progress import State, follow
from yutang.web.routes import act, look

if TYPE_CHECKING:
    from yutang.demo.world import World


@act("/world/days", "edit")
def go(request: Request, data: Form) -> Redirect:
    """Let days pass; the page that asked shows how far they are."""
    _world(request).go(number_of(data, "days") or 0)
    return Redirect(page_of(text_of(data, "to")), status_code=303)


@look("/world/progress", "edit")
def progress(request: Request) -> ServerSentEvent:
    """Until the days have passed; then the page is loaded anew."""
    world, page = _world(request), Page(request)

    def state(_: object) -> State:
        passing = world.passing
        return State(page.render("world/passing.html", passing=passing)) if passing else State("", "")

    return follow(request, state)


def _world(request: Request) -> World:
    world = edge_of(request).world
    if world is None:
        raise Problem(404, "只有演示里的时间能这样过。 only in a demo can time be passed like this")
    return world
