"""Pages: the offers, one of them, the editor, and the counter where codes are looked up and redeemed."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.offers import counter, edit, page

ROUTES: list[HTTPRouteHandler] = [
    page.offers,
    page.one,
    page.figures,
    page.forecast,
    counter.counter,
    counter.ask,
    edit.new,
    edit.create,
    edit.edit,
    edit.change,
    edit.preview,
    edit.delete,
    edit.undo,
]
