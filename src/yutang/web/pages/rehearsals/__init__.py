"""Back-tests and dry runs: asked for, watched, read inside the console."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.rehearsals import page

ROUTES: list[HTTPRouteHandler] = [page.rehearsals, page.one, page.progress, page.stop, page.download]
