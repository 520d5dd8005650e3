"""In a demo: time passes when somebody asks."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.world import page

ROUTES: list[HTTPRouteHandler] = [page.go, page.progress]
