"""The report as a page of its own: no script, no network, Chinese first."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, Template

from yutang.replay.report import LEAST, Counted, Daily
from yutang.replay.scale import Figure
from yutang.why import words
from yutang.why.words import ATTEMPTS, STATES, VERDICTS

if TYPE_CHECKING:
    from yutang.replay.report import Report

ARMS = {
    "treated": words.both("实验组", "treated"),
    "holdout": words.both("旅程对照组", "held out by the journey"),
    "global": words.both("全局对照组", "held out by the pond"),
}


def page(report: Report) -> str:
    """HTML; whatever comes from people or files is escaped."""
    return _template().render(r=report, whole=report.whole, least=LEAST)


def number(value: float) -> str:
    """``1,234``; a small part of one keeps a digit."""
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:,.1f}"


def figure(found: Figure) -> str:
    """A figure, with its interval where it is not exact."""
    bounds = "" if found.low == found.high else f"（{number(found.low)}–{number(found.high)}）"
    return number(found.value) + bounds


def yuan(found: Figure) -> str:
    """Fen as yuan."""
    return figure(Figure(*(round(value / 100, 2) for value in (found.value, found.low, found.high))))


def percent(found: Figure) -> str:
    return f"{found.value:.1%}（{found.low:.1%}–{found.high:.1%}）"


def word(name: str) -> dict[str, str]:
    """A state, verdict, arm or reason in both languages; what is none of them stays as it is."""
    for known in (VERDICTS, ATTEMPTS, STATES, ARMS):
        if name in known:
            return known[name]
    return words.reason(name)


def most(rows: Iterable[Counted]) -> float:
    """The largest of some counts, to draw bars against."""
    return max((one.figure.value for one in rows), default=0.0) or 1.0


def peak(one: Daily) -> float:
    return max((figure.value for figure in one.days.values()), default=0.0) or 1.0


def total(figures: Iterable[Figure]) -> float:
    return sum(one.value for one in figures)


@cache
def _template() -> Template:
    made = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"figure": figure, "yuan": yuan, "percent": percent, "word": word, "number": number}
    tools: dict[str, Any] = {"most": most, "peak": peak, "total": total}
    made.globals.update(tools)
    return made.from_string((resources.files(__package__) / "templates" / "report.html").read_text("utf-8"))
