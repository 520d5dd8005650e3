"""Page-less: edits of the brand's files, taken back, done again, given up; every editor posts here."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.drafts import page

ROUTES: list[HTTPRouteHandler] = [page.undo, page.redo, page.discard]
