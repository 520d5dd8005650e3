"""A journey within a journey: a run of the other one, begun by a step, held out where this one is."""

from __future__ import annotations

from typing import Any

from yutang.definitions import Definition
from yutang.journey import enter
from yutang.journey.place import Place, claim, go, sql
from yutang.journey.run import Run


def begin(run: Run, place: Place) -> int:
    """Begin the runs; whoever may not enter the other journey goes on without."""
    rows, program = claim(run, place), place.d.body["program"]
    other = run.journey(place.line["journey"])
    begun = _begun(run, place, other, rows) if other and rows else set()
    after = place.line["next"]
    past = program[after]["next"] if place.line["wait"] else after
    inside = [row for row in rows if (row.person_id, _cause(place, row)) in begun]
    outside = [row for row in rows if (row.person_id, _cause(place, row)) not in begun]
    go(run, place, [("begun", after, inside), ("not_entered" if other else "retired", past, outside)])
    return len(rows)


def _begun(run: Run, place: Place, other: Definition, rows: list[Any]) -> set[tuple[int, str]]:
    candidates = [enter.Candidate(row.person_id, _cause(place, row), {}) for row in rows]
    enter.enrol(run, other, candidates)
    found = sql.below(
        run.conn,
        journey=place.d.definition_id,
        other=other.definition_id,
        persons=[row.person_id for row in rows],
        causes=[row.cause for row in rows],
        below=[candidate.cause for candidate in candidates],
    )
    return {(row.person_id, row.cause) for row in found}


def _cause(place: Place, row: Any) -> str:
    """What the other run is called: by the journey, the step and the run that began it."""
    return f"journey:{place.d.definition_id}:{place.line['id']}:{row.cause}"
