"""Changes: what the drafts would change, the plans made of them, who agrees, and the change itself."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.plans import acts, new, page

ROUTES: list[HTTPRouteHandler] = [
    page.plans,
    page.one_plan,
    new.new,
    new.make,
    new.rehearse,
    acts.approve,
    acts.refuse,
    acts.apply,
    acts.rehearse,
    acts.way_back,
    acts.revert,
]
