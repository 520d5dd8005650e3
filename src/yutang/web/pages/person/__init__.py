"""Page: the one person."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.person import acts, page

ROUTES: list[HTTPRouteHandler] = [page.person, page.older, acts.tag, acts.untag, acts.split_page, acts.split]
