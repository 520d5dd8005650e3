"""Page: the overview: figures with their trend, and what needs somebody today."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.home import page

ROUTES: list[HTTPRouteHandler] = [page.home]
