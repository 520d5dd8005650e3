"""What the predictions of all people come to: one sentence for each that people can act on. Counted on the shelf."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.predict.page import passed
from yutang.predict.report import Drift, Trained
from yutang.predict.words import COLUMNS
from yutang.segment.moment import Moment
from yutang.web.pages.insight.saying import Say
from yutang.web.pages.page import Page

sql = Queries(__package__)
LOW, LIKELY, HIGH = 0.3, 0.2, 0.7
"""Chances: below which somebody has mostly left, from which a first order is worth asking for, from which leaving is near."""
HIGHER, LOWER = ("near", "in_window", "recall", "auc"), ("rmse", "log_loss", "deviance")
"""Measures by which a model is told to be better than its baseline: the first that both have."""
RULES = {
    "p_alive": f"{{predicted: p_alive, at_most: {LOW}}}",
    "churn_90d": f"{{predicted: churn_90d, at_least: {HIGH}}}",
    "lead_30d": f"{{predicted: lead_30d, at_least: {LIKELY}}}",
    "next_order_day": "{predicted: next_order_day, within_days: 7}",
}
"""Whom a sentence is about, as a rule."""


class Total(NamedTuple):
    """Of one prediction, over everybody of whom it is told. low, likely, high: how many lie below or above a chance; soon: of days, how
    many lie in the coming week."""

    people: int
    total: float
    low: int
    likely: int
    high: int
    soon: int


class Outlook(NamedTuple):
    """figure: large; words: what it is; href: who they are, where a rule can ask for them."""

    figure: str
    words: str
    href: str | None = None


def totals(conn: psycopg.Connection, now: datetime) -> dict[str, Total]:
    """Reads every prediction once."""
    today = Moment(now, definitions.pond(conn)["time_zone"]).today
    return {row.name: Total(*row[1:]) for row in sql.totals(conn, low=LOW, likely=LIKELY, high=HIGH, today=today)}


def outlook(page: Page, found: dict[str, Total]) -> list[Outlook]:
    """What is to be expected of the pond, as far as something is told."""
    say = Say(page)
    figures: dict[str, Callable[[Total], str]] = {
        "value_90d": lambda one: say.money(one.total),
        "margin_90d": lambda one: say.money(one.total),
        "orders_90d": lambda one: page.number(round(one.total)),
        "p_order_90d": lambda one: page.percent(one.total / one.people, 0),
        "next_order_day": lambda one: page.number(one.soon),
        "p_alive": lambda one: page.number(one.low),
        "churn_90d": lambda one: page.number(one.high),
        "lead_30d": lambda one: page.number(one.likely),
        "p_redeem": lambda one: page.percent(one.total / one.people, 0),
    }
    return [
        Outlook(figure(found[name]), page.text(f"o.{name}", n=page.number(found[name].people)), _href(page, name))
        for name, figure in figures.items()
        if name in found and found[name].people
    ]


def _href(page: Page, name: str) -> str | None:
    return f"/persons?{urlencode({'rule': RULES[name]})}" if name in RULES and page.can("people") else None


def gist(page: Page, name: str, found: dict[str, Total]) -> str | None:
    """The sentence of one model's predictions; None where there is none."""
    line = next(iter(outlook(page, {name: found[name]})), None) if name in found else None
    return line and page.text("gist", words=line.words, figure=line.figure)


def better(page: Page, model: Trained) -> str | None:
    """By how much whoever speaks errs less than the best baseline, or hits more often."""
    named = {one["name"]: told(one) for one in model.metrics.get("results", ())}
    chosen, baseline = (named.get(model.metrics.get(key)) for key in ("chosen", "baseline"))
    if model.state != "serving" or not chosen or not baseline or chosen is baseline:
        return None
    for measure in HIGHER:
        if measure in chosen and measure in baseline:
            mine, theirs = (passed(one, measure) for one in (chosen, baseline))
            return page.text("better_hits", measure=page.words(COLUMNS[measure]), mine=mine, theirs=theirs)
    for measure in LOWER:
        if chosen.get(measure) is not None and baseline.get(measure):
            by = page.percent(1 - chosen[measure] / baseline[measure])
            return page.text("better_error", measure=page.words(COLUMNS[measure]), by=by)
    return None


def told(result: dict[str, Any]) -> dict[str, Any]:
    """The figures of a candidate, whatever they are called."""
    return next((value for value in result.values() if isinstance(value, dict)), {})


def measures(result: dict[str, Any]) -> list[str]:
    """Those of a candidate that have a name, in the order in which they are shown."""
    return [name for name in COLUMNS if name in told(result)]


def drifting(since: list[Drift]) -> list[str]:
    """The measures of drift that can be shown: of what was said and what came first."""
    known = ("predicted", "real", *COLUMNS)
    return [name for name in known if any(name in one.metrics for one in since)]


DRAWN = ("near", "in_window", "recall", "bias")
"""What is drawn of a drift: how often a model was right, or else the share by which it said too much or too little."""


def line_of(since: list[Drift]) -> str:
    """Which figure is drawn of these."""
    return next((name for name in DRAWN if any(name in one.metrics for one in since)), "bias")


def drawn(models: list[Trained]) -> dict[str, dict[str, Any]]:
    """Of each model the line of its drift."""
    found = {}
    for model in models:
        name = line_of(model.drift)
        line = [(d, d.metrics.get(name)) for d in reversed(model.drift)]
        points = [(d, value) for d, value in line if value is not None]
        if len(points) > 1:
            found[model.name] = {
                "x": [f"{d.until} v{d.version}" for d, _ in points],
                "series": [{"name": model.name, "data": [round(100 * value, 1) for _, value in points]}],
                "unit": "%",
            }
    return found
