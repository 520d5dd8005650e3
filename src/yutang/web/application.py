"""The application: every route, behind the same headers and the same words for errors."""

from __future__ import annotations

from litestar import Litestar
from litestar.datastructures import State
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from yutang.web import api, callbacks, login, pages, sidebar
from yutang.web.api.spec import COMPONENTS
from yutang.web.edge import Edge
from yutang.web.headers import with_headers
from yutang.web.problems import HANDLERS

MAX_BODY = 20_000_000
"""Bytes that are read of any request. A body between the door's own limit and this one is refused by name, and kept."""


def create(edge: Edge) -> Litestar:
    """The application over these parts; the caller closes them."""
    return Litestar(
        route_handlers=[*api.ROUTES, *callbacks.ROUTES, *login.ROUTES, *sidebar.ROUTES, *pages.ROUTES],
        state=State({"edge": edge}),
        exception_handlers=HANDLERS,
        middleware=[with_headers],
        request_max_body_size=MAX_BODY,
        # The framework's own would have every library tell what it does: addresses with tokens in them.
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="Yutang",
            version="1",
            components=COMPONENTS,
            path="/v1",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        ),
    )
