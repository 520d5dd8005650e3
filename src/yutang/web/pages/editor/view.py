"""The list as the page draws it: each step with its sentence, its colour, its people and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from yutang.web.pages.editor import checks, wording
from yutang.web.pages.editor.checks import Fault
from yutang.web.pages.editor.choices import Choices
from yutang.web.pages.editor.counts import Count
from yutang.web.pages.editor.kinds import GROUP_OF, KINDS
from yutang.web.pages.editor.outline import Outline, Step, Way
from yutang.why.chain import Words
from yutang.why.words import add, both

UNREADABLE = both("看不懂的一步", "a step that cannot be read")


@dataclass(frozen=True)
class Line:
    """One step. kind: what it is called; people: None where nobody has counted."""

    step: Step
    kind: Words
    group: str
    words: Words
    fault: Words | None
    people: Count | None
    ways: tuple[Branch, ...]

    @property
    def path(self) -> str:
        return self.step.path


@dataclass(frozen=True)
class Branch:
    """A list of steps inside a step, and what leads there."""

    way: Way
    words: Words
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Drawing:
    """What a whole list is drawn from. faults: by the path of the step."""

    outline: Outline
    choices: Choices
    path: str
    people: Mapping[str, Count]
    faults: Mapping[str, Words]

    def lines(self, way: Way) -> tuple[Line, ...]:
        return tuple(self._line(step) for step in way.steps)

    def _line(self, step: Step) -> Line:
        words, error = wording.step(step, self.choices)
        own = checks.fault(error, self.path, None, step.node).words if error else None
        ways = tuple(Branch(way, wording.way(way), self.lines(way)) for way in step.ways)
        if step.offer is not None and "」" not in words["zh"] and error:
            words = add(words, self.choices.titled("offer", str(step.offer.mapping()["offer"].value or "…")))
        kind = KINDS[step.kind].words if step.kind in KINDS else UNREADABLE
        group = "give" if step.offer is not None else GROUP_OF.get(step.kind, "other")
        fault = self.faults.get(step.path) or own
        return Line(step, kind, group, words, fault, self.people.get(step.path), ways)


def faults(found: Fault | None, own: Fault | None) -> dict[str, Words]:
    """What is wrong by the step where it stands."""
    return {one.at: one.words for one in (own, found) if one is not None and one.at}
