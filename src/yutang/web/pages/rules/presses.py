"""The builder's own buttons: what each does to a sketch. All are pure; a press that fits nothing changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from yutang.segment.operators import BY_KEY
from yutang.web.forms import text_of
from yutang.web.pages.rules import palette
from yutang.web.pages.rules.sketch import MOST, Group, Sketch, fresh, from_form

Change = Callable[[Sketch, str], tuple[Sketch, ...]]


def sent(form: Mapping[str, Any], base: str) -> tuple[Group, str]:
    """The sketch in a form after the button that was pressed, and which one that was; "" where none of the builder was."""
    found = from_form(form, base)
    sketch = found if isinstance(found, Group) else Group()
    pressed = text_of(form, f"{base}!")
    return press(sketch, pressed), pressed


def press(sketch: Group, pressed: str) -> Group:
    """``action:path:argument``, such as ``add:0.1:none``; the path of the root is empty."""
    action, _, rest = pressed.partition(":")
    path, _, argument = rest.partition(":")
    if action == "look":
        return _found(sketch)
    if action not in CHANGES or not all(part.isdigit() and len(part) < 4 for part in path.split(".") if path):
        return sketch
    changed = _at(sketch, [int(part) for part in path.split(".") if path], lambda part: CHANGES[action](part, argument))
    root = changed[0] if len(changed) == 1 else sketch
    return root if isinstance(root, Group) else Group("all", (root,))


def _at(sketch: Sketch, path: list[int], change: Callable[[Sketch], tuple[Sketch, ...]]) -> tuple[Sketch, ...]:
    """The sketch with another (or none, or several) in the place of one part."""
    if not path:
        return change(sketch)
    if not isinstance(sketch, Group) or path[0] >= len(sketch.parts):
        return (sketch,)
    n = path[0]
    return (replace(sketch, parts=(*sketch.parts[:n], *_at(sketch.parts[n], path[1:], change), *sketch.parts[n + 1 :])),)


def _add(part: Sketch, argument: str) -> tuple[Sketch, ...]:
    if not isinstance(part, Group) or argument not in BY_KEY or len(part.parts) >= MOST:
        return (part,)
    return (replace(part, parts=(*part.parts, fresh(BY_KEY[argument])), find=""),)


def _group(part: Sketch, _argument: str) -> tuple[Sketch, ...]:
    """A group of the other kind within: nobody nests all in all."""
    if not isinstance(part, Group):
        return (part,)
    return (replace(part, parts=(*part.parts, Group("any" if part.kind == "all" else "all")), find=""),)


def _wrap(part: Sketch, _argument: str) -> tuple[Sketch, ...]:
    return (Group("any", (part,)),)


def _open(part: Sketch, _argument: str) -> tuple[Sketch, ...]:
    """The parts of a group in its place."""
    return part.parts if isinstance(part, Group) and not part.negated else (part,)


def _opposite(part: Sketch, _argument: str) -> tuple[Sketch, ...]:
    return (replace(part, negated=not part.negated),)


def _moved(step: int) -> Callable[[Sketch, str], tuple[Sketch, ...]]:
    """A part of the group changes place with its neighbour; the argument: which part."""

    def move(part: Sketch, argument: str) -> tuple[Sketch, ...]:
        n = int(argument) if argument.isdigit() and len(argument) < 4 else -1
        if not isinstance(part, Group) or not (0 <= n < len(part.parts) and 0 <= n + step < len(part.parts)):
            return (part,)
        parts = list(part.parts)
        parts[n], parts[n + step] = parts[n + step], parts[n]
        return (replace(part, parts=tuple(parts)),)

    return move


def _found(sketch: Group) -> Group:
    """Enter in a search adds what fits best."""
    parts = tuple(_found(part) if isinstance(part, Group) else part for part in sketch.parts)
    best = palette.best(sketch.find) if sketch.find else None
    return replace(sketch, parts=(*parts, fresh(best)) if best else parts, find="" if best else sketch.find)


CHANGES: dict[str, Change] = {
    "add": _add,
    "group": _group,
    "not": _opposite,
    "wrap": _wrap,
    "open": _open,
    "drop": lambda _part, _argument: (),
    "copy": lambda part, _argument: (part, part),
    "up": _moved(-1),
    "down": _moved(1),
}

