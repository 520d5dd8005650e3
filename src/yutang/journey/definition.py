"""A journey's file, checked and brought into one form: its head here, its steps in `program`."""

from __future__ import annotations

from typing import Any

from yutang.journey.program import program
from yutang.segment import language
from yutang.source import Node

_KEYS = (
    "title", "class", "trigger", "audience", "reentry", "holdout_percent", "value_fen", "deadline_days", "max_age_days", "goal", "exit_on_leave", "steps",
)  # fmt: skip
_CLASSES = ("service", "marketing")
"""What somebody waits for (a parcel is on its way, a booking is tomorrow), and what a brand would like to say."""


def journey(node: Node) -> dict[str, Any]:
    """The body of a journey definition, from its file. Raises SourceError with position and fix."""
    keys = node.mapping(known=_KEYS, required=("title", "trigger", "steps"))
    title = keys["title"].mapping(known=("zh", "en"), required=("zh", "en"))
    body: dict[str, Any] = {
        "title": {name: title[name].text() for name in ("zh", "en")},
        "class": _class(keys.get("class")),
        "trigger": _trigger(keys["trigger"]),
        "audience": language.parse(keys["audience"]).to_json() if "audience" in keys else None,
        "reentry_days": _reentry(keys.get("reentry")),
        "holdout_percent": _percent(keys.get("holdout_percent")),
        "value_fen": keys["value_fen"].whole() if "value_fen" in keys else 0,
        "deadline_days": keys["deadline_days"].whole(1, 365) if "deadline_days" in keys else 7,
        "max_age_days": keys["max_age_days"].whole(1, 3650) if "max_age_days" in keys else 3,
        "goal": _event(keys["goal"]) if "goal" in keys else None,
        "exit_on_leave": keys["exit_on_leave"].flag() if "exit_on_leave" in keys else False,
    }
    if body["exit_on_leave"] and "segment" not in body["trigger"]:
        raise keys["exit_on_leave"].fail(
            "only a journey that a segment triggers can be left by leaving it; remove the line"
        )
    if body["class"] == "service" and body["holdout_percent"]:
        raise keys["holdout_percent"].fail("a journey of class service keeps its word to everybody; remove the line")
    return body | {"program": program(keys["steps"])}


def _class(node: Node | None) -> str:
    if node is None:
        return "marketing"
    if node.text() not in _CLASSES:
        raise node.fail(
            f"a journey is of class service or marketing, not '{node.value}'; write for example 'class: service'"
        )
    return node.text()


def _trigger(node: Node) -> dict[str, Any]:
    keys = node.mapping(known=("event", "where", "segment"))
    if ("event" in keys) == ("segment" in keys):
        raise node.fail(
            "a trigger is one event or one segment; write for example {event: registered} or {segment: sleepers}"
        )
    return {"segment": keys["segment"].text()} if "segment" in keys else _event(node)


def _event(node: Node) -> dict[str, Any]:
    """``{"event": type, "where": {property: value}}``."""
    keys = node.mapping(known=("event", "where"), required=("event",))
    where = {name: value.scalar() for name, value in keys["where"].mapping().items()} if "where" in keys else {}
    return {"event": keys["event"].text(), "where": where}


def _reentry(node: Node | None) -> int | None:
    """Days until a person may enter again: None for never, 0 for whenever the last run has ended."""
    if node is None or node.value == "never":
        return None
    if node.value == "always":
        return 0
    return node.mapping(known=("after_days",), required=("after_days",))["after_days"].whole(1, 3650)


def _percent(node: Node | None) -> float:
    value = float(node.number()) if node else 0.0
    if node and not 0 <= value <= 100:
        raise node.fail("a share lies between 0 and 100")
    return value
