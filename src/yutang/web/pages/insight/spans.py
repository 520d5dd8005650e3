"""Over which days the dashboard looks: the panels' own parameters, moved to the span that is chosen; and the span before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from yutang.insight.questions import PANELS, of_pond
from yutang.insight.questions.cohorts import first_of, nth

SPANS = (30, 90, 365)
USUAL = 30
HISTORY = {30: ("week", 12), 90: ("week", 26), 365: ("month", 12)}
"""Of questions that tell one period after the other: in weeks or months, and how many whole ones before the running one."""
ALWAYS = {"ltv": ("month", 12)}
"""What only a long time tells."""
AGAIN = 30
"""Days within which somebody orders again."""
SERIES = ("sales", "retention", "ltv")


def of_panels(days: int, today: date, pond: Mapping[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """The dashboard's questions with their parameters, over the last `days` days, today included."""
    return [(name, of_pond(name, pond) | given | _span(name, days, today)) for name, given in PANELS]


def _span(name: str, days: int, today: date) -> dict[str, str]:
    if name not in SERIES:
        return {"since": f"{days - 1}d", "until": "0d"}
    unit, many = ALWAYS.get(name, HISTORY[days])
    return {"unit": unit, "since": nth(unit, first_of(unit, today), -many).isoformat(), "until": "0d"}


def instead(days: int) -> dict[str, dict[str, str]]:
    """What is asked where nobody has taken the first step of a panel: a shop that hears of no views still knows who orders again. The
    first step lies so far back that the second has had its time."""
    again = {"steps": "ordered,ordered", "within": "30d", "since": f"{days + AGAIN - 1}d", "until": f"{AGAIN}d"}
    return {"funnel": again}


def before(name: str, since: date, until: date) -> dict[str, str] | None:
    """The days before these, as many; None for a question that tells its own past. A flow is between the ends of two days."""
    if name in SERIES:
        return None
    apart = timedelta(days=0 if name == "flow" else 1)
    last = since - apart
    return {"since": (last - (until - since)).isoformat(), "until": last.isoformat()}
