"""What begins a run, and what ends one before its time: read from a journey's head.

Triggers: ``{event: registered}`` (or several, with ``where``) · ``{segment: sleepers}`` · ``{left: sleepers}`` ·
``{schedule: {at, weekdays | days | dates | every}}`` · ``{member_day: 13}`` · ``{anniversary: {of, days_before, at}}`` ·
``{near: {store, within_m}}`` · ``{called: true}`` (only a step of another journey begins it).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date
from typing import Any

from yutang.journey.moments import WEEKDAYS, time_of
from yutang.source import Node

Body = dict[str, Any]

MORNING = "10:00"
"""When a journey begins whose trigger names a day and no hour."""
ANY = "any"
_CHOICES = ("weekdays", "days", "dates", "every")


def trigger(node: Node) -> Body:
    """One of ``{"event": [types], "where"}``, ``{"segment", "when"}``, ``{"schedule": timetable}``,
    ``{"anniversary": {"trait" or "event", "days_before", "at"}}``, ``{"near": {"store" or None, "within_m"}}``, ``{"called": True}``."""
    kinds = [kind for kind in _TRIGGERS if kind in node.mapping()]
    if len(kinds) != 1:
        raise node.fail(
            f"触发只能是其中一种：{'、'.join(_TRIGGERS)}，例如 {{event: registered}} 或 {{segment: sleepers}}。",
            f"a trigger is one of: {', '.join(_TRIGGERS)}; write for example {{event: registered}} or {{segment: sleepers}}",
        )
    return _TRIGGERS[kinds[0]](node)


def by_clock(body: Body) -> Body | None:
    """The timetable of a journey that the clock begins; None for the others. (An anniversary is looked for every day.)"""
    found = body["trigger"]
    if "anniversary" in found:
        return {"at": found["anniversary"]["at"]}
    return found.get("schedule")


def event(node: Node) -> Body:
    """``{"event": type, "where": {property: value}}``: a goal, or what ends a run."""
    keys = node.mapping(known=("event", "where"), required=("event",))
    return {"event": keys["event"].text(), "where": _where(keys)}


def _events(node: Node) -> Body:
    keys = node.mapping(known=("event", "where"))
    types = keys["event"].items() if keys["event"].is_list else [keys["event"]]
    if not types:
        raise keys["event"].fail("列表是空的，请至少写一个事件。", "the list is empty; name at least one event")
    return {"event": sorted({one.text() for one in types}), "where": _where(keys)}


def _where(keys: dict[str, Node]) -> Body:
    return {name: value.scalar() for name, value in keys["where"].mapping().items()} if "where" in keys else {}


def _segment(node: Node) -> Body:
    return {"segment": node.mapping(known=("segment",))["segment"].text(), "when": "entered"}


def _left(node: Node) -> Body:
    return {"segment": node.mapping(known=("left",))["left"].text(), "when": "left"}


def _schedule(node: Node) -> Body:
    inner = node.mapping(known=("schedule",))["schedule"]
    keys = inner.mapping(known=("at", *_CHOICES), required=("at",))
    chosen = [name for name in _CHOICES if name in keys]
    if len(chosen) > 1:
        raise inner.fail(
            f"一个定时里不能同时有“{chosen[0]}”和“{chosen[1]}”，请留一个，或写成两个旅程。",
            f"'{chosen[0]}' and '{chosen[1]}' in one schedule; keep one, or write two journeys",
        )
    return {"schedule": {"at": time_of(keys["at"])} | {name: _DAYS[name](keys[name]) for name in chosen}}


def _member_day(node: Node) -> Body:
    inner = node.mapping(known=("member_day",))["member_day"]
    if not inner.is_mapping:
        return {"schedule": {"at": MORNING, "days": [inner.whole(1, 31)]}}
    keys = inner.mapping(known=("day", "at"), required=("day",))
    at = time_of(keys["at"]) if "at" in keys else MORNING
    return {"schedule": {"at": at, "days": [keys["day"].whole(1, 31)]}}


def _anniversary(node: Node) -> Body:
    keys = node.mapping(known=("anniversary",))["anniversary"].mapping(
        known=("of", "days_before", "at"), required=("of",)
    )
    return {
        "anniversary": _of(keys["of"])
        | {
            "days_before": keys["days_before"].whole(0, 60) if "days_before" in keys else 0,
            "at": time_of(keys["at"]) if "at" in keys else MORNING,
        }
    }


def _of(node: Node) -> Body:
    """A trait that holds a date, or the first event of a type."""
    if not node.is_mapping:
        return {"trait": node.text()}
    return {"event": node.mapping(known=("event",), required=("event",))["event"].text()}


def _near(node: Node) -> Body:
    keys = node.mapping(known=("near",))["near"].mapping(known=("store", "within_m"), required=("within_m",))
    store = keys["store"].text() if "store" in keys else ANY
    return {"near": {"store": None if store == ANY else store, "within_m": keys["within_m"].whole(1, 100_000)}}


def _called(node: Node) -> Body:
    """No trigger of its own: only a step of another journey begins it."""
    inner = node.mapping(known=("called",))["called"]
    if not inner.flag():
        raise inner.fail("请写“called: true”，或换一种触发。", "write 'called: true', or another trigger")
    return {"called": True}


def _some(read: Callable[[Node], Any]) -> Callable[[Node], list[Any]]:
    def items(node: Node) -> list[Any]:
        found = node.items() if node.is_list else [node]
        if not found:
            raise node.fail("列表是空的，请至少写一天。", "the list is empty; name at least one day")
        return sorted({read(one) for one in found})

    return items


def _date(node: Node) -> str:
    """``2026-11-11`` once, ``11-11`` every year."""
    text = str(node.value)
    try:
        if (
            re.fullmatch(r"\d\d-\d\d", text)
            and int(text[3:]) <= monthrange(2024, int(text[:2]))[1]
            and text[3:] != "00"
        ):
            return text
        return date.fromisoformat(text).isoformat()
    except ValueError:
        found = node.describe()
        raise node.fail(
            f"{found.zh}不是日期，请写成 2026-11-11，每年都有则写 11-11。",
            f"{found.en} is no date; write it as 2026-11-11, or as 11-11 for every year",
        ) from None


def _every(node: Node) -> Body:
    keys = node.mapping(known=("days", "from"), required=("days", "from"))
    return {"days": keys["days"].whole(1, 3660), "from": keys["from"].date()}


_DAYS: dict[str, Callable[[Node], Any]] = {
    "weekdays": _some(lambda node: WEEKDAYS.index(node.choice(WEEKDAYS)) + 1),
    "days": _some(lambda node: node.whole(1, 31)),
    "dates": _some(_date),
    "every": _every,
}
_TRIGGERS: dict[str, Callable[[Node], Body]] = {
    "event": _events,
    "segment": _segment,
    "left": _left,
    "schedule": _schedule,
    "member_day": _member_day,
    "anniversary": _anniversary,
    "near": _near,
    "called": _called,
}
