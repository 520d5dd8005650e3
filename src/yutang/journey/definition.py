"""A journey's file becomes a program: a flat list of lines, each naming the line that follows.

Lines (key ``do``): ``wait`` seconds · ``until`` a time of day · ``wait_for`` an event, else time out · ``branch`` on a rule · ``hours`` of the day ·
``message`` with or without an offer · ``tag`` / ``untag`` · ``ladder`` (stand on an offer ladder, speak at every move) · ``end``.
"""

from __future__ import annotations

import re
from typing import Any

from yutang.segment import language
from yutang.source import Node

Line = dict[str, Any]

_KEYS = (
    "title", "class", "trigger", "audience", "reentry", "holdout_percent", "value_fen", "deadline_days", "max_age_days", "goal", "exit_on_leave", "steps",
)  # fmt: skip
_STEPS = ("wait", "until", "wait_for", "if", "hours", "offer", "message", "tag", "untag", "ladder", "exit")
_CLASSES = ("service", "marketing")
"""What somebody waits for (a parcel is on its way, a booking is tomorrow), and what a brand would like to say."""
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60}


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
    return body | {"program": _program(keys["steps"])}


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


def _program(node: Node) -> list[Line]:
    program: list[Line] = []
    first = _lines(node.items(), program, end=_add(program, {"do": "end"}))
    return _in_order(program, first)


def _add(program: list[Line], line: Line) -> int:
    program.append(line)
    return len(program) - 1


def _lines(steps: list[Node], program: list[Line], end: int) -> int:
    """Add the lines of `steps`, last first, so that each knows what follows; returns the first. `end` is what follows the last."""
    following = end
    for n in range(len(steps) - 1, -1, -1):
        kind = _kind(steps[n])
        if kind == "offer":
            _attach_offer(steps, n, program[following])
            continue
        following = _line(kind, steps[n], program, following)
    return following


def _kind(node: Node) -> str:
    keys = node.mapping()
    kinds = [kind for kind in _STEPS if kind in keys]
    if len(kinds) > 1 and set(kinds) == {"ladder", "message"}:
        return "ladder"
    if len(kinds) != 1:
        raise node.fail(f"a step is one of: {', '.join(_STEPS)}; write for example '- message: welcome'")
    return kinds[0]


def _attach_offer(steps: list[Node], n: int, line: Line) -> None:
    """An offer rides on the message that follows it: a coupon that nobody is told of is stock thrown away."""
    node = steps[n]
    if n + 1 >= len(steps) or _kind(steps[n + 1]) != "message":
        raise node.fail("an offer must stand right before the message that tells of it; add '- message: …' after it")
    line["offer"] = node.mapping(known=("offer",))["offer"].text()


def _line(kind: str, node: Node, program: list[Line], following: int) -> int:
    """Add the line of one step; returns its number."""
    if kind == "wait":
        return _add(
            program, {"do": "wait", "seconds": _seconds(node.mapping(known=("wait",))["wait"]), "next": following}
        )
    if kind == "until":
        return _add(program, {"do": "until", "time": _time(node.mapping(known=("until",))["until"]), "next": following})
    if kind == "wait_for":
        return _wait_for(node, program, following)
    if kind == "if":
        keys = node.mapping(known=("if", "then", "else"), required=("if", "then"))
        rule = language.parse(keys["if"]).to_json()
        return _add(program, {"do": "branch", "rule": rule} | _both(keys, program, following))
    if kind == "hours":
        return _hours(node, program, following)
    if kind == "message":
        keys = node.mapping(known=("message", "channel"))
        channel = keys["channel"].text() if "channel" in keys else None
        return _add(
            program, {"do": "message", "message": keys["message"].text(), "channel": channel, "next": following}
        )
    if kind == "ladder":
        keys = node.mapping(known=("ladder", "message"), required=("ladder", "message"))
        return _add(
            program,
            {"do": "ladder", "offer": keys["ladder"].text(), "message": keys["message"].text(), "channel": None},
        )
    if kind == "exit":
        return _add(program, {"do": "end"})
    return _add(program, {"do": kind, "tag": node.mapping(known=(kind,))[kind].text(), "next": following})


def _hours(node: Node, program: list[Line], following: int) -> int:
    keys = node.mapping(known=("hours", "then", "else"), required=("hours", "then"))
    ends = keys["hours"].mapping(known=("from", "to"), required=("from", "to"))
    line = {"do": "hours", "from": _time(ends["from"]), "to": _time(ends["to"])}
    return _add(program, line | _both(keys, program, following))


def _wait_for(node: Node, program: list[Line], following: int) -> int:
    keys = node.mapping(known=("wait_for", "where", "then", "else", *_SECONDS), required=("wait_for",))
    where = {name: value.scalar() for name, value in keys["where"].mapping().items()} if "where" in keys else {}
    seconds = sum(keys[unit].whole(1, 3650) * size for unit, size in _SECONDS.items() if unit in keys)
    if not seconds:
        raise node.fail("how long to wait is missing; write for example 'days: 7'")
    line = {"do": "wait_for", "event": keys["wait_for"].text(), "where": where, "seconds": seconds}
    return _add(program, line | _both(keys, program, following))


def _both(keys: dict[str, Node], program: list[Line], following: int) -> Line:
    """The lines to go to: ``yes`` and ``no``."""
    return {
        "yes": _lines(keys["then"].items(), program, following) if "then" in keys else following,
        "no": _lines(keys["else"].items(), program, following) if "else" in keys else following,
    }


def _seconds(node: Node) -> int:
    keys = node.mapping(known=_SECONDS)
    seconds = sum(value.whole(0, 100_000) * _SECONDS[unit] for unit, value in keys.items())
    if not seconds:
        raise node.fail("a wait takes some time; write for example {days: 7}")
    return seconds


def _time(node: Node) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", node.text()):
        raise node.fail(f"'{node.value}' is not a time of day; write for example '10:00'")
    return node.text()


def _in_order(program: list[Line], first: int) -> list[Line]:
    """The same program with its lines numbered in the order of reading, from 0."""
    order: list[int] = []

    def visit(number: int) -> None:
        if number not in order:
            order.append(number)
            for key in ("yes", "next", "no"):
                if key in program[number]:
                    visit(program[number][key])

    visit(first)
    place = {number: n for n, number in enumerate(order)}
    return [{k: place[v] if k in ("yes", "no", "next") else v for k, v in program[number].items()} for number in order]
