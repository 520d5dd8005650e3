"""Page: the event registry, under the tabs of the data area."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.schema import page

ROUTES: list[HTTPRouteHandler] = [page.schema]
