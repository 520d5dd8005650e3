"""What to do next: from an answer to the people behind it, or to where the matter is worked on."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

from yutang.insight.questions import Answer
from yutang.web.pages.insight.saying import records
from yutang.web.pages.page import Page


class Link(NamedTuple):
    href: str
    words: str


PLACES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "sales": (("/segments/new?from=second_order", "edit", "to.second_order"),),
    "retention": (("/segments/new?from=second_order", "edit", "to.second_order"),),
    "flow": (
        ("/persons?stage=dormant", "people", "to.dormant"),
        ("/segments/new?from=sleeping_value", "edit", "to.sleeping_value"),
    ),
    "ltv": (("/predictions", "look", "to.predictions"),),
    "coupons": (("/offers", "look", "to.offers"),),
    "touches": (("/insight/held", "look", "to.held"), ("/messages", "look", "to.messages")),
    "held": (("/deliveries/reasons", "look", "to.reasons"),),
    "attribution": (("/journeys", "look", "to.journeys"),),
    "cac": (("/codes", "codes", "to.codes"),),
}
"""By question: where to, the right that it takes, and what the link says."""


def onward(page: Page, answer: Answer) -> list[Link]:
    """Of these, what whoever looks may open; of a funnel whoever was lost on its way."""
    places = [Link(href, page.text(word)) for href, right, word in PLACES.get(answer.question, ()) if page.can(right)]  # type: ignore[arg-type]
    return places + (_lost(page, answer) if answer.question == "funnel" and page.can("people") else [])


def _lost(page: Page, answer: Answer) -> list[Link]:
    """The people who took the first step and not the last one, where the rules can ask for that: no conditions, no split."""
    rows, since = records(answer), answer.asked["since"]
    if not rows or "who" in rows[0] or not since.endswith("d"):
        return []
    first, last, days = rows[0]["event"], rows[-1]["event"], int(since[:-1]) + 1
    if "[" in first + last:
        return []
    again: dict[str, Any] = {"count": last, "exactly": 1, "days": days}
    rule = (
        again
        if first == last
        else {"all": [{"count": first, "at_least": 1, "days": days}, {"none": last, "days": days}]}
    )
    return [Link(f"/persons?{urlencode({'rule': _flow(rule)})}", page.text("to.lost"))]


def _flow(value: Any) -> str:
    """A rule as text of one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    return "[" + ", ".join(map(_flow, value)) + "]" if isinstance(value, list) else str(value)
