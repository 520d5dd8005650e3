"""The application: every route, behind the same headers and the same words for errors."""

from __future__ import annotations

import inspect

from litestar import Litestar
from litestar.datastructures import State
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from yutang.web import api, callbacks, desk, login, pages, preference, setup, sidebar, wallet
from yutang.web.api.events import MAX_BODY, PATH, post_events
from yutang.web.api.spec import COMPONENTS, events_path
from yutang.web.edge import Edge
from yutang.web.headers import with_headers
from yutang.web.problems import HANDLERS


def create(edge: Edge) -> Litestar:
    """The application over these parts; the caller closes them."""
    application = Litestar(
        route_handlers=[
            *api.ROUTES,
            *callbacks.ROUTES,
            *login.ROUTES,
            *setup.ROUTES,
            *sidebar.ROUTES,
            *desk.ROUTES,
            *preference.ROUTES,
            *wallet.ROUTES,
            *pages.ROUTES,
        ],
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
            # Below its own path the framework answers unknown ones with a page of its own; so that is not the API's.
            path="/v1/openapi.json",
            render_plugins=[JsonRenderPlugin(path="/")],
        ),
    )
    (application.openapi_schema.paths or {})[PATH] = events_path(inspect.getdoc(post_events.fn) or "")
    return application
