"""Walking: each due line of each version is one statement over everybody who waits on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg

from yutang import definitions, ingest
from yutang.db.cursor import Window
from yutang.journey import below, calls, forks, moments
from yutang.journey.draft import number
from yutang.journey.place import CHUNK, Place, pass_on, places, sql
from yutang.journey.run import Run
from yutang.model import Only


def walk(run: Run) -> int:
    """Walk the lines that are due, once; returns how many people moved."""
    rows = sql.due(run.conn, run.only, now=run.now, limit=CHUNK).fetchall()
    if not rows:
        return 0
    with run.conn.transaction():
        return sum(_walk(run, row) for row in rows)


def _walk(run: Run, row: Any) -> int:
    d = definitions.at_version(run.conn, row.journey_id, row.version)
    line = d.body["program"][row.step]
    return WALK[line["do"]](run, Place(d, row.step, line))


def follow_ladders(run: Run, w: Window) -> int:
    """Whoever stands on a ladder is spoken to at each of its moves."""
    said = 0
    for place in places(run, "ladder"):
        if words := _words(run, place):
            oldest = run.now - timedelta(days=place.d.body["max_age_days"])
            said += _count(
                sql.ladder_moved(run.conn, run.only, **place.params, **words, low=w.low, high=w.high, oldest=oldest)
            )
    return said


def judged(conn: psycopg.Connection, w: Window, only: Only) -> None:
    """Let go of the proposals in this window; in the transaction that wrote down what became of them."""
    sql.judged(conn, low=w.low, high=w.high, first=only.lo, last=only.hi)


def _wait(run: Run, place: Place) -> int:
    return len(pass_on(run, place, place.line["next"], "waited"))


def _until(run: Run, place: Place) -> int:
    """The brand's clock is asked on coming to the line; where each lives, and their best hour, only the database knows."""
    line = place.line
    if line["where"] == "pond" and not line.get("best"):
        return _wait(run, place)
    return sql.until_where_they_live(
        run.conn,
        run.only,
        **place.params,
        now=run.now,
        limit=CHUNK,
        zone=run.pond["time_zone"],
        date=line["date"],
        time=line["time"],
        best=line.get("best", False),
        here=line["where"] == "pond",
        hours=moments.BEST_HOURS,
        weekdays=line["weekdays"],
        next=line["next"],
        due=run.due(place.d.body["program"][line["next"]]),
    ).rowcount


def _time_out(run: Run, place: Place) -> int:
    return len(pass_on(run, place, place.line["no"], "timed_out"))


def _message(run: Run, place: Place) -> int:
    """Propose a touch; a message that is out of service is passed over."""
    to, words = place.line["next"], _words(run, place)
    if words is None:
        return len(pass_on(run, place, to, "no_message"))
    due = run.due(place.d.body["program"][to])
    return _count(sql.speak(run.conn, run.only, **place.params, **words, limit=CHUNK, next=to, due=due))


def _task(run: Run, place: Place) -> int:
    """A touch that is a task for somebody; where nobody can be asked, nobody is waited for."""
    if _words(run, place) is None:
        program = place.d.body["program"]
        return len(pass_on(run, place, program[place.line["next"]]["no"], "no_message"))
    return _message(run, place)


def _count(cursor: psycopg.Cursor) -> int:
    row = cursor.fetchone()
    assert row is not None
    return row.n


def _words(run: Run, place: Place) -> dict[str, Any] | None:
    """What a touch of this line says: message, channels, offer, value, deadline."""
    message = run.named("message", place.line["message"])
    offer = run.named("offer", place.line["offer"]) if place.line.get("offer") else None
    if message is None or (place.line.get("offer") and offer is None):
        return None
    return {
        "now": run.now,
        "number": number(place.line),
        "message": message.definition_id,
        "message_version": message.version,
        "channels": place.line["channels"] or [message.body["channel"]],
        "offer": offer and offer.definition_id,
        "class": place.d.body.get("class", "marketing"),
        "value_fen": place.d.body["value_fen"],
        "value_trait": place.d.body.get("value_trait"),
        "expected": place.d.body.get("value_expected", False),
        "deadline": run.now + timedelta(days=place.d.body["deadline_days"]),
    }


def _tag(run: Run, place: Place) -> int:
    do = place.line["do"]
    return _tell(run, place, do, f"{do}ged", {"tag": place.line["tag"]})


def _set(run: Run, place: Place) -> int:
    return _tell(run, place, "set", "profile_updated", {"traits": place.line["traits"]})


def _tell(run: Run, place: Place, do: str, event: str, props: dict[str, Any]) -> int:
    """What a journey makes known of a person goes through the door like any other fact."""
    rows = pass_on(run, place, place.line["next"], do)
    ingest.follow_up(run.conn, run.now, [(place.key(do, row), event, row.person_id, run.now, props) for row in rows])
    return len(rows)


def _call(run: Run, place: Place) -> int:
    """Put the request down; `deliver` makes it. Whoever is held out is nobody's business outside."""
    program, answered = place.d.body["program"], place.line["next"]
    no = program[answered]["no"]
    return calls.sql.ask(
        run.conn,
        run.only,
        **place.params,
        now=run.now,
        limit=CHUNK,
        line=place.line["id"],
        deadline=run.now + timedelta(seconds=place.line["seconds"]),
        next=answered,
        due=run.due(program[answered]),
        no=no,
        no_due=run.due(program[no]),
    ).rowcount


def _end(run: Run, place: Place) -> int:
    reason = place.line["because"]
    return sql.finish(run.conn, run.only, **place.params, now=run.now, limit=CHUNK, reason=reason).rowcount


WALK: dict[str, Callable[[Run, Place], int]] = {
    "wait": _wait,
    "until": _until,
    "wait_for": _time_out,
    "branch": forks.branch,
    "hours": forks.hours,
    "split": forks.split,
    "message": _message,
    "task": _task,
    "tag": _tag,
    "untag": _tag,
    "set": _set,
    "call": _call,
    "journey": below.begin,
    "end": _end,
}
"""What is done on each kind of line whose time has come; on the others people stay until something happens."""
