"""From rules and people in arrays to the changes that must be written. No database here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yutang.segment.answer import Answer
from yutang.segment.evaluate import Answers, evaluate
from yutang.segment.live import Segment
from yutang.segment.load import Pond
from yutang.segment.moment import NEVER

BLOCK = 8_192
"""People evaluated at a time: what a block needs stays in the processor's cache."""


@dataclass(frozen=True)
class Changes:
    """Who enters and who leaves which segment; whose due instant is new, and who has none any more."""

    entered_person: np.ndarray
    entered_segment: np.ndarray
    entered_version: np.ndarray
    left_person: np.ndarray
    left_segment: np.ndarray
    due_person: np.ndarray
    due_at: np.ndarray
    never_due: np.ndarray


class _Members:
    """Who is in now: indexes of people, ascending, per segment."""

    def __init__(self, pond: Pond, persons: np.ndarray, segments: np.ndarray) -> None:
        pos = pond.index(persons)
        gone = pos < 0
        self.gone_person, self.gone_segment = persons[gone], segments[gone]
        pos, segments = pos[~gone], segments[~gone]
        order = np.lexsort((pos, segments))
        self.pos, self.segments = pos[order], segments[order]

    def inside(self, segment_id: int, lo: int, hi: int) -> np.ndarray:
        """Which of the people from index `lo` to `hi` are in."""
        a, b = np.searchsorted(self.segments, [segment_id, segment_id + 1])
        mine = self.pos[a:b]
        c, d = np.searchsorted(mine, [lo, hi])
        inside = np.zeros(hi - lo, bool)
        inside[mine[c:d] - lo] = True
        return inside


def decide(
    pond: Pond,
    segments: list[Segment],
    member: np.ndarray,
    member_segment: np.ndarray,
    due_person: np.ndarray,
    due_at: np.ndarray,
    complete: bool,
) -> Changes:
    """Compare what is (open memberships, due instants) with what should be.

    complete: `segments` are all in service; otherwise a due instant that is kept may only move forward in time.
    """
    members = _Members(pond, member, member_segment)
    entered: list[tuple[np.ndarray, Segment]] = []
    left: list[tuple[np.ndarray, Segment]] = []
    due = np.full(len(pond.people), NEVER)
    for lo in range(0, len(pond.people), BLOCK):
        hi = min(lo + BLOCK, len(pond.people))
        due[lo:hi] = _block(pond.cut(lo, hi), segments, members, lo, entered, left)
    kept, gone = _kept_due(pond, due_person, due_at)
    if not complete:
        due = np.minimum(due, kept)
    new = (due != kept) & (due < NEVER)
    old = (due != kept) & (due == NEVER)
    return Changes(
        _ids([ids for ids, _ in entered]),
        _numbers([(len(ids), segment.segment_id) for ids, segment in entered]),
        _numbers([(len(ids), segment.version) for ids, segment in entered]),
        _ids([members.gone_person, *(ids for ids, _ in left)]),
        np.concatenate(
            [members.gone_segment.astype(np.int32), _numbers([(len(ids), segment.segment_id) for ids, segment in left])]
        ),
        pond.people[new],
        due[new],
        np.concatenate([pond.people[old], gone]),
    )


def _block(
    pond: Pond,
    segments: list[Segment],
    members: _Members,
    lo: int,
    entered: list[tuple[np.ndarray, Segment]],
    left: list[tuple[np.ndarray, Segment]],
) -> np.ndarray:
    """Decide a block; returns when its people are due."""
    fresh: dict[str, Answer] = {}
    known: Answers = {}
    due = np.full(len(pond.people), NEVER)
    for segment in segments:
        answer = evaluate(segment.rule, pond, fresh, known)
        fresh[segment.name] = answer
        inside = members.inside(segment.segment_id, lo, lo + len(pond.people))
        for changed, kind in ((answer.holds & ~inside, entered), (inside & ~answer.holds, left)):
            if changed.any():
                kind.append((pond.people[changed], segment))
        np.minimum(due, answer.due, out=due)
    return due


def _kept_due(pond: Pond, person: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(due instant kept for each person of the pond, people who have one and are no longer there)."""
    pos = pond.index(person)
    kept = np.full(len(pond.people), NEVER)
    kept[pos[pos >= 0]] = at[pos >= 0]
    return kept, person[pos < 0]


def _ids(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0, np.int64), *parts])


def _numbers(parts: list[tuple[int, int]]) -> np.ndarray:
    return np.concatenate([np.empty(0, np.int32), *(np.full(count, number, np.int32) for count, number in parts)])
