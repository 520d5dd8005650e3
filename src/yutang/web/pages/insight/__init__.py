"""Pages: the dashboard of the lake's questions, one page for each question, its answer as a file, and the archive run."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.insight import acts, page

ROUTES: list[HTTPRouteHandler] = [page.dashboard, page.one, page.download, acts.archive, acts.progress]
