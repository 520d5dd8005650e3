"""The segments: the list, each with its figures, and the editor."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.segments import edit, page

ROUTES: list[HTTPRouteHandler] = [
    page.segments,
    page.segment,
    page.portrait,
    page.overlap,
    page.versions,
    edit.new,
    edit.create,
    edit.edit,
    edit.change,
    edit.delete,
    edit.undo,
    edit.check,
]
