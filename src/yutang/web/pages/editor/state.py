"""What the editor knows of a journey at a moment: its text, its outline, what is drafted, what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import psycopg

from yutang import definitions
from yutang.brand import drafts
from yutang.brand.drafts import Working
from yutang.model import YutangError
from yutang.web.drafting import Draft
from yutang.web.pages.editor import checks, outline
from yutang.web.pages.editor.checks import Fault
from yutang.web.pages.editor.choices import Choices
from yutang.web.pages.editor.outline import Outline
from yutang.web.problems import Problem


@dataclass(frozen=True)
class State:
    """`text`: the file as it would be; typed into the text view, it may be something that is not kept."""

    name: str
    text: str
    working: Working
    channels: tuple[str, ...]
    in_service: bool

    @property
    def path(self) -> str:
        return path_of(self.name)

    @property
    def version(self) -> int:
        return self.working.version(self.path)

    @cached_property
    def files(self) -> dict[str, str]:
        return self.working.files | {self.path: self.text}

    @cached_property
    def draft(self) -> Draft:
        return Draft(self.working, None)

    @cached_property
    def choices(self) -> Choices:
        return Choices(self.files, list(self.channels))

    @cached_property
    def outline(self) -> Outline | None:
        """None where the text is no YAML."""
        try:
            return outline.read(self.text, self.path)
        except YutangError:
            return None

    @cached_property
    def fault(self) -> Fault | None:
        """The first thing that is wrong with the brand as it would be."""
        error = checks.brand(self.files)
        return None if error is None else checks.fault(error, self.path, self.outline)

    @property
    def hints(self) -> list[Fault]:
        """What is surely not meant in this journey."""
        found = (hint for hint in checks.hints(self.files) if hint.position.file == self.path)
        return [checks.fault(hint, self.path, self.outline) for hint in found]

    @cached_property
    def own(self) -> Fault | None:
        """What is wrong with this journey, where the first thing stands elsewhere."""
        if self.outline is None or self.fault is None or self.fault.file == self.path:
            return None
        return checks.own(self.outline, self.path)

    @property
    def drafted(self) -> bool:
        return self.path in self.working.changed


def path_of(name: str) -> str:
    return f"journeys/{name}.yml"


def state_of(conn: psycopg.Connection, name: str) -> State:
    """Raises Problem 404 where the brand has no such journey."""
    working = drafts.working(conn)
    text = working.text(path_of(name))
    if text is None:
        raise Problem(404, f"没有名为 {name} 的旅程。 there is no journey '{name}'")
    channels = tuple(definitions.pond(conn)["consent"])
    return State(name, text, working, channels, definitions.current(conn, "journey", name) is not None)
