"""Walking: each due line of each version is one statement over everybody who waits on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg

from yutang import definitions, ingest, segment
from yutang.db.cursor import Window
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.journey.run import Run, is_service
from yutang.model import Only
from yutang.segment import language

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


def walk(run: Run) -> int:
    """Walk the lines that are due, once; returns how many people moved."""
    moved = 0
    for row in sql.due(run.conn, run.only, now=run.now, limit=CHUNK).fetchall():
        d = definitions.at_version(run.conn, row.journey_id, row.version)
        line = d.body["program"][row.step]
        moved += WALK[line["do"]](run, Place(d, row.step, line))
    return moved


def follow_ladders(run: Run, w: Window) -> int:
    """Whoever stands on a ladder is spoken to at each of its moves."""
    said = 0
    for d in run.live:
        for n, line in enumerate(d.body["program"]):
            if line["do"] == "ladder" and (words := _words(run, Place(d, n, line))):
                oldest = run.now - timedelta(days=d.body["max_age_days"])
                said += _count(
                    sql.ladder_moved(
                        run.conn, run.only, **Place(d, n, line).params, **words, low=w.low, high=w.high, oldest=oldest
                    )
                )
    return said


def judged(conn: psycopg.Connection, w: Window, only: Only) -> None:
    """Let go of the proposals in this window; in the transaction that wrote down what became of them."""
    sql.judged(conn, low=w.low, high=w.high, first=only.lo, last=only.hi)


def _wait(run: Run, place: Place) -> int:
    return _pass_on(run, place, place.line["next"], "waited")


def _time_out(run: Run, place: Place) -> int:
    return _pass_on(run, place, place.line["no"], "timed_out")


def _pass_on(run: Run, place: Place, to: int, outcome: str) -> int:
    return len(_moved(run, place, to, outcome))


def _moved(run: Run, place: Place, to: int, outcome: str) -> list:
    due = run.due(place.d.body["program"][to])
    return sql.pass_on(
        run.conn, run.only, **place.params, now=run.now, limit=CHUNK, next=to, due=due, outcome=outcome
    ).fetchall()


def _message(run: Run, place: Place) -> int:
    """Propose a touch; a message that is out of service is passed over."""
    to, words = place.line["next"], _words(run, place)
    if words is None:
        return _pass_on(run, place, to, "no_message")
    due = run.due(place.d.body["program"][to])
    return _count(sql.speak(run.conn, run.only, **place.params, **words, limit=CHUNK, next=to, due=due))


def _count(cursor: psycopg.Cursor) -> int:
    row = cursor.fetchone()
    assert row is not None
    return row.n


def _words(run: Run, place: Place) -> dict[str, Any] | None:
    """What a touch of this line says: message, channel, offer, value, deadline."""
    message = run.named("message", place.line["message"])
    offer = run.named("offer", place.line["offer"]) if place.line.get("offer") else None
    if message is None or (place.line.get("offer") and offer is None):
        return None
    return {
        "now": run.now,
        "message": message.definition_id,
        "message_version": message.version,
        "channel": place.line["channel"] or message.body["channel"],
        "offer": offer and offer.definition_id,
        "service": is_service(place.d),
        "value_fen": place.d.body["value_fen"],
        "deadline": run.now + timedelta(days=place.d.body["deadline_days"]),
    }


def _branch(run: Run, place: Place) -> int:
    """Ask the rule about everybody on the line."""
    rule = language.from_json(place.line["rule"])
    return _fork(run, place, lambda persons: segment.matching(run.conn, rule, run.now, persons))


def _hours(run: Run, place: Place) -> int:
    """Ask the clock on the wall where each person lives."""
    hours = {"begin": place.line["from"], "end": place.line["to"], "zone": definitions.pond(run.conn)["time_zone"]}
    return _fork(
        run, place, lambda persons: {r.person_id for r in sql.in_hours(run.conn, now=run.now, persons=persons, **hours)}
    )


def _fork(run: Run, place: Place, ask: Callable[[list[int]], set[int]]) -> int:
    """Send each person on the line the way of the answer."""
    rows = sql.claim(run.conn, run.only, **place.params, now=run.now, limit=CHUNK).fetchall()
    inside = ask([row.person_id for row in rows]) if rows else set()
    for answer, group in (
        ("yes", [r for r in rows if r.person_id in inside]),
        ("no", [r for r in rows if r.person_id not in inside]),
    ):
        to = place.line[answer]
        sql.go(
            run.conn, journey=place.d.definition_id, step=place.step, next=to, due=run.due(place.d.body["program"][to]), now=run.now,
            outcome=answer, persons=[row.person_id for row in group], causes=[row.cause for row in group],
        )  # fmt: skip
    return len(rows)


def _tag(run: Run, place: Place) -> int:
    """A tag is a fact about a person, so it goes through the door like any other."""
    do = place.line["do"]
    rows = _moved(run, place, place.line["next"], do)
    ingest.follow_up(
        run.conn,
        run.now,
        [
            (
                f"{do}:{place.d.definition_id}:{row.person_id}:{row.cause}:{place.step}",
                f"{do}ged",
                row.person_id,
                run.now,
                {"tag": place.line["tag"]},
            )
            for row in rows
        ],
    )
    return len(rows)


def _end(run: Run, place: Place) -> int:
    return sql.finish(run.conn, run.only, **place.params, now=run.now, limit=CHUNK).rowcount


WALK: dict[str, Callable[[Run, Place], int]] = {
    "wait": _wait,
    "until": _wait,
    "wait_for": _time_out,
    "branch": _branch,
    "hours": _hours,
    "message": _message,
    "tag": _tag,
    "untag": _tag,
    "end": _end,
}
