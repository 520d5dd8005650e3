"""What a sketch means: the rule, or what is still missing or wrong, each at its condition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg

from yutang.segment.language import Rule, from_json
from yutang.segment.operators import Operator, role_of
from yutang.source import SourceError
from yutang.web.pages.rules import values
from yutang.web.pages.rules.choices import Book
from yutang.web.pages.rules.sketch import Asked, Group, Sketch
from yutang.web.pages.rules.values import Wrong
from yutang.why.chain import Words
from yutang.why.words import both

WINDOWS = {"days": ("days",), "range": ("from_days", "to_days")}


class Fault(NamedTuple):
    """What is wrong with one field of a condition; missing: nobody has filled it in yet."""

    name: str
    words: Words
    missing: bool


@dataclass(frozen=True)
class Read:
    """body: the rule as files hold it, None where something is missing or wrong; faults by the path of their condition ("0.1")."""

    body: dict[str, Any] | None
    faults: Mapping[str, list[Fault]] = field(default_factory=dict)

    @property
    def rule(self) -> Rule | None:
        return None if self.body is None else from_json(self.body)

    @property
    def text(self) -> str | None:
        """The rule as JSON, always written alike."""
        return None if self.body is None else json.dumps(self.body, ensure_ascii=False, sort_keys=True)

    @property
    def problem(self) -> Words | None:
        """One sentence for the top of a page."""
        n = len(self.faults)
        return (
            both(
                f"有 {n} 个条件还没填好，已在下面标出。",
                f"{n} conditions are not filled in yet; they are marked below.",
            )
            if n
            else None
        )


def read(conn: psycopg.Connection, sketch: Sketch) -> Read:
    """Read a sketch against what this pond has."""
    return _Reader(Book(conn)).whole(sketch)


class _Reader:
    def __init__(self, book: Book) -> None:
        self.book = book
        self.faults: dict[str, list[Fault]] = {}

    def whole(self, sketch: Sketch) -> Read:
        body = self.part(sketch, ())
        if self.faults:
            return Read(None, self.faults)
        alone = isinstance(sketch, Group) and sketch.kind == "all" and not sketch.negated and len(sketch.parts) == 1
        return Read(body["all"][0] if alone else body)

    def part(self, sketch: Sketch, at: tuple[int, ...]) -> dict[str, Any]:
        if isinstance(sketch, Asked):
            body = self.condition(sketch, ".".join(map(str, at)))
        else:
            body = {sketch.kind: [self.part(part, (*at, n)) for n, part in enumerate(sketch.parts)]}
        return {"not": body} if sketch.negated else body

    def condition(self, asked: Asked, path: str) -> dict[str, Any]:
        faults: list[Fault] = []
        body: dict[str, Any] = {}
        for name, kind in self._asked_for(asked):
            try:
                body |= self._field(asked, name, kind)
            except Wrong as wrong:
                faults.append(Fault(name, wrong.words, wrong.missing))
        if not faults:
            faults = _last_look(body)
        if faults:
            self.faults[path] = faults
        return body

    def _asked_for(self, asked: Asked) -> list[tuple[str, str]]:
        """The keys that this condition is to have, in the order of the language."""
        row = asked.row
        chosen = WINDOWS.get(asked.values.get("window", ("",))[-1], ()) if values.has_window(row) else ()
        optional = {name for name in row.options if name in ("days", "from_days", "to_days") and name not in chosen}
        return [(name, kind) for name, kind in row.params.items() if name not in optional]

    def _field(self, asked: Asked, name: str, kind: str) -> dict[str, Any]:
        row, given = asked.row, asked.values.get(name, ())
        if kind == "word":
            return {name: row.word}
        if kind == "filter":
            found = _filter(asked)
            return {name: found} if found else {}
        if name in row.options and kind in ("offer", "text") and not any(given):
            return {}
        value = values.read(kind, given, self._seen(asked, kind))
        self._check_exists(row, name, value)
        return {name: value}

    def _seen(self, asked: Asked, kind: str) -> list[Any]:
        """What the attribute has been seen to be: so 1 is a number or a text as the pond has it."""
        subject = asked.values.get("attribute", ("",))[-1].strip()
        return self.book.values(subject) if kind in ("scalar", "scalars") and subject else []

    def _check_exists(self, row: Operator, name: str, value: Any) -> None:
        role = role_of(row, name)
        if role in ("segment", "coupon", "ladder", "journey") and not self.book.has(role, value):
            raise Wrong(both(f"没有「{value}」，请另选", f"there is no '{value}'; choose another"))


def _filter(asked: Asked) -> dict[str, Any]:
    """Names and values of an event that count; a line without a name says nothing."""
    names, given = asked.values.get("where.name", ()), asked.values.get("where.value", ())
    return {name.strip(): values.scalar(text) for name, text in zip(names, given, strict=False) if name.strip()}


def _last_look(body: dict[str, Any]) -> list[Fault]:
    """What the language itself says of the condition."""
    try:
        from_json(body)
    except SourceError as error:
        if body.get("from_days") is not None:
            return [
                Fault(
                    "to_days", both("前一个天数要大于后一个", "the first number of days must be the larger one"), False
                )
            ]
        return [Fault("", both(*error.said), False)]
    return []
