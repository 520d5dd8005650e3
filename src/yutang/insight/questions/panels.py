"""The dashboard: eight questions that a manager looks at every morning."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from yutang.insight.questions.ask import answers, of_pond
from yutang.insight.questions.shape import Answer, Lake

PANELS: tuple[tuple[str, dict[str, str]], ...] = (
    ("sales", {"unit": "month"}),
    ("funnel", {"steps": "viewed,ordered", "within": "7d", "since": "30d"}),
    ("retention", {"unit": "week", "since": "84d"}),
    ("flow", {}),
    ("ltv", {}),
    ("coupons", {}),
    ("touches", {"by": "channel"}),
    ("balance", {"by": "store"}),
)


def panels(today: date, zone: str, pond: Mapping[str, Any], there: Lake | None = None) -> list[Answer]:
    """Their answers, in this order; `pond` are the brand's settings. Raises YutangError when the lake cannot answer."""
    return answers([(name, of_pond(name, pond) | given) for name, given in PANELS], today, zone, there)
