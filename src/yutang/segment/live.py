"""The segments in service, parsed once, in an order in which each comes after those it names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import psycopg

from yutang import definitions
from yutang.definitions import Definition
from yutang.segment.language import Condition, Rule, conditions, from_json, order, references


@dataclass(frozen=True)
class Segment:
    """One version of one segment."""

    segment_id: int
    version: int
    name: str
    rule: Rule

    @property
    def conditions(self) -> list[Condition]:
        return list(conditions(self.rule))


def live(conn: psycopg.Connection) -> list[Segment]:
    """Every segment in service."""
    found = {definition.name: _parsed(definition) for definition in definitions.all_current(conn, "segment")}
    return list(_ordered(tuple(found.values())))


@lru_cache(maxsize=8192)
def _parsed(definition: Definition) -> Segment:
    rule = from_json(definition.body["rule"], definition.name)
    return Segment(definition.definition_id, definition.version, definition.name, rule)


@lru_cache(maxsize=16)
def _ordered(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    by_name = {segment.name: segment for segment in segments}
    return tuple(by_name[name] for name in order({name: segment.rule for name, segment in by_name.items()}))


def with_dependants(segments: list[Segment], changed: set[int]) -> list[Segment]:
    """The changed segments and all that name one of them, directly or through others; in order."""
    names: set[str] = set()
    chosen = []
    for segment in segments:
        named = {name for kind, name, _ in references(segment.rule) if kind == "segment"}
        if segment.segment_id in changed or named & names:
            names.add(segment.name)
            chosen.append(segment)
    return chosen
