"""Page: the one person."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.person import acts, leave, merging, page

ROUTES: list[HTTPRouteHandler] = [
    page.person,
    page.older,
    acts.tag,
    acts.untag,
    merging.split_page,
    merging.split,
    merging.join_page,
    merging.join,
    leave.download,
    leave.erase_page,
    leave.erase_now,
]
