"""The form of a step: what its fields show, and how they are written back. Keys that no field shows stay as they are.

No field is called id, method, action or target: in a browser it would hide the form's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ruamel.yaml.comments import CommentedMap

from yutang.web.forms import text_of, texts_of
from yutang.web.pages.editor import values
from yutang.web.pages.editor.forkform import (
    question_fields,
    show_branch,
    show_split,
    write_branch,
    write_if,
    write_split,
)
from yutang.web.pages.editor.outline import Step
from yutang.web.pages.editor.values import SPAN, pairs, pairs_shown, put, scalar, shown, whole, yaml, yaml_shown

Form = Mapping[str, Any]
Fields = dict[str, Any]


def fields(step: Step) -> Fields:
    """What the fields of a step show."""
    body = step.node.plain() if step.node.is_mapping else {}
    found = _SHOW[step.kind](body) if step.kind in _SHOW else {}
    offer = step.offer.mapping()["offer"].value if step.offer is not None else ""
    return {"step_id": shown(body.get("id")), "offer": shown(offer)} | found


def typed(kind: str, form: Form) -> Fields:
    """The same fields as somebody has typed them, for a form that could not be taken."""
    names = {name: texts_of(form, name) for name in form}
    single = {name: text_of(form, name, strip=False) for name in form}
    if kind == "wait_for":
        single["events"] = list(zip(names.get("event", []), names.get("event_where", []), strict=False))  # type: ignore[assignment]
    if kind in _ROWS:
        key, first, second = _ROWS[kind]
        single[key] = list(zip(names.get(first, []), names.get(second, []), strict=False))  # type: ignore[assignment]
    return single | {"weekday": names.get("weekday", []), "channel": names.get("channel", [])}


def write(kind: str, form: Form) -> Callable[[CommentedMap], None]:
    """What changes a step of this kind to what the form says. Raises values.Unreadable before anything is changed."""
    change = _WRITE[kind](form) if kind in _WRITE else (lambda _item: None)
    given = text_of(form, "step_id") or None

    def apply(item: CommentedMap) -> None:
        change(item)
        put(item, "id", given)

    return apply


def _keys(found: Mapping[str, Any]) -> Callable[[CommentedMap], None]:
    def change(item: CommentedMap) -> None:
        for key, value in found.items():
            put(item, key, value)

    return change


def _show_span(body: Fields) -> Fields:
    found = body.get("wait")
    return _span_of(found if isinstance(found, dict) else {})


def _span_of(body: Fields) -> Fields:
    return {unit: shown(body.get(unit)) for unit in SPAN}


def _show_until(body: Fields) -> Fields:
    value = body.get("until")
    if not isinstance(value, dict):
        value = {"date" if shown(value)[4:5] == "-" else "time": value}
    days = value.get("weekday")
    return {
        "when": next((name for name in ("date", "weekday") if name in value), "time"),
        "time": shown(value.get("otherwise") if value.get("time") == "best" else value.get("time")),
        "best": value.get("time") == "best",
        "date": shown(value.get("date")),
        "weekday": days if isinstance(days, list) else [days] if days else [],
        "where": shown(value.get("where")) or "pond",
    }


def _write_until(form: Form) -> Callable[[CommentedMap], None]:
    when, days, best = text_of(form, "when"), texts_of(form, "weekday"), bool(text_of(form, "best"))
    value = {
        "date": text_of(form, "date") if when == "date" else None,
        "weekday": (days[0] if len(days) == 1 else days) if when == "weekday" else None,
        "time": "best" if best else text_of(form, "time") or None,
        "otherwise": text_of(form, "time") if best else None,
        "where": "person" if text_of(form, "where") == "person" else None,
    }
    found = {key: item for key, item in value.items() if item is not None}
    return _keys({"until": next(iter(found.values())) if list(found) in (["time"], ["date"]) else found})


def _show_wait_for(body: Fields) -> Fields:
    found = body.get("wait_for")
    events = found if isinstance(found, list) else [found]
    rows = [
        (shown(one.get("event")), pairs_shown(one.get("where"))) if isinstance(one, dict) else (shown(one), "")
        for one in events
    ]
    return {"events": rows, "where": pairs_shown(body.get("where"))} | _span_of(body)


def _write_wait_for(form: Form) -> Callable[[CommentedMap], None]:
    rows = zip(texts_of(form, "event"), texts_of(form, "event_where"), strict=False)
    found = [
        ({"event": name, "where": pairs(where)} if where.strip() else name) for name, where in rows if name.strip()
    ]
    span = dict.fromkeys(SPAN) | values.span(form)
    return _keys(
        {
            "wait_for": found if len(found) > 1 else found[0] if found else "",
            "where": pairs(text_of(form, "where")) or None,
        }
        | span
    )


def _show_message(body: Fields) -> Fields:
    found = body.get("channel")
    return {
        "message": shown(body.get("message")),
        "channel": found if isinstance(found, list) else [found] if found else [],
    }


def _write_message(form: Form) -> Callable[[CommentedMap], None]:
    found = [name for name in texts_of(form, "channel") if name]
    channel = None if not found else found[0] if len(found) == 1 else found
    return _keys({"message": text_of(form, "message"), "channel": channel})


def _show_set(body: Fields) -> Fields:
    found = body.get("set")
    return {"rows": [(name, shown(value)) for name, value in found.items()] if isinstance(found, dict) else []}


def _write_set(form: Form) -> Callable[[CommentedMap], None]:
    found = {name: scalar(value) for name, value in values.rows(form, "name", "value").items()}
    return _keys({"set": found})


def _show_call(body: Fields) -> Fields:
    found = body.get("call")
    call = found if isinstance(found, dict) else {}
    saved = call.get("save")
    return {
        "url": shown(call.get("url")),
        "verb": shown(call.get("method")) or "POST",
        "body": yaml_shown(call.get("body")),
        "timeout_minutes": shown(call.get("timeout_minutes")),
        "rows": list(saved.items()) if isinstance(saved, dict) else [],
    }


def _write_call(form: Form) -> Callable[[CommentedMap], None]:
    method = text_of(form, "verb")
    found = {
        "url": text_of(form, "url"),
        "method": method if method != "POST" else None,
        "body": yaml(text_of(form, "body", strip=False)),
        "timeout_minutes": whole(text_of(form, "timeout_minutes")),
        "save": values.rows(form, "name", "value") or None,
    }
    return _keys({"call": {key: value for key, value in found.items() if value is not None}})


def _show_hours(body: Fields) -> Fields:
    found = body.get("hours")
    ends = found if isinstance(found, dict) else {}
    return {name: shown(ends.get(name)) for name in ("from", "to")}


def _texts(*names: str) -> Callable[[Fields], Fields]:
    return lambda body: {name: shown(body.get(name)) for name in names}


def _write_texts(*names: str) -> Callable[[Form], Callable[[CommentedMap], None]]:
    return lambda form: _keys({name: text_of(form, name) for name in names})


_ROWS = {"set": ("rows", "name", "value"), "call": ("rows", "name", "value"), "split": ("arms", "arm", "weight")}
_SHOW: dict[str, Callable[[Fields], Fields]] = {
    "wait": _show_span,
    "until": _show_until,
    "wait_for": _show_wait_for,
    "if": lambda body: question_fields(body.get("if")),
    "branch": show_branch,
    "hours": _show_hours,
    "split": show_split,
    "message": _show_message,
    "offer": _texts("offer"),
    "task": lambda body: _texts("task")(body) | _span_of(body),
    "tag": _texts("tag"),
    "untag": _texts("untag"),
    "set": _show_set,
    "call": _show_call,
    "journey": lambda body: {"journey": shown(body.get("journey")), "wait": body.get("wait") is True},
    "ladder": _texts("ladder", "message"),
    "exit": _texts("because"),
}
_WRITE: dict[str, Callable[[Form], Callable[[CommentedMap], None]]] = {
    "wait": lambda form: _keys({"wait": values.span(form)}),
    "until": _write_until,
    "wait_for": _write_wait_for,
    "if": write_if,
    "branch": write_branch,
    "hours": lambda form: _keys({"hours": {"from": text_of(form, "from"), "to": text_of(form, "to")}}),
    "split": write_split,
    "message": _write_message,
    "offer": _write_texts("offer"),
    "task": lambda form: _keys({"task": text_of(form, "task")} | dict.fromkeys(SPAN) | values.span(form)),
    "tag": _write_texts("tag"),
    "untag": _write_texts("untag"),
    "set": _write_set,
    "call": _write_call,
    "journey": lambda form: _keys(
        {"journey": text_of(form, "journey"), "wait": True if text_of(form, "wait") else None}
    ),
    "ladder": _write_texts("ladder", "message"),
    "exit": lambda form: _keys({"because": text_of(form, "because") or None}),
}
