"""Where people stand on a journey, and how everybody on a line is moved on in one statement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.journey.run import Run

sql = Queries(__package__)

CHUNK = 20_000


@dataclass(frozen=True)
class Place:
    """One line of one version, and the parameters that its statements share."""

    d: Definition
    step: int
    line: dict[str, Any]

    @property
    def params(self) -> dict[str, Any]:
        return {"journey": self.d.definition_id, "version": self.d.version, "step": self.step}

    @property
    def first(self) -> str:
        """The id of the step to whose second line people have come: ``score`` of ``score/answer``."""
        return self.line["id"].rpartition("/")[0]

    def key(self, what: str, row: Any) -> str:
        """The source id of an event that this line makes for a run: the same however often it is made, and on whatever version."""
        return f"{what}:{self.d.definition_id}:{row.person_id}:{row.cause}:{self.line['id']}"


def places(run: Run, do: str) -> Iterable[Place]:
    """The lines of one kind in every version that somebody is on."""
    return (Place(d, n, line) for d in run.live for n, line in enumerate(d.body["program"]) if line["do"] == do)


def pass_on(run: Run, place: Place, to: int, outcome: str) -> list[Any]:
    """Move everybody who is due on a line to another; rows (person_id, cause)."""
    due = run.due(place.d.body["program"][to])
    return sql.pass_on(
        run.conn, run.only, **place.params, now=run.now, limit=CHUNK, next=to, due=due, outcome=outcome
    ).fetchall()


def claim(run: Run, place: Place) -> list[Any]:
    """Everybody who is due on a line, locked until `go` has sent them on: rows (person_id, cause)."""
    return sql.claim(run.conn, run.only, **place.params, now=run.now, limit=CHUNK).fetchall()


def go(run: Run, place: Place, ways: Iterable[tuple[str, int, list[Any]]]) -> None:
    """Send the people of each way, ``(outcome, line, rows)``, to their line: one statement for all of them."""
    program = place.d.body["program"]
    each = [(row, outcome, to, run.due(program[to])) for outcome, to, rows in ways for row in rows]
    sql.go(
        run.conn,
        journey=place.d.definition_id,
        step=place.step,
        now=run.now,
        persons=[row.person_id for row, *_ in each],
        causes=[row.cause for row, *_ in each],
        outcomes=[outcome for _, outcome, _, _ in each],
        nexts=[to for _, _, to, _ in each],
        dues=[due for *_, due in each],
    )
