"""A month of touches against what the platforms allow."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.calendar import page

ROUTES: list[HTTPRouteHandler] = [page.calendar]
