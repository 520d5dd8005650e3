"""The steps of a journey become a program: a flat list of lines, each naming the line that follows.

Lines (key ``do``): ``wait`` seconds · ``until`` a time of day · ``wait_for`` an event, else time out · ``branch`` on a rule · ``hours`` of the day ·
``message`` with or without an offer · ``tag`` / ``untag`` · ``ladder`` (stand on an offer ladder, speak at every move) · ``end``.
"""

from __future__ import annotations

import re
from typing import Any

from yutang.segment import language
from yutang.source import Node

Line = dict[str, Any]

_STEPS = ("wait", "until", "wait_for", "if", "hours", "offer", "message", "tag", "untag", "ladder", "exit")
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60}


def program(node: Node) -> list[Line]:
    lines: list[Line] = []
    first = _lines(node.items(), lines, end=_add(lines, {"do": "end"}))
    return _in_order(lines, first)


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
