"""The runs of a person through journeys: what began each, every line passed, and where it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from yutang.clock import parse_time
from yutang.why import lines, words
from yutang.why.book import Book, grouped
from yutang.why.chain import Enrolment, Happening, Step, Touch, Words


def enrolments(
    book: Book, rows: list[Any], events: list[Happening], touches: list[tuple[Any, Touch]]
) -> list[Enrolment]:
    """Every run, oldest first."""
    steps = grouped(book.rows("steps"), _run)
    said = grouped(touches, lambda pair: _run(pair[0]))
    by_id = {event.event_id: event for event in events}
    return [
        _enrolment(book, row, by_id, steps.get(_run(row), []), [t for _, t in said.get(_run(row), [])]) for row in rows
    ]


def cause_event(cause: str) -> int | None:
    """The event that a cause names."""
    kind, _, what = cause.partition(":")
    return int(what) if kind == "event" and what.isdigit() else None


def _run(row: Any) -> tuple[int, int, str]:
    return row.person_id, row.journey_id, row.cause


def _enrolment(book: Book, row: Any, events: dict[int, Happening], steps: list[Any], touches: list[Touch]) -> Enrolment:
    found = book.definition(row.journey_id, row.version)
    program = found.body["program"] if found else []
    now_at, due_at = _stand(book, program, row) if row.state == "active" else (None, row.due_at)
    return Enrolment(
        journey=book.name(row.journey_id, row.version),
        title=book.title(row.journey_id, row.version),
        version=row.version,
        person_id=row.person_id,
        cause=row.cause,
        words=_cause(book, row.cause, events, found.body["trigger"] if found else {}),
        arm=row.arm,
        state=row.state,
        reason=row.reason,
        ended=words.add(words.STATES[row.state], words.reason(row.reason)) if row.state != "active" else None,
        entered_at=row.entered_at,
        ended_at=row.ended_at,
        now_at=now_at,
        due_at=due_at,
        steps=[_step(book, program, step) for step in steps],
        touches=touches,
    )


def _cause(book: Book, cause: str, events: dict[int, Happening], trigger: dict[str, Any]) -> Words:
    """What began the run."""
    kind, _, what = cause.partition(":")
    if kind in ("segment", "left"):
        title = book.titled("segment", trigger.get("segment", "?"))
        zh, en = ("进入", "entered") if kind == "segment" else ("离开", "left")
        return words.both(f"{zh}人群「{title['zh']}」", f"{en} the segment '{title['en']}'")
    if kind == "schedule":
        return words.both(f"到了时间 {what}（UTC）", f"its time came: {what} UTC")
    if kind == "journey":
        title = book.title(int(what.partition(":")[0]))
        return words.both(f"由旅程「{title['zh']}」的一步开始", f"a step of the journey '{title['en']}' began it")
    event = events.get(cause_event(cause) or 0)
    if event is None:
        return words.both(f"事件 {what}", f"event {what}")
    return words.both(f"事件「{event.title['zh']}」（{event.type}）", f"the event '{event.type}'")


def _step(book: Book, program: list[dict[str, Any]], row: Any) -> Step:
    """A line that was passed before a live edit belongs to the version of that time."""
    if row.version is not None and (found := book.definition(row.journey_id, row.version)):
        program = found.body["program"]
    line = program[row.step] if 0 <= row.step < len(program) else None
    return Step(row.seq, _line(book, program, row.step), row.outcome, lines.outcome(line, row.outcome), row.at)


def _stand(book: Book, program: list[dict[str, Any]], row: Any) -> tuple[Words, datetime | None]:
    """Where a run stands now and when it goes on; on a ladder, that is the ladder's to say."""
    said = _line(book, program, row.step)
    line = program[row.step] if 0 <= row.step < len(program) else {}
    if line.get("do") != "ladder":
        return said, row.due_at
    stand = book.ladder(line["offer"])
    return words.add(said, lines.rung(stand)), stand and stand.due_at


def _line(book: Book, program: list[dict[str, Any]], number: int) -> Words:
    return (
        lines.line(program[number], book.titled)
        if 0 <= number < len(program)
        else words.both(f"第 {number} 行", f"line {number}")
    )


def cause_instant(cause: str) -> Any:
    """When the stay began or ended, or the clock fired, that a cause names; None for causes of another kind."""
    kind, _, what = cause.partition(":")
    return parse_time(what + "+00:00") if kind in ("segment", "left", "schedule") else None
