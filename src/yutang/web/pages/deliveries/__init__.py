"""Page: deliveries: every letter on its way, why some failed, and another try."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.deliveries import page

ROUTES: list[HTTPRouteHandler] = [page.deliveries, page.reasons, page.delivery, page.try_again, page.try_all_again]
