"""How many people stand on each step, and how many have passed it: the figures of the journey's page, laid beside the steps."""

from __future__ import annotations

import re
from typing import NamedTuple

import psycopg

from yutang import definitions
from yutang.journey.program import places
from yutang.model import YutangError
from yutang.web.edge import Edge
from yutang.web.pages.editor.outline import STEPS_KEY, Outline
from yutang.web.pages.journeys import figures

PATIENCE = 0.05
"""Seconds that the editor waits for figures; what is not there yet is asked for by itself."""


class Count(NamedTuple):
    """Of one step."""

    standing: int
    passed: int


def known(edge: Edge, conn: psycopg.Connection, name: str) -> dict[str, Count] | None:
    """By the ids of the lines in service; None: they are being counted. Empty: the journey is in no service."""
    found = definitions.current(conn, "journey", name)
    if found is None:
        return {}
    walked = figures.walked(edge, found.definition_id, PATIENCE).value
    return walked and {name: Count(line.standing, line.passed) for name, line in walked.lines.items()}


def by_path(outline: Outline, counts: dict[str, Count]) -> dict[str, Count]:
    """The counts of the steps that have kept their ids. A task and a call have two lines."""
    node = outline.root.mapping().get(STEPS_KEY)
    try:
        stand = places(node) if node is not None and counts else {}
    except YutangError:
        return {}
    names = {_place(step.path): step.path for step in outline.steps()}
    found: dict[str, Count] = {}
    for line, place in stand.items():
        if line in counts and (path := names.get(place)):
            more = counts[line]
            first = found.get(path, Count(0, more.passed))
            found[path] = Count(first.standing + more.standing, first.passed)
    return found


def _place(path: str) -> tuple[int, ...]:
    """A path as the engine counts: `then` is way 0, `else` is way 1."""
    parts = path.split(".")[1:]
    return tuple({"then": 0, "else": 1}.get(part, int(re.sub(r"\D", "", part) or 0)) for part in parts)
