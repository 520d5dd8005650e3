"""A program as the nested list that it was written as: its lines with the ways that lead from them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from yutang.journey.draft import Line, targets
from yutang.why import lines
from yutang.why.chain import Words
from yutang.why.words import both

OUT = -1
"""Where every line ends at last."""
_WAYS = {
    "wait_for": (both("等到了", "it came"), both("没等到", "nothing came")),
    "hours": (both("在时段内", "within"), both("不在", "outside")),
    "branch": (both("符合", "yes"), both("不符合", "no")),
}
_OTHER = (both("是", "yes"), both("否", "no"))
_ELSE = both("都不符合", "none of them")


@dataclass(frozen=True)
class Row:
    """A line of the list: its number in the program, and what leads away from it, each with the lines there."""

    number: int
    line: Line
    words: Words
    ways: tuple[tuple[Words, tuple[Row, ...]], ...] = ()


def rows(program: Sequence[Line], titled: lines.Titled) -> tuple[Row, ...]:
    """The list. Programs hold no circles."""
    return _Tree(program, titled).following(0, OUT) if program else ()


class _Tree:
    def __init__(self, program: Sequence[Line], titled: Callable[[str, str], Words]) -> None:
        self.program, self.titled = program, titled
        self.reach = {OUT: frozenset((OUT,))}
        for n in sorted(range(len(program)), reverse=True):
            self._reach(n)
        self.must: dict[tuple[int, int], bool] = {}

    def following(self, n: int, stop: int) -> tuple[Row, ...]:
        """The lines from `n` on, as far as `stop`."""
        return tuple(self._rows(n, stop))

    def _rows(self, n: int, stop: int) -> Iterator[Row]:
        while n not in (stop, OUT):
            line = self.program[n]
            ways, meet = self._parted(n)
            nested = tuple((label, self.following(to, meet)) for label, to in ways)
            yield Row(n, line, lines.line(line, self.titled), nested)
            n = meet

    def _parted(self, n: int) -> tuple[list[tuple[Words, int]], int]:
        """The ways of a line, and where they meet again; of a line without ways what follows."""
        ways = _ways(self.program[n])
        if not ways:
            return [], next(iter(targets(self.program[n])), OUT)
        meet = self._meet([to for _, to in ways])
        if meet == OUT and len(ways) > 1:
            # Nothing comes after all of them: the longest goes on as the list itself.
            longest = max(ways, key=lambda way: len(self.reach[way[1]]))
            if all(not self.reach[to] & self.reach[longest[1]] - {OUT} for label, to in ways if to != longest[1]):
                return [way for way in ways if way is not longest], longest[1]
        return ways, meet

    def _meet(self, starts: Sequence[int]) -> int:
        """The first line that lies on every way."""
        common = frozenset.intersection(*(self.reach[n] for n in starts))
        on_all = [n for n in common if all(self._must(start, n) for start in starts)]
        return max(on_all, key=lambda n: len(self.reach[n]), default=OUT)

    def _must(self, start: int, n: int) -> bool:
        """Does every way from `start` lead over `n`?"""
        if start == n or n == OUT:
            return True
        if (start, n) not in self.must:
            following = targets(self.program[start]) if start != OUT else []
            self.must[start, n] = bool(following) and all(self._must(to, n) for to in following)
        return self.must[start, n]

    def _reach(self, n: int) -> frozenset[int]:
        if n not in self.reach:
            ahead = [self._reach(to) for to in targets(self.program[n])]
            self.reach[n] = frozenset((n, OUT)).union(*ahead)
        return self.reach[n]


def _ways(line: Line) -> list[tuple[Words, int]]:
    """Each way that leads from a line, called by its name; none where a line only goes on."""
    if "ways" in line:
        named = [(both(way["name"], way["name"]), way["to"]) for way in line["ways"]]
        if line["do"] == "branch" and line.get("otherwise") == "no":
            named = [(_WAYS["branch"][0], named[0][1])]
        last = _WAYS["branch"][1] if line.get("otherwise") == "no" else _ELSE
        return [*named, *((last, line[key]) for key in ("no",) if key in line)]
    if "yes" in line and "no" in line:
        yes, no = _WAYS.get(line["do"], _OTHER)
        return [(yes, line["yes"]), (no, line["no"])]
    return []
