"""Page: the models behind predictions, and what they say of the pond."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.predictions import page

ROUTES: list[HTTPRouteHandler] = [page.predictions, page.train, page.progress]
