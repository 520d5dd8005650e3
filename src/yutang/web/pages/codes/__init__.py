"""Page: live codes of all accounts, what came of them, and posters to print."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.codes import edit, page, poster

ROUTES: list[HTTPRouteHandler] = [
    page.codes,
    edit.new,
    edit.add,
    page.one,
    page.progress,
    page.qr,
    edit.change_form,
    edit.change,
    edit.undo,
    edit.retire,
    poster.poster,
    poster.pdf,
]
