"""Page: data: where events come from, what was refused, and files that were read in."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.data import imports, page

ROUTES: list[HTTPRouteHandler] = [
    page.data,
    page.save_source,
    page.close_source,
    page.open_source,
    page.rejects,
    page.replay_reason,
    page.replay_one,
    imports.imports,
    imports.new,
    imports.upload,
    imports.check,
    imports.start,
    imports.drop,
    imports.imported,
    imports.progress,
    imports.resume,
    imports.take_back,
]
