"""Page: the list of people, what is asked for, and what is done to many of them."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.persons import bulk, export, kept, page

ROUTES: list[HTTPRouteHandler] = [
    page.persons,
    bulk.tag_form,
    bulk.untag_form,
    bulk.tag,
    bulk.untag,
    bulk.undo,
    bulk.listed,
    bulk.shown,
    bulk.progress,
    export.export_form,
    export.export,
    kept.keep_view,
    kept.rename_view,
    kept.delete_view,
    kept.restore_view,
]
