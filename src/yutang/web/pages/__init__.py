"""The pages: a folder each, with its routes, its words and its templates. One line for each here, in the order of the menu."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages import (
    calendar,
    codes,
    data,
    deliveries,
    drafts,
    editor,
    home,
    journeys,
    me,
    messages,
    offers,
    person,
    persons,
    plans,
    rehearsals,
    rules,
    schema,
    segments,
    settings,
    tasks,
    world,
)
from yutang.web.pages.static import static

ROUTES: list[HTTPRouteHandler] = [
    *home.ROUTES,
    *persons.ROUTES,
    *person.ROUTES,
    *segments.ROUTES,
    *rules.ROUTES,
    *journeys.ROUTES,
    *editor.ROUTES,
    *offers.ROUTES,
    *messages.ROUTES,
    *codes.ROUTES,
    *plans.ROUTES,
    *rehearsals.ROUTES,
    *calendar.ROUTES,
    *tasks.ROUTES,
    *deliveries.ROUTES,
    *data.ROUTES,
    *schema.ROUTES,
    *settings.ROUTES,
    *me.ROUTES,
    *drafts.ROUTES,
    *world.ROUTES,
    static,
]
