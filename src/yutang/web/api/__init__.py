"""The JSON API."""

from litestar.handlers import BaseRouteHandler

from yutang.web.api.coupons import check, confirm, list_conflicts, redeem, release, reserve
from yutang.web.api.erasure import erase_person, export_person
from yutang.web.api.events import post_events
from yutang.web.api.experiments import list_experiments, show_experiment, show_prospect
from yutang.web.api.health import healthz, metrics
from yutang.web.api.insight import list_questions, show_answer, show_panels
from yutang.web.api.joining import join_persons, list_cases, split_person
from yutang.web.api.offers import list_offers, show_liability, show_offer
from yutang.web.api.people import explain_segment, explain_why
from yutang.web.api.plans import (
    apply_plan,
    approve_plan,
    diff_plan,
    list_plans,
    make_plan,
    refuse_plan,
    revert_plan,
    show_plan,
    show_quota,
)
from yutang.web.api.predictions import show_predictions
from yutang.web.api.products import put_products, show_product, show_products
from yutang.web.api.rehearsals import ask_backtest, ask_dryrun, show_page, show_rehearsal, stop_rehearsal
from yutang.web.api.schema import event_schema
from yutang.web.api.tasks import task_done, tasks

ROUTES: list[BaseRouteHandler] = [
    post_events,
    redeem,
    check,
    reserve,
    confirm,
    release,
    list_conflicts,
    list_offers,
    show_offer,
    show_liability,
    explain_why,
    put_products,
    show_product,
    show_products,
    erase_person,
    export_person,
    list_cases,
    join_persons,
    split_person,
    explain_segment,
    show_predictions,
    event_schema,
    tasks,
    task_done,
    healthz,
    metrics,
    list_experiments,
    show_experiment,
    show_prospect,
    list_questions,
    show_panels,
    show_answer,
    make_plan,
    diff_plan,
    list_plans,
    show_plan,
    approve_plan,
    refuse_plan,
    apply_plan,
    revert_plan,
    show_quota,
    ask_backtest,
    ask_dryrun,
    show_rehearsal,
    stop_rehearsal,
    show_page,
]
