"""What would change, definition by definition, and inside each. Pure.

A journey's lines are compared by the ids of their steps, and name the lines that follow by these ids too: so a step that is
put in between moves no number of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from yutang.journey.draft import with_targets
from yutang.plan.parts import Bodies, Body, Key, sending

STEPS = "steps/"
_WHOLE = ("rule", "audience", "exit_when", "attachments")
"""What is read as one."""


@dataclass(frozen=True)
class Detail:
    """One value inside a definition. `path`: its keys; ``steps/ID``: a whole step. None: it is not there."""

    path: str
    old: Any
    new: Any

    @property
    def step(self) -> str | None:
        """The id of the step that this is."""
        return self.path.removeprefix(STEPS) if self.path.startswith(STEPS) else None


@dataclass(frozen=True)
class Change:
    """One definition that becomes another. sends: it has a part in what is sent, before or after."""

    kind: str
    name: str
    sort: Literal["added", "changed", "retired"]
    sends: bool
    details: tuple[Detail, ...]

    @property
    def key(self) -> Key:
        return self.kind, self.name


def changes(old: Bodies, new: Bodies) -> list[Change]:
    """In the order of `new`; what is gone comes last."""
    sends = sending(old) | sending(new)
    keys = [*new, *(key for key in old if key not in new)]
    return [_change(key, old.get(key), new.get(key), key in sends) for key in keys if old.get(key) != new.get(key)]


def _change(key: Key, old: Body | None, new: Body | None, sends: bool) -> Change:
    sort: Any = "added" if old is None else "retired" if new is None else "changed"
    return Change(*key, sort, sends, tuple(_details(old or {}, new or {})))


def _details(old: Body, new: Body) -> Iterator[Detail]:
    before, after = _flat(old), _flat(new)
    for path in [*after, *(path for path in before if path not in after)]:
        if before.get(path) != after.get(path):
            yield Detail(path, before.get(path), after.get(path))


def _flat(body: Body) -> dict[str, Any]:
    """The values of a body by their paths."""
    rest = {key: value for key, value in body.items() if key != "program"}
    return dict(_leaves("", rest)) | {STEPS + step: line for step, line in steps(body.get("program", [])).items()}


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value and path not in _WHOLE:
        for key, item in value.items():
            yield from _leaves(f"{path}/{key}" if path else key, item)
    else:
        yield path, value


def steps(program: list[Body]) -> dict[str, Body]:
    """The lines of a program by the ids of their steps; what follows is named by its id."""
    ids = step_ids(program)
    named: Any = dict(enumerate(ids))
    return {ids[n]: _without_id(with_targets(line, named)) for n, line in enumerate(program)}


def step_ids(program: list[Body]) -> list[str]:
    """The id of each line."""
    return [line["id"] for line in program]


def _without_id(line: Body) -> Body:
    return {key: value for key, value in line.items() if key != "id"}
