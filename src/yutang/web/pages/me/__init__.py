"""My own password and sessions."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.me import page

ROUTES: list[HTTPRouteHandler] = [page.me, page.password, page.sign_out]
