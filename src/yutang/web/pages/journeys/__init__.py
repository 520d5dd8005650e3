"""Journeys: the list, and one journey with its people, versions, effect and collisions."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.journeys import journey, page

ROUTES: list[HTTPRouteHandler] = [
    page.journeys,
    journey.steps,
    journey.versions,
    journey.people,
    journey.effect,
    journey.collisions,
]
