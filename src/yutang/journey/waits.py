"""What ends a wait before its time: an event that was waited for, or the end of a run below this one."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from yutang.db.cursor import Window
from yutang.journey.place import Place, places, sql
from yutang.journey.run import Run


def follow_answers(run: Run, w: Window) -> int:
    """Events go to those who wait for them."""
    return sum(_answered(run, place, w) for place in places(run, "wait_for"))


def _answered(run: Run, place: Place, w: Window) -> int:
    line, program = place.line, place.d.body["program"]
    several = len({sought["event"] for sought in line["for"]}) > 1 and not line["of"]
    ways = [line[sought["way"]] for sought in line["for"]]
    return sql.answered(
        run.conn,
        run.only,
        **place.params,
        types=[sought["event"] for sought in line["for"]],
        wheres=[Jsonb(sought["where"] | _of(place)) for sought in line["for"]],
        outcomes=[sought["outcome"] + (f":{sought['event']}" if several else "") for sought in line["for"]],
        nexts=ways,
        dues=[run.due(program[to]) for to in ways],
        own=bool(line["of"]),
        low=w.low,
        high=w.high,
        now=run.now,
    ).rowcount


def _of(place: Place) -> dict[str, Any]:
    """What ties the end of a task, or the answer to a call, to the journey that asked for it."""
    of = place.line["of"]
    if "call" in of:
        return {"journey": place.d.name, "call": place.first}
    return {"journey": place.d.name, **of} if of else {}


def follow_ends(run: Run, w: Window) -> int:
    """Runs below others have ended: whoever waited for that goes on."""
    return sum(
        sql.ended(
            run.conn,
            run.only,
            **place.params,
            line=place.first,
            next=place.line["next"],
            due=run.due(place.d.body["program"][place.line["next"]]),
            low=w.low,
            high=w.high,
            now=run.now,
        ).rowcount
        for place in places(run, "ended")
    )
