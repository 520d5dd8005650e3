"""The builder's own buttons: what each does to a sketch. All are pure; a press that fits nothing changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from yutang.segment.operators import BY_KEY
from yutang.web.forms import text_of
from yutang.web.pages.rules import palette
from yutang.web.pages.rules.sketch import MOST, Group, Sketch, fresh, from_form

LOOK = "look"
"""What Enter presses: nothing but to look again."""
Change = Callable[[Sketch, str], tuple[Sketch, ...]]


def sent(form: Mapping[str, Any], base: str) -> tuple[Group, str]:
    """The sketch in a form after the button that was pressed, and which one that was; "" where none of the builder was."""
    found = from_form(form, base)
    sketch = found if isinstance(found, Group) else Group()
    pressed = text_of(form, f"{base}!")
    if pressed == LOOK:
        pressed = _searched(sketch, "") or LOOK
    return press(sketch, pressed), pressed


def press(sketch: Group, pressed: str) -> Group:
    """``action:path:argument``, such as ``add:0.1:none``; the path of the root is empty."""
    action, path, argument = _split(pressed)
    if action not in CHANGES or not all(part.isdigit() and len(part) < 4 for part in path):
        return sketch
    changed = _at(sketch, [int(part) for part in path], lambda part: CHANGES[action](part, argument))
    root = changed[0] if len(changed) == 1 else sketch
    return root if isinstance(root, Group) else Group("all", (root,))


def focus(sketch: Group, pressed: str) -> str | None:
    """Where the work goes on after a press: the path of a part; None where nothing was pressed."""
    action, path, argument = _split(pressed)
    if action in ("add", "group"):
        group = _part(sketch, path)
        return ".".join([*path, str(len(group.parts) - 1)]) if isinstance(group, Group) and group.parts else None
    if action in ("up", "down") and argument.isdigit():
        return ".".join([*path, str(max(0, int(argument) + (1 if action == "down" else -1)))])
    return None if action in ("", LOOK) else ".".join(path if action in ("copy", "wrap", "not") else path[:-1])


def _split(pressed: str) -> tuple[str, list[str], str]:
    action, _, rest = pressed.partition(":")
    path, _, argument = rest.partition(":")
    return action, path.split(".") if path else [], argument


def _part(sketch: Sketch, path: list[str]) -> Sketch | None:
    for step in path:
        if not isinstance(sketch, Group) or not step.isdigit() or int(step) >= len(sketch.parts):
            return None
        sketch = sketch.parts[int(step)]
    return sketch


def _searched(sketch: Sketch, path: str) -> str | None:
    """Enter in a search adds what fits best: the press that does so."""
    if not isinstance(sketch, Group):
        return None
    best = palette.best(sketch.find) if sketch.find else None
    if best:
        return f"add:{path}:{best.key}"
    below = (_searched(part, f"{path}.{n}".lstrip(".")) for n, part in enumerate(sketch.parts))
    return next(filter(None, below), None)


def _at(sketch: Sketch, path: list[int], change: Callable[[Sketch], tuple[Sketch, ...]]) -> tuple[Sketch, ...]:
    """The sketch with another (or none, or several) in the place of one part."""
    if not path:
        return change(sketch)
    if not isinstance(sketch, Group) or path[0] >= len(sketch.parts):
        return (sketch,)
    n = path[0]
    return (
        replace(sketch, parts=(*sketch.parts[:n], *_at(sketch.parts[n], path[1:], change), *sketch.parts[n + 1 :])),
    )


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
