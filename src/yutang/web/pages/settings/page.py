"""The settings' front door, and the language of this browser."""

from __future__ import annotations

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from yutang.web.edge import edge_of
from yutang.web.pages.settings import audit, channels, keys, pond, users
from yutang.web.pages.settings.frame import show
from yutang.web.routes import look


@look("/settings", "settings")
def settings(request: Request) -> Redirect:  # noqa: ARG001
    return Redirect("/settings/users", status_code=303)


@look("/settings/language", "settings")
def language(request: Request) -> Response[bytes]:
    with edge_of(request).pool.lend() as conn:
        return show(request, conn, "language")


ROUTES: list[HTTPRouteHandler] = [
    settings,
    language,
    *users.ROUTES,
    *keys.ROUTES,
    *channels.ROUTES,
    *pond.ROUTES,
    *audit.ROUTES,
]
