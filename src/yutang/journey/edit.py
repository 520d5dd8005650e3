"""Live edit: people in flight go from the lines of one version to those of the next, where everybody can see it beforehand.

Whoever keeps the step keeps the time spent on it: what is changed in a wait counts from when the person came to it. Whoever
comes to another step begins it now. What was said on a step is not said again there, whatever the version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.journey.draft import EDGES, Line, targets
from yutang.journey.run import Run
from yutang.model import EVERYBODY, Counts

sql = Queries(__package__)

EXIT, FINISH_OLD = "exit", "finish_old"
"""Where people can go besides the steps: out, or to the end on the version that they are on."""


@dataclass(frozen=True)
class Group:
    """The people on one step of a version, and where they go: a step's id in the new version, `EXIT` or `FINISH_OLD`.

    because: ``same`` step, ``alike`` (another id, the same content), ``next`` (the first step after it that is still there),
    ``gone`` (nothing after it is), ``chosen``.
    """

    version: int
    step: str
    line: Line
    people: int
    to: str
    because: str


def preview(
    conn: psycopg.Connection, old: Definition, new_body: Mapping[str, Any], choices: Mapping[str, str]
) -> list[Group]:
    """Where everybody on version `old` would go, step by step, also where nobody stands just now.

    choices: step of the old version → where to; what they leave out is decided as `Group.because` says.
    """
    standing = {
        row.step: row.people for row in sql.standing(conn, journey=old.definition_id) if row.version == old.version
    }
    before, after = old.body["program"], new_body["program"]
    groups = []
    for n, line in enumerate(before):
        to, because = (choices[line["id"]], "chosen") if line["id"] in choices else _follow(before, after, n)
        groups.append(Group(old.version, line["id"], line, standing.get(n, 0), to, because))
    return groups


def apply(
    conn: psycopg.Connection, now: datetime, journey_id: int, new_version: int, groups: Sequence[Group]
) -> Counts:
    """Move everybody, in the caller's transaction. Counts: moved, exited; who finishes on the old version stays there."""
    moving = [group for group in groups if group.to != FINISH_OLD]
    if not moving:
        return Counts()
    new = definitions.at_version(conn, journey_id, new_version)
    run = Run(conn, now, EVERYBODY, definitions.pond(conn), [], [])
    moves = [_move(run, definitions.at_version(conn, journey_id, group.version), new, group) for group in moving]
    columns = {name: [move[name] for move in moves] for name in moves[0]}
    places = {"journey": journey_id, "versions": columns["versions"], "steps": columns["steps"]}
    with conn.transaction():
        sql.hold_still(conn, journey=journey_id, versions=sorted(set(columns["versions"])))
        sql.keep_versions(conn, **places)
        row = sql.move(conn, now=now, new_version=new_version, journey=journey_id, **columns).fetchone()
    assert row is not None
    return Counts(moved=row.moved, exited=row.exited)


def _move(run: Run, old: Definition, new: Definition, group: Group) -> dict[str, Any]:
    """One row of the statement `move`."""
    before, after = _places(old.body["program"]), _places(new.body["program"])
    place = {"versions": group.version, "steps": before[group.step], "tos": -1}
    nothing = {"same": False, "waits": None, "dues": None}
    if group.to == EXIT:
        return place | nothing
    line, target = old.body["program"][before[group.step]], new.body["program"][after[group.to]]
    place["tos"] = after[group.to]
    if _alike(line, target):
        return place | nothing | {"same": True}
    if group.to == group.step and target["do"] in ("wait", "wait_for"):
        return place | nothing | {"waits": target["seconds"]}
    return place | nothing | {"dues": run.due(target)}


def _places(program: Sequence[Line]) -> dict[str, int]:
    return {line["id"]: n for n, line in enumerate(program)}


def _follow(before: Sequence[Line], after: Sequence[Line], n: int) -> tuple[str, str]:
    """Where a line's people go if nobody says otherwise, and why."""
    kept = _places(after)
    if before[n]["id"] in kept:
        return before[n]["id"], "same"
    twins = [line["id"] for line in after if _alike(line, before[n]) and line["id"] not in _places(before)]
    if len(twins) == 1:
        return twins[0], "alike"
    for later in _ahead(before, n):
        if before[later]["id"] in kept:
            return before[later]["id"], "next"
    return EXIT, "gone"


def _ahead(program: Sequence[Line], n: int) -> list[int]:
    """The lines that can still come, the nearest first; of a wait for an event, the way that time takes comes first."""
    found: list[int] = []
    row = [n]
    while row:
        row = [to for at in row for to in _in_time(program[at]) if to not in found and to != n]
        row = list(dict.fromkeys(row))
        found += row
    return found


def _in_time(line: Line) -> list[int]:
    return [line["no"], line["yes"]] if line["do"] == "wait_for" else targets(line)


def _alike(one: Line, other: Line) -> bool:
    """The same content, whatever it is called and whatever follows."""
    return _content(one) == _content(other)


def _content(line: Line) -> Line:
    kept = {key: value for key, value in line.items() if key not in ("id", *EDGES)}
    if "ways" in kept:
        kept["ways"] = [{key: value for key, value in way.items() if key != "to"} for way in kept["ways"]]
    return kept
