"""The runs of a person through journeys: what began each, every line passed, and where it stands."""

from __future__ import annotations

from typing import Any

from yutang.clock import parse_time
from yutang.why import words
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
        now_at=_line(book, program, row.step) if row.state == "active" else None,
        due_at=row.due_at,
        steps=[_step(book, program, step) for step in steps],
        touches=touches,
    )


def _cause(book: Book, cause: str, events: dict[int, Happening], trigger: dict[str, Any]) -> Words:
    """What began the run."""
    kind, _, what = cause.partition(":")
    if kind == "segment":
        title = book.titled("segment", trigger.get("segment", "?"))
        return words.both(f"进入人群「{title['zh']}」", f"entered the segment '{title['en']}'")
    event = events.get(cause_event(cause) or 0)
    if event is None:
        return words.both(f"事件 {what}", f"event {what}")
    return words.both(f"事件「{event.title['zh']}」（{event.type}）", f"the event '{event.type}'")


def _step(book: Book, program: list[dict[str, Any]], row: Any) -> Step:
    return Step(
        row.seq,
        _line(book, program, row.step),
        row.outcome,
        words.OUTCOMES.get(row.outcome, words.both(row.outcome, row.outcome)),
        row.at,
    )


def _line(book: Book, program: list[dict[str, Any]], number: int) -> Words:
    return (
        words.line(program[number], book.titled)
        if 0 <= number < len(program)
        else words.both(f"第 {number} 行", f"line {number}")
    )


def cause_since(cause: str) -> Any:
    """When the stay began that a cause names; None for causes of another kind."""
    kind, _, what = cause.partition(":")
    return parse_time(what + "+00:00") if kind == "segment" else None
