"""What an editor does to the text of a journey: put steps in, take them out, move, double and rewrite them.

Each works on the lines of the step alone, so whatever else stands in the file stays as people wrote it, to the letter. Lists in
brackets are first written on lines of their own. Pure; every function returns the new text (and where the step is now).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from yutang.brand import tree
from yutang.model import YutangError
from yutang.web.pages.editor.cuts import (
    closed,
    dedented,
    hang,
    indented,
    joined,
    lines_of,
    opened,
    opened_up,
    scalar,
    spliced,
    without_ids,
)
from yutang.web.pages.editor.outline import STEPS_KEY, Outline, Step, Way, read

FILE = "journey"


class NoStep(YutangError):
    """There is no such step, or no such list of steps."""


def insert(text: str, place: str, index: int, items: list[Any]) -> tuple[str, str]:
    """Put steps (as plain values) before the entry `index` of a list; returns the path of the last of them as well."""
    outline = _outline(text)
    way = _way(outline, place)
    index = _boundary(way, index)
    path = f"{place}.{index + len(items) - 1}"
    if way.steps and all(step.block for step in way.steps):
        return _put(text, outline, way, index, lines_of(items)), path
    if way.steps:
        return insert(_loosened(text, outline, way.steps[0]), place, index, items)
    return _begin(text, outline, way, items), path


def delete(text: str, path: str) -> str:
    """Take a step out, with all that is inside it and the offer that rides on it."""
    text, outline, step = _blocked(text, path)
    way = _way(outline, step.place)
    lines = text.splitlines()
    rest = [*lines[: step.first], *lines[step.last :]]
    if len(way.steps) == 1:
        line = _key_line(outline, way)
        rest[line] = closed(rest[line])
    return joined(rest)


def duplicate(text: str, path: str) -> tuple[str, str]:
    """The same step once more, right after it; ids are not doubled."""
    text, outline, step = _blocked(text, path)
    copy = without_ids(text.splitlines()[step.first : step.last], _column(outline, step))
    way = _way(outline, step.place)
    found = _put(text, outline, way, step.index + 1, copy)
    return found, f"{step.place}.{step.index + 1 + step.index - step.start}"


def move(text: str, path: str, up: bool) -> tuple[str, str]:
    """One place up or down in its list; beyond its end it comes out of the step around it. The same text where there is no place."""
    _, outline, step = _blocked(text, path)
    steps = _way(outline, step.place).steps
    n = steps.index(step)
    if up and n:
        return move_to(text, path, step.place, steps[n - 1].start)
    if not up and n + 1 < len(steps):
        return move_to(text, path, step.place, steps[n + 1].index + 1)
    if step.place == STEPS_KEY:
        return text, path
    around = outline.find(step.place.rpartition(".")[0])
    assert around is not None
    return move_to(text, path, around.place, around.start if up else around.index + 1)


def move_to(text: str, path: str, place: str, index: int) -> tuple[str, str]:
    """To another list, before its entry `index`."""
    text, outline, step = _blocked(text, path)
    if place == path or place.startswith(f"{path}."):
        raise NoStep("不能移到自己里面。 a step cannot be moved into itself")
    way = _way(outline, place)
    if way.steps and not all(one.block for one in way.steps):
        return move_to(_loosened(text, outline, way.steps[0]), path, place, index)
    index, size = _boundary(way, index), step.index - step.start + 1
    moved = dedented(text.splitlines()[step.first : step.last], _column(outline, step))
    if way.steps:
        text = _put(text, outline, way, index, moved)
    else:
        text = _replaced_first(_begin(text, outline, way, ["placeholder"]), place, moved)
    source = shifted(path, place, index, size)
    text = delete(text, source)
    target = f"{place}.{index + size - 1}"
    start = int(source.rpartition(".")[2]) - size + 1
    return text, shifted(target, source.rpartition(".")[0], start, -size)


def rewrite(text: str, path: str, change: Callable[[CommentedMap], None]) -> str:
    """Change the keys of one step; comments inside it stay."""
    text, outline, step = _blocked(text, path)
    line, column = step.node.position.line - 1, _column(outline, step)
    return spliced(text, line, step.last, column, change)


def ride(text: str, path: str, offer: str) -> tuple[str, str]:
    """Let an offer ride on a message, another one, or none (empty); returns where the message is now."""
    text, outline, step = _blocked(text, path)
    lines = text.splitlines()
    if step.offer is not None and not offer:
        item = step.offer.position.line - 1
        return joined([*lines[: step.first], *lines[step.first : item], *lines[_end(lines, item, step) :]]), _back(step)
    if step.offer is not None:
        item = step.offer.position.line - 1
        end = _end(lines, item, step)
        return spliced(text, item, end, _column(outline, step), lambda node: _set(node, "offer", offer)), path
    if not offer:
        return text, path
    new = indented([f"- offer: {scalar(offer)}"], _column(outline, step))
    return joined([*lines[: step.first], *new, *lines[step.first :]]), f"{step.place}.{step.index + 1}"


def shifted(path: str, place: str, at: int, by: int) -> str:
    """What a path is called after entries came into a list before its entry `at`, or left it."""
    if not path.startswith(f"{place}."):
        return path
    first, _, rest = path[len(place) + 1 :].partition(".")
    if not first.isdigit() or int(first) < at:
        return path
    return f"{place}.{int(first) + by}" + (f".{rest}" if rest else "")


def _outline(text: str) -> Outline:
    return read(text, FILE)


def _way(outline: Outline, place: str) -> Way:
    found = outline.way(place)
    if found is None:
        raise NoStep(f"没有这一处：{place}。 there is no list {place}")
    return found


def _step(outline: Outline, path: str) -> Step:
    found = outline.find(path)
    if found is None:
        raise NoStep(f"没有这一步：{path}。 there is no step {path}")
    return found


def _boundary(way: Way, index: int) -> int:
    """Not between an offer and the message that it rides on."""
    index = max(0, min(index, way.length))
    return next((step.start for step in way.steps if step.start < index <= step.index), index)


def _blocked(text: str, path: str) -> tuple[str, Outline, Step]:
    """The step, on lines of its own."""
    outline = _outline(text)
    step = _step(outline, path)
    if step.block:
        return text, outline, step
    text = _loosened(text, outline, step)
    outline = _outline(text)
    step = _step(outline, path)
    if not step.block:
        raise NoStep("这一步的写法不能在这里改，请在文本里改。 this step can be changed in the text alone")
    return text, outline, step


def _loosened(text: str, outline: Outline, step: Step) -> str:
    """The same with every list of steps around and inside this one on lines of its own."""
    around = _around(outline, step)
    if around is None:
        root = tree.read(text)
        root[STEPS_KEY] = opened_up(root[STEPS_KEY])
        return tree.write(root)
    return spliced(text, around.node.position.line - 1, around.last, _column(outline, around), opened_up)


def _around(outline: Outline, step: Step) -> Step | None:
    """The innermost step around this one that stands on lines of its own."""
    place = step.place
    while place != STEPS_KEY:
        outer = _step(outline, place.rpartition(".")[0])
        if outer.block:
            return outer
        place = outer.place
    return None


def _begin(text: str, outline: Outline, way: Way, items: list[Any]) -> str:
    """The first steps of a list that is empty, or not there at all."""
    new = CommentedSeq(opened(item) for item in items)
    if way.place == STEPS_KEY:
        return _first_steps(text, outline, new)
    step = _step(outline, way.place.rpartition(".")[0])
    if not step.block:
        return _begin(*_again(_loosened(text, outline, step), way), items)

    def change(item: CommentedMap) -> None:
        opened_up(item)
        hang(item, way.address[len(step.address) :], new)

    return spliced(text, step.node.position.line - 1, step.last, _column(outline, step), change)


def _again(text: str, way: Way) -> tuple[str, Outline, Way]:
    outline = _outline(text)
    return text, outline, _way(outline, way.place)


def _first_steps(text: str, outline: Outline, new: CommentedSeq) -> str:
    written = tree.write(CommentedMap({STEPS_KEY: new})).splitlines()
    lines, keys = text.splitlines(), outline.keys()
    if STEPS_KEY not in keys:
        return joined([*lines, *written])
    line = outline.root.mapping()[STEPS_KEY].key.line - 1  # type: ignore[union-attr]
    return joined([*lines[:line], *written, *lines[keys[STEPS_KEY][1] :]])


def _put(text: str, outline: Outline, way: Way, index: int, new: list[str]) -> str:
    """Lines of steps (at column 0) before an entry of a list that stands on lines of its own."""
    follows = next((step for step in way.steps if step.start >= index), None)
    line = follows.first if follows else way.steps[-1].last
    lines = text.splitlines()
    return joined([*lines[:line], *indented(new, _column(outline, way.steps[0])), *lines[line:]])


def _replaced_first(text: str, place: str, new: list[str]) -> str:
    """Lines in the place of the only step of a list."""
    outline = _outline(text)
    step = _way(outline, place).steps[0]
    lines = text.splitlines()
    column = len(lines[step.first]) - len(lines[step.first].lstrip())
    return joined([*lines[: step.first], *indented(new, column), *lines[step.last :]])


def _column(outline: Outline, step: Step) -> int:
    """Where the dash of a step stands."""
    line = outline.lines[step.node.position.line - 1]
    return len(line) - len(line.lstrip())


def _key_line(outline: Outline, way: Way) -> int:
    """The line of the key whose value a list is."""
    node = outline.root
    for part in way.address:
        node = node.items()[part] if isinstance(part, int) else node.mapping()[part]
    assert node.key is not None
    return node.key.line - 1


def _end(lines: list[str], first: int, step: Step) -> int:
    """Where the offer that begins on `first` ends: before the comment of its message, or before the message."""
    last = step.node.position.line - 1
    while last > first + 1 and (not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")):
        last -= 1
    return last


def _back(step: Step) -> str:
    return f"{step.place}.{step.index - 1}"


def _set(node: CommentedMap, key: str, value: Any) -> None:
    node[key] = value
