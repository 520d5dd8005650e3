"""A program while it is being written: lines are added last first, so that each knows what follows, and get their names and
their order at the end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any

from yutang.source import Node

Line = dict[str, Any]
Path = tuple[int, ...]
"""Where a step stands: its number in each of the lists around it; paths sort in the order of writing."""
LAST: Path = (1_000_000,)

EDGES = ("yes", "next", "no")
"""Keys of a line that name another line. A line's ``ways`` do so as well, under ``to``."""

_ID = re.compile(r"\w[\w.:-]{0,63}")


def targets(line: Line) -> list[int]:
    """The lines that can follow a line, the first choice first."""
    ways = [way["to"] for way in line.get("ways", ())]
    return [*ways, *(line[key] for key in EDGES if key in line)]


def number(line: Line) -> int:
    """A line's number over all versions of its journey, made of its id: what was said there is not said again after a live edit."""
    return int(md5(line["id"].encode(), usedforsecurity=False).hexdigest()[:7], 16)


def with_targets(line: Line, place: dict[int, int]) -> Line:
    """The same line leading to other numbers."""
    moved = {key: place[value] if key in EDGES else value for key, value in line.items()}
    if "ways" in line:
        moved["ways"] = [way | {"to": place[way["to"]]} for way in line["ways"]]
    return moved


@dataclass(frozen=True)
class Step:
    """One step as it was written."""

    node: Node
    path: Path

    def keys(self, *known: str, required: Iterable[str] = ()) -> dict[str, Node]:
        """The step's keys; every step may carry an ``id``."""
        return self.node.mapping(known=("id", *known), required=required)


@dataclass
class Draft:
    """Lines in the order in which they were added, with the steps they come from."""

    lines: list[Line] = field(default_factory=list)
    _names: list[tuple[Path, str]] = field(default_factory=list)
    _given: dict[int, Node] = field(default_factory=dict)

    def add(self, line: Line, name: str, step: Step | None = None) -> int:
        """Add a line; returns its number. It is called what its step's ``id`` says, else `name` (``message:hello``).

        A name that begins with a slash belongs to the second line of a step, and is put behind the first one's.
        """
        self.lines.append(line)
        self._names.append((step.path if step else LAST, name))
        given = step.node.mapping().get("id") if step else None
        if given is not None and not name.startswith("/"):
            self._given[len(self.lines) - 1] = given
        return len(self.lines) - 1

    def finish(self, first: int) -> list[Line]:
        """The lines that can be reached, numbered from 0 in the order of reading. Raises SourceError for an id that is there twice."""
        order = list(self._reading(first))
        ids, place = self._ids(order), {number: n for n, number in enumerate(order)}
        return [{"id": ids[number]} | with_targets(self.lines[number], place) for number in order]

    def places(self, first: int) -> dict[str, Path]:
        """Where the step of each line stands, by the line's id; a step may have several. The end belongs to no step."""
        ids = self._ids(list(self._reading(first)))
        return {name: self._names[number][0] for number, name in ids.items() if self._names[number][0] != LAST}

    def _reading(self, first: int) -> Iterator[int]:
        waiting, seen = [first], set()
        while waiting:
            number = waiting.pop()
            if number not in seen:
                seen.add(number)
                yield number
                waiting += reversed(targets(self.lines[number]))

    def _ids(self, order: list[int]) -> dict[int, str]:
        """What the author said, else what was made; numbered in the order of writing where it would repeat."""
        ids: dict[int, str] = {}
        for number in sorted(self._given.keys() & set(order), key=self._names.__getitem__):
            ids[number] = _checked(self._given[number], ids.values())
        of_step = {self._names[number][0]: name for number, name in ids.items()}
        for number in sorted(
            set(order) - ids.keys(), key=lambda n: (self._names[n][1].startswith("/"), self._names[n])
        ):
            path, name = self._names[number]
            ids[number] = _free(of_step[path] + name if name.startswith("/") else name, set(ids.values()))
            of_step.setdefault(path, ids[number])
        return ids


def _checked(node: Node, taken: Iterable[str]) -> str:
    if not _ID.fullmatch(node.text()):
        raise node.fail(
            f"“{node.value}”不能作步骤编号，请用字母、数字和 . : -，例如“second-coupon”。",
            f"'{node.value}' is no id; write letters, digits and . : - such as 'second-coupon'",
        )
    if node.text() in taken:
        raise node.fail(
            f"有两步的编号都是“{node.value}”，请各起一个。", f"two steps have the id '{node.value}'; give each its own"
        )
    return node.text()


def _free(word: str, taken: set[str]) -> str:
    return next(name for n in range(1, len(taken) + 2) if (name := word if n == 1 else f"{word}:{n}") not in taken)
