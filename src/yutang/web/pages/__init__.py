"""The pages: a folder each, with its routes, its words and its templates. One line for each here."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.drafts import page as drafts
from yutang.web.pages.home.page import home
from yutang.web.pages.person.page import person
from yutang.web.pages.persons.page import persons
from yutang.web.pages.schema.page import schema
from yutang.web.pages.segment.page import segment
from yutang.web.pages.static import static

ROUTES: list[HTTPRouteHandler] = [
    home,
    persons,
    person,
    segment,
    schema,
    static,
    drafts.undo,
    drafts.redo,
    drafts.discard,
]
