"""Pages: the messages, one of them, and the editor with a preview as it looks on each channel."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.messages import edit, page

ROUTES: list[HTTPRouteHandler] = [
    page.messages,
    page.one,
    page.figures,
    edit.new,
    edit.create,
    edit.edit,
    edit.change,
    edit.preview,
    edit.delete,
    edit.undo,
]
