"""Lines at which people part: branches, hours of the day, splits."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from yutang import segment
from yutang.journey.place import CHUNK, Place, claim, go, sql
from yutang.journey.run import Run
from yutang.segment import language

SAID = {"begun": sql.runs_begun, "answer": sql.runs_answer}
"""What a way may ask of an event: of the one that began the run, and of the one that ended its last wait."""


def branch(run: Run, place: Place) -> int:
    """Each person takes the first way whose question is answered yes."""
    rows = rest = claim(run, place)
    ways = []
    for way in place.line["ways"]:
        inside = _asked(run, place, way, rest)
        ways.append((way["name"], way["to"], [row for row in rest if _run(row) in inside]))
        rest = [row for row in rest if _run(row) not in inside]
    go(run, place, [*ways, (place.line["otherwise"], place.line["no"], rest)])
    return len(rows)


def _run(row: Any) -> tuple[int, str]:
    return row.person_id, row.cause


def _asked(run: Run, place: Place, way: dict[str, Any], rows: list[Any]) -> set[tuple[int, str]]:
    """The runs for which the answer is yes."""
    if not rows:
        return set()
    if "rule" in way:
        persons = segment.matching(run.conn, language.from_json(way["rule"]), run.now, [row.person_id for row in rows])
        return {_run(row) for row in rows if row.person_id in persons}
    kind = "begun" if "begun" in way else "answer"
    found = SAID[kind](
        run.conn,
        journey=place.d.definition_id,
        persons=[row.person_id for row in rows],
        causes=[row.cause for row in rows],
        where=Jsonb(way[kind]),
    )
    return {_run(row) for row in found}


def hours(run: Run, place: Place) -> int:
    """Ask the clock on the wall where each person lives."""
    rows = claim(run, place)
    span = {"begin": place.line["from"], "end": place.line["to"], "zone": run.pond["time_zone"]}
    persons = [row.person_id for row in rows]
    inside = {row.person_id for row in sql.in_hours(run.conn, now=run.now, persons=persons, **span)}
    yes = [row for row in rows if row.person_id in inside]
    no = [row for row in rows if row.person_id not in inside]
    go(run, place, [("yes", place.line["yes"], yes), ("no", place.line["no"], no)])
    return len(rows)


def split(run: Run, place: Place) -> int:
    """Shares by a hash of the person, so that it is the same arm whenever it is asked."""
    ways, program = place.line["ways"], place.d.body["program"]
    total, heap, ends = sum(way["weight"] for way in ways), 0, []
    for way in ways:
        heap += way["weight"]
        ends.append(round(10_000 * heap / total))
    return sql.split(
        run.conn,
        run.only,
        **place.params,
        now=run.now,
        limit=CHUNK,
        salt=place.line["id"],
        arms=[way["name"] for way in ways],
        ends=ends,
        nexts=[way["to"] for way in ways],
        dues=[run.due(program[way["to"]]) for way in ways],
    ).rowcount
