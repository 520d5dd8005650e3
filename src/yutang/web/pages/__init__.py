"""The pages: a folder each, with its routes, its words and its templates. One line for each here."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.drafts import page as drafts
from yutang.web.pages.home.page import home
from yutang.web.pages.offers import counter as offers_counter
from yutang.web.pages.offers import edit as offers_edit
from yutang.web.pages.offers import page as offers_page
from yutang.web.pages.person.page import person
from yutang.web.pages.persons import ROUTES as PERSONS
from yutang.web.pages.plans import acts as plan_acts
from yutang.web.pages.plans import new as plan_new
from yutang.web.pages.plans import page as plan_pages
from yutang.web.pages.rehearsals import page as rehearsals
from yutang.web.pages.schema.page import schema
from yutang.web.pages.rules import page as rules
from yutang.web.pages.segments import ROUTES as SEGMENTS
from yutang.web.pages.static import static

ROUTES: list[HTTPRouteHandler] = [
    home,
    *PERSONS,
    person,
    rules.live,
    rules.size,
    *SEGMENTS,
    schema,
    static,
    drafts.undo,
    drafts.redo,
    drafts.discard,
    *(offers_page.offers, offers_page.one, offers_page.figures, offers_counter.counter, offers_counter.ask),
    *(offers_edit.new, offers_edit.create, offers_edit.edit, offers_edit.change, offers_edit.preview),
    *(offers_edit.delete, offers_edit.undo),
    plan_pages.plans,
    plan_pages.one_plan,
    plan_new.new,
    plan_new.make,
    plan_new.rehearse,
    plan_acts.approve,
    plan_acts.refuse,
    plan_acts.apply,
    plan_acts.rehearse,
    plan_acts.way_back,
    plan_acts.revert,
    rehearsals.rehearsals,
    rehearsals.one,
    rehearsals.progress,
    rehearsals.download,
]
