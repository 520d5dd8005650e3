"""The form of a journey's head: what its fields show, and the keys that they are written to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yutang.web.forms import text_of, texts_of
from yutang.web.pages.editor.values import fen, pairs, pairs_shown, shown, whole, yuan

Form = Mapping[str, Any]
Fields = dict[str, Any]
TRIGGERS = ("segment", "left", "event", "schedule", "member_day", "anniversary", "near", "called")
REENTRY = ("never", "always", "each_time", "after_days")
CLASSES = ("marketing", "companion", "service")
PLAIN: dict[str, Any] = {
    "class": "marketing",
    "reentry": "never",
    "holdout_percent": 0,
    "value_fen": 0,
    "deadline_days": 7,
    "max_age_days": 3,
}
"""What holds where a file says nothing; such a key is not written."""


def fields(body: Mapping[str, Any]) -> Fields:
    """What the fields show of a head as it is written."""
    title = body.get("title") if isinstance(body.get("title"), dict) else {}
    value, again = body.get("value_fen", 0), body.get("reentry", "never")
    found = {
        "title_zh": shown(title.get("zh")),
        "title_en": shown(title.get("en")),
        "class": shown(body.get("class")) or "marketing",
        "reentry": "after_days" if isinstance(again, dict) else shown(again),
        "after_days": shown(again.get("after_days")) if isinstance(again, dict) else "",
        "holdout_percent": shown(body.get("holdout_percent")),
        "value": yuan(value.get("otherwise") if isinstance(value, dict) else value),
        "value_trait": shown(value.get("trait")) if isinstance(value, dict) else "",
        "value_expected": isinstance(value, dict) and value.get("expected") is True,
        "deadline_days": shown(body.get("deadline_days")),
        "max_age_days": shown(body.get("max_age_days")),
        "exit_on_leave": body.get("exit_on_leave") is True,
        "exits": [_event_shown(one) for one in _list(body.get("exit_on"))],
    }
    goal, goal_where = _event_shown(body.get("goal"))
    return found | {"goal": goal, "goal_where": goal_where} | _trigger_shown(body.get("trigger"))


def values(form: Form, now: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a head as the form says; None: not written. What shows the same is left as it is. Raises Unreadable."""
    found = {
        "title": {"zh": text_of(form, "title_zh"), "en": text_of(form, "title_en") or text_of(form, "title_zh")},
        "class": text_of(form, "class"),
        "trigger": _trigger(form),
        "reentry": _reentry(form),
        "holdout_percent": _number(text_of(form, "holdout_percent")),
        "value_fen": _value(form),
        "deadline_days": whole(text_of(form, "deadline_days")),
        "max_age_days": whole(text_of(form, "max_age_days")),
        "goal": _event(text_of(form, "goal"), text_of(form, "goal_where")),
        "exit_on": _exits(form) or None,
        "exit_on_leave": True if text_of(form, "exit_on_leave") else None,
    }
    return {key: now.get(key) if _same(key, value, now) else value for key, value in found.items()}


def _same(key: str, value: Any, now: Mapping[str, Any]) -> bool:
    """Does this say what the file says already, perhaps in other words?"""
    if key not in now:
        return value is None or value == PLAIN.get(key)
    before = fields({key: now[key]})
    return value is not None and before == fields({key: value})


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _event_shown(value: Any) -> tuple[str, str]:
    if isinstance(value, dict):
        return shown(value.get("event")), pairs_shown(value.get("where"))
    return shown(value), ""


def _event(name: str, where: str) -> dict[str, Any] | None:
    if not name:
        return None
    return {"event": name} | ({"where": pairs(where)} if where else {})


def _exits(form: Form) -> list[dict[str, Any]]:
    rows = zip(texts_of(form, "exit_event"), texts_of(form, "exit_where"), strict=False)
    return [found for name, where in rows if (found := _event(name.strip(), where.strip()))]


def _number(text: str) -> Any:
    try:
        return (int(text) if text.lstrip("-").isdigit() else float(text)) if text else None
    except ValueError:
        return text


def _reentry(form: Form) -> Any:
    kind = text_of(form, "reentry")
    return {"after_days": whole(text_of(form, "after_days")) or 30} if kind == "after_days" else kind


def _value(form: Form) -> Any:
    sum_, trait = fen(text_of(form, "value")), text_of(form, "value_trait")
    otherwise = 0 if sum_ is None else sum_
    if text_of(form, "value_expected"):
        return {"expected": True} | ({"trait": trait} if trait else {}) | {"otherwise": otherwise}
    return {"trait": trait, "otherwise": otherwise} if trait else sum_


def _trigger_shown(value: Any) -> Fields:
    body = value if isinstance(value, dict) else {}
    kind = next((kind for kind in TRIGGERS if kind in body), "segment")
    table = body.get("schedule") if isinstance(body.get("schedule"), dict) else {}
    day = body.get("member_day")
    yearly = body.get("anniversary") if isinstance(body.get("anniversary"), dict) else {}
    near = body.get("near") if isinstance(body.get("near"), dict) else {}
    every = table.get("every") if isinstance(table.get("every"), dict) else {}
    of = yearly.get("of")
    return {
        "trigger": kind,
        "segment": shown(body.get("segment")),
        "left": shown(body.get("left")),
        "events": [shown(one) for one in _list(body.get("event"))],
        "where": pairs_shown(body.get("where")),
        "at": shown(table.get("at")) or "10:00",
        "on": next((name for name in ("weekdays", "days", "dates", "every") if name in table), "day"),
        "weekdays": _list(table.get("weekdays")),
        "days": ", ".join(map(str, _list(table.get("days")))),
        "dates": ", ".join(map(str, _list(table.get("dates")))),
        "every_days": shown(every.get("days")),
        "every_from": shown(every.get("from")),
        "day": shown(day.get("day") if isinstance(day, dict) else day),
        "day_at": shown(day.get("at")) if isinstance(day, dict) else "",
        "of": shown(of.get("event") if isinstance(of, dict) else of),
        "of_event": isinstance(of, dict),
        "days_before": shown(yearly.get("days_before")),
        "year_at": shown(yearly.get("at")),
        "store": shown(near.get("store")) or "any",
        "within_m": shown(near.get("within_m")),
    }


def _trigger(form: Form) -> dict[str, Any]:
    kind = text_of(form, "trigger")
    if kind == "event":
        names = [name.strip() for name in texts_of(form, "event") if name.strip()]
        where = pairs(text_of(form, "where"))
        return {"event": names if len(names) > 1 else names[0] if names else ""} | ({"where": where} if where else {})
    if kind == "schedule":
        return {"schedule": {"at": text_of(form, "at")} | _days(form)}
    if kind == "member_day":
        day, at = whole(text_of(form, "day")), text_of(form, "day_at")
        return {"member_day": {"day": day, "at": at} if at else day}
    if kind == "anniversary":
        of = text_of(form, "of")
        found = {
            "of": {"event": of} if text_of(form, "of_event") else of,
            "days_before": whole(text_of(form, "days_before")),
        }
        found["at"] = text_of(form, "year_at") or None
        return {"anniversary": {key: value for key, value in found.items() if value is not None}}
    if kind == "near":
        return {"near": {"store": text_of(form, "store") or "any", "within_m": whole(text_of(form, "within_m")) or ""}}
    return {"called": True} if kind == "called" else {kind: text_of(form, kind)}


def _days(form: Form) -> dict[str, Any]:
    on = text_of(form, "on")
    if on == "weekdays":
        return {on: texts_of(form, "weekdays")}
    if on in ("days", "dates"):
        parts = [
            part.strip() for part in text_of(form, on).replace("，", ",").replace("、", ",").split(",") if part.strip()
        ]
        return {on: [whole(part) for part in parts] if on == "days" else parts}
    if on == "every":
        return {on: {"days": whole(text_of(form, "every_days")) or "", "from": text_of(form, "every_from")}}
    return {}
