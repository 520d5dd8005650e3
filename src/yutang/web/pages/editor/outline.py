"""The text of a journey as a nested list: which steps there are, what each is called in an address, and on which lines it stands.

A step is named by the way to it: ``steps.2.then.0`` is the first step of the `then` of the third one. The ways of a branch and the
arms of a split are counted: ``steps.3.way1.0``. An offer and the message that it rides on are one step, named by the message.
Pure. Whatever is wrong with a step, it is shown as far as it can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yutang.journey.steps import STEPS
from yutang.source import Node, load

Address = tuple[str | int, ...]
"""Keys and numbers from the root of the file."""

STEPS_KEY = "steps"
PATH = re.compile(r"steps(\.\d+\.(then|else|way\d+))*\.\d+")
PLACE = re.compile(r"steps(\.\d+\.(then|else|way\d+))*")
FORKS = ("if", "wait_for", "hours", "task", "call")
"""Kinds with a `then` and an `else`."""
LAST_KINDS = ("ladder", "exit")
"""Nothing that follows one of these in its list is ever reached."""
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Step:
    """One line of the list. node: the step as it is written; offer: the one that rides on it. first, last: its lines with the
    comment above it, `last` excluded, counted from 0. block: it stands on lines of its own. dead: nobody
    comes here."""

    path: str
    kind: str
    node: Node
    address: Address
    offer: Node | None
    first: int
    last: int
    block: bool
    dead: bool = False
    ways: tuple[Way, ...] = ()

    @property
    def place(self) -> str:
        """The list that it stands in."""
        return self.path.rpartition(".")[0]

    @property
    def index(self) -> int:
        return int(self.path.rpartition(".")[2])

    @property
    def start(self) -> int:
        """The index of its first entry: the offer's, where one rides on it."""
        return self.index - (self.offer is not None)


@dataclass(frozen=True)
class Way:
    """A list of steps inside a step. label: then, else, or the name of the way; question: what a way of a branch asks; weight: of an
    arm; length: how many entries its list has."""

    place: str
    kind: str
    label: str
    address: Address
    length: int
    steps: tuple[Step, ...]
    question: Node | None = None
    weight: Any = None


@dataclass(frozen=True)
class Outline:
    """The whole journey; `root`: the file, `main`: its steps."""

    root: Node
    main: Way
    lines: tuple[str, ...] = ()

    def steps(self) -> Iterator[Step]:
        """Every step, in the order of reading."""
        yield from _walk(self.main.steps)

    def find(self, path: str) -> Step | None:
        return next((step for step in self.steps() if path in (step.path, f"{step.place}.{step.start}")), None)

    def ways(self) -> Iterator[Way]:
        """Every list of steps, the outermost first."""
        yield self.main
        for step in self.steps():
            yield from step.ways

    def way(self, place: str) -> Way | None:
        return next((way for way in self.ways() if way.place == place), None)

    def at(self, line: int, column: int) -> Step | None:
        """The innermost step that holds a place in the file, counted from 1."""
        held = [step for step in self.steps() if step.first < line <= step.last and _begins(step) <= (line, column)]
        return held[-1] if held else None

    def keys(self) -> dict[str, tuple[int, int]]:
        """The lines of each key of the head, `last` excluded; the comment above belongs to it."""
        return _Reader(self.lines, self.root).keys


def read(text: str, file_name: str) -> Outline:
    """The outline of a file. Raises SourceError where it is no YAML or no mapping."""
    root = load(text, file_name)
    root.mapping()
    lines = tuple(text.splitlines())
    reader = _Reader(lines, root)
    node = root.mapping().get(STEPS_KEY)
    _first, last = reader.keys.get(STEPS_KEY, (0, len(lines)))
    return Outline(root, reader.way(STEPS_KEY, "main", "", (STEPS_KEY,), node, last), lines=lines)


def _begins(step: Step) -> tuple[int, int]:
    position = (step.offer or step.node).position
    return position.line, position.column


def _walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        yield step
        for way in step.ways:
            yield from _walk(way.steps)


def kind_of(node: Node) -> str:
    """What a step is, as far as one can tell."""
    keys = node.value if isinstance(node.value, dict) else {}
    kinds = [kind for kind in (*STEPS, "offer") if kind in keys]
    for together in ("ladder", "journey"):
        if together in kinds and set(kinds) <= {together, "message", "wait"}:
            return together
    return kinds[0] if len(kinds) == 1 else UNKNOWN


class _Reader:
    """Finds the steps, with their lines: a step ends where its text is no longer indented more than its dash."""

    def __init__(self, lines: tuple[str, ...], root: Node) -> None:
        self.lines = lines
        starts = sorted(node.key.line - 1 for node in root.mapping().values() if node.key)
        self.keys = {
            name: self._span(node.key.line - 1, self._next(starts, node.key.line - 1), 0, dashes=True)
            for name, node in root.mapping().items()
            if node.key
        }

    def way(self, place: str, kind: str, label: str, address: Address, node: Node | None, end: int, **more: Any) -> Way:
        items = node.value if node is not None and isinstance(node.value, list) else []
        return Way(
            place, kind, label, address, len(items), tuple(self._steps(place, address, node, items, end)), **more
        )

    def _steps(self, place: str, address: Address, node: Node | None, items: list[Node], end: int) -> Iterator[Step]:
        waiting: tuple[Node, int] | None = None
        dead = False
        column = self._dash(node) if node is not None else None
        for n, item in enumerate(items):
            kind = kind_of(item)
            follows = kind_of(items[n + 1]) if n + 1 < len(items) else None
            bound = items[n + 1].position.line - 1 if n + 1 < len(items) else end
            block = column is not None and self._is_item(item, column)
            line = item.position.line - 1
            first, last = self._span(line, bound, column, False) if block and column is not None else (line, bound)
            if kind == "offer" and follows == "message" and waiting is None:
                waiting = (item, first)
                continue
            offer = waiting[0] if waiting else None
            first = waiting[1] if waiting else first
            waiting = None
            inside = tuple(self._ways(f"{place}.{n}", (*address, n), item, kind, last))
            yield Step(
                f"{place}.{n}", kind, item, (*address, n), offer, first, max(last, first + 1), block, dead, inside
            )
            dead = dead or kind in LAST_KINDS

    def _ways(self, path: str, address: Address, node: Node, kind: str, end: int) -> Iterator[Way]:
        keys = node.value if isinstance(node.value, dict) else {}
        if kind in FORKS:
            for name in ("then", "else"):
                yield self.way(
                    f"{path}.{name}", kind, name, (*address, name), keys.get(name), self._end(keys, name, end)
                )
        elif kind == "branch":
            yield from self._branch(path, address, keys, end)
        elif kind == "split":
            yield from self._split(path, address, keys, end)

    def _branch(self, path: str, address: Address, keys: dict[str, Node], end: int) -> Iterator[Way]:
        node = keys["branch"]
        entries = node.value if isinstance(node.value, list) else []
        for n, entry in enumerate(entries):
            inner = entry.value if isinstance(entry.value, dict) else {}
            name = "else" if "else" in inner else "then"
            label = "else" if "else" in inner else str(inner["name"].value) if "name" in inner else str(n + 1)
            bound = entries[n + 1].position.line - 1 if n + 1 < len(entries) else end
            yield self.way(
                f"{path}.way{n}", "branch", label, (*address, "branch", n, name), inner.get(name),
                self._end(inner, name, bound), question=inner.get("when"),
            )  # fmt: skip

    def _split(self, path: str, address: Address, keys: dict[str, Node], end: int) -> Iterator[Way]:
        arms = keys["split"].value if isinstance(keys["split"].value, dict) else {}
        then = keys["then"].value if "then" in keys and isinstance(keys["then"].value, dict) else {}
        for n, (name, weight) in enumerate(arms.items()):
            yield self.way(
                f"{path}.way{n}", "split", name, (*address, "then", name), then.get(name), self._end(then, name, end),
                weight=weight.value,
            )  # fmt: skip

    def _end(self, keys: dict[str, Node], name: str, end: int) -> int:
        """Where the value of a key ends at the latest: at the next key of its mapping."""
        if name not in keys or keys[name].key is None:
            return end
        later = [node.key.line - 1 for node in keys.values() if node.key and node.key.line > keys[name].key.line]  # type: ignore[union-attr]
        return min([*later, end])

    def _dash(self, node: Node) -> int | None:
        """The column of the dashes of a list; None of one in brackets."""
        line, column = node.position.line - 1, node.position.column - 1
        text = self.lines[line] if line < len(self.lines) else ""
        return column if text[column : column + 2] in ("- ", "-") else None

    def _is_item(self, item: Node, column: int) -> bool:
        """Does this entry begin on the line of its own dash?"""
        text = self.lines[item.position.line - 1]
        return text[: column + 1] == " " * column + "-" and not text[column + 1 : item.position.column - 1].strip()

    def _span(self, line: int, bound: int, column: int, dashes: bool) -> tuple[int, int]:
        """The lines of what begins on `line` in `column` and ends before `bound`, with the comment right above."""
        last = line + 1
        for n in range(line + 1, min(bound, len(self.lines))):
            text = self.lines[n]
            indent = len(text) - len(text.lstrip())
            if text.strip() and (indent > column or (dashes and text[column : column + 1] == "-")):
                last = n + 1
        first = line
        while first > 0 and re.match(rf" {{{column}}}#", self.lines[first - 1]):
            first -= 1
        return first, last

    @staticmethod
    def _next(starts: list[int], line: int) -> int:
        return next((start for start in starts if start > line), 10**9)
