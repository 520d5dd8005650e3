"""People in flight: whom a plan moves, where to, and who comes in or leaves at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.journey import edit
from yutang.model import Reason, YutangError
from yutang.plan.audience import audience
from yutang.plan.book import Moves, PlanRefused
from yutang.plan.diff import Change, step_ids
from yutang.plan.parts import Bodies, Body
from yutang.plan.words import Titles
from yutang.source import Said, suggest
from yutang.why import lines

sql = Queries(__package__)


class BadMove(YutangError):
    """A choice that cannot be: no such step, before or after."""


_UNCLEAR = ("next", "gone")
"""Where people would come to is a guess: somebody has to say it."""


@dataclass(frozen=True)
class Flight:
    """A journey that changes under people: its version in service, and where each group of them goes. older: so many are still
    on versions before, and finish there."""

    journey: Definition
    groups: Sequence[edit.Group]
    older: int

    def to_json(self, titled: lines.Titled) -> dict[str, Any]:
        """Each step by its id and, as ``label``, in words."""
        groups = [
            {
                "step": g.step,
                "label": lines.line(g.line, titled),
                "people": g.people,
                "to": g.to,
                "because": g.because,
            }
            for g in self.groups
            if g.people
        ]
        return {"journey": self.journey.name, "version": self.journey.version, "groups": groups, "older": self.older}


def flights(conn: psycopg.Connection, changes: Sequence[Change], bodies: Bodies, moves: Moves) -> list[Flight]:
    """The journeys that change, with the people on them. Raises PlanRefused where nobody has said where some of them go."""
    found = guessed(conn, changes, bodies, moves)
    for one in found:
        _check_clear(one.journey.name, one.groups, Titles({}, bodies))
    return found


def guessed(conn: psycopg.Connection, changes: Sequence[Change], bodies: Bodies, moves: Moves) -> list[Flight]:
    """The same where nobody has to have said it yet: `unclear` tells for whom it is a guess."""
    found = []
    for change in changes:
        old = definitions.current(conn, "journey", change.name) if _edits(change) else None
        if old is not None:
            groups = edit.preview(conn, old, bodies[change.key], moves.get(change.name, {}))
            found.append(Flight(old, groups, _people(conn, change.name) - sum(group.people for group in groups)))
    return found


def unclear(group: edit.Group) -> bool:
    """Does somebody have to say where these people go?"""
    return bool(group.people) and group.because in _UNCLEAR


def _edits(change: Change) -> bool:
    return (change.kind, change.sort) == ("journey", "changed")


def _check_clear(journey: str, groups: Sequence[edit.Group], titled: lines.Titled) -> None:
    lost = [g for g in groups if unclear(g)]
    if lost:
        said = [(g, lines.line(g.line, titled)) for g in lost]
        zh = "；".join(f"{g.people} 人在步骤 {g.step}（{words['zh']}）" for g, words in said)
        en = "; ".join(f"{g.people} at {g.step} ({words['en']})" for g, words in said)
        how = " ".join(f"--move {journey}/{g.step}={g.to}" for g in lost)
        raise PlanRefused(
            Reason.WHERE_TO,
            f"旅程 {journey} 的新版没有这些步骤：{zh}。请写明去处，例如 {how}，或 {edit.EXIT}（退出）、{edit.FINISH_OLD}（走完旧版）。 "
            f"journey {journey} loses steps on which people stand: {en}; say where they go, for example {how}, "
            f"or to {edit.EXIT} or {edit.FINISH_OLD}",
        )


def _people(conn: psycopg.Connection, journey: str) -> int:
    """How many are on a journey, whatever the version."""
    row = sql.on_journey(conn, name=journey).fetchone()
    assert row is not None
    return row.n


def comings(
    conn: psycopg.Connection, now: datetime, changes: Sequence[Change], bodies: Bodies
) -> Iterator[dict[str, Any]]:
    """Who comes in at once, or leaves, with journeys that begin or end: ``{"journey", "enter"}`` or ``{"journey", "leave"}``."""
    for change in changes:
        if (change.kind, change.sort) == ("journey", "retired"):
            yield {"journey": change.name, "leave": _people(conn, change.name)}
        elif change.kind == "journey" and change.sort == "added":
            body = bodies[change.key]
            if body["trigger"].get("when") == "entered":
                yield {"journey": change.name, "enter": _entering(conn, now, change.name, body, bodies)}


def _entering(conn: psycopg.Connection, now: datetime, name: str, body: Body, bodies: Bodies) -> int:
    """How many enter a journey of a segment as it goes into service. One that comes back does not take in whoever is in the segment
    already: only those who come into it with the plan, as far as they may enter again."""
    segment, reentry = body["trigger"]["segment"], body["reentry"]
    rules = [{"segment": segment}, *([body["audience"]] if body["audience"] else [])]
    people = audience(conn, now, {"all": rules}, bodies)
    since = now - timedelta(days=reentry["after_days"]) if isinstance(reentry, Mapping) else None
    row = sql.kept_out(
        conn, name=name, segment=segment, persons=people.tolist(), once=reentry == "never", since=since
    ).fetchone()
    assert row is not None
    return len(people) - row.n


def read_moves(given: Sequence[str], changes: Sequence[Change], old: Bodies, new: Bodies) -> dict[str, dict[str, str]]:
    """Choices as they are written: ``JOURNEY/STEP=TO``, or ``STEP=TO`` where one journey alone has that step. Raises BadMove."""
    moves: dict[str, dict[str, str]] = {}
    edited = {change.name: step_ids(old[change.key]["program"]) for change in changes if _edits(change)}
    for text in given:
        what, _, to = text.partition("=")
        journey, step = _place(text, what, edited)
        _check_target(text, to, [*step_ids(new["journey", journey]["program"]), edit.EXIT, edit.FINISH_OLD])
        moves.setdefault(journey, {})[step] = to
    return moves


def _place(text: str, what: str, edited: Mapping[str, list[str]]) -> tuple[str, str]:
    named = [(journey, what.removeprefix(f"{journey}/")) for journey in edited if what.startswith(f"{journey}/")]
    found = [(j, step) for j, step in [*named, *((j, what) for j in edited)] if step in edited[j]]
    if len(found) == 1:
        return found[0]
    if found:
        both = "、".join(f"{journey}/{step}" for journey, step in found)
        raise BadMove(
            f"--move {text}：不止一个旅程有这一步，写成 {both} 之一。 more than one journey has it; write one of {both}"
        )
    steps = [f"{journey}/{step}" for journey, ids in edited.items() for step in ids]
    none = Said("这次改动不涉及有人正在走的旅程。", "no journey changes that anybody could be on")
    fix = suggest(what, steps) if steps else none
    raise BadMove(
        f"--move {text}：在要改的旅程里找不到这个步骤。{fix.zh} no journey that changes has this step; {fix.en}"
    )


def _check_target(text: str, to: str, known: list[str]) -> None:
    if to not in known:
        fix = suggest(to, known)
        raise BadMove(f"--move {text}：新版没有 '{to}'，{fix.zh} the new version has no '{to}'; {fix.en}")
