"""The editor of a journey: its steps as a nested list, the form of one of them beside it, and the file itself."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.editor import acts, message, new, page

ROUTES: list[HTTPRouteHandler] = [
    page.edit,
    new.new,
    new.make,
    acts.insert,
    acts.do,
    acts.step,
    acts.head,
    acts.condition,
    acts.whole,
    message.message,
]
