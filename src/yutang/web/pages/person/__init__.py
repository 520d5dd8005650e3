"""Page: the one person."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.person import acts, leave, page

ROUTES: list[HTTPRouteHandler] = [
    page.person,
    page.older,
    acts.tag,
    acts.untag,
    acts.split_page,
    acts.split,
    leave.download,
    leave.erase_page,
    leave.erase_now,
]
