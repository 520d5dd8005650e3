"""Joining people one event at a time, in order, under rules: for the few groups in which people meet, or something could contradict.

What comes out is what would have come of one batch for each event. People are never joined when a slot would hold two different handles (two unionids), when somebody said to keep
them apart, or when one person would gather more handles than a person has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from yutang.handles import BY_CODE

MOST_HANDLES = 200
"""More handles than this on one person is a shared phone or a till's card, not a person."""
NEW = 2**62
"""Persons that do not exist yet are numbered from here, so that a known person always wins, and then the earliest."""

Slot = bytes


@dataclass(frozen=True)
class Merge:
    """`loser` became part of `winner` because of event `event_id`."""

    winner: int
    loser: int
    event_id: int


@dataclass
class Outcome:
    """What the careful pass decided: the person of each event, to whom each new handle first came and by which event, the joins in their
    order, (event, one, another) of people whose handles contradict each other, and the event that began each new person. New persons are
    NEW, NEW + 1 and so on; `find` gives the last word."""

    event_person: dict[int, int] = field(default_factory=dict)
    handles: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    merges: list[Merge] = field(default_factory=list)
    conflicts: list[tuple[int, int, int]] = field(default_factory=list)
    born: list[int] = field(default_factory=list)


class Careful:
    """State of one careful pass: whose keys are whose, which slots are filled, who is kept apart."""

    def __init__(self, owned: Iterable[tuple[bytes, int]], apart: Iterable[tuple[int, int]]) -> None:
        self.owner: dict[bytes, int] = {}
        self.filled: dict[int, dict[Slot, bytes]] = {}
        self.size: dict[int, int] = {}
        self.parent: dict[int, int] = {}
        self.apart: dict[int, set[int]] = {}
        self.outcome = Outcome()
        for key, person in owned:
            self._own(key, person)
        for a, b in apart:
            self.apart.setdefault(a, set()).add(b)
            self.apart.setdefault(b, set()).add(a)

    def find(self, person: int) -> int:
        """The person that `person` is part of by now."""
        while person in self.parent:
            person = self.parent[person]
        return person

    def take(self, event_id: int, keys: list[bytes]) -> None:
        """Decide one event; `keys` in order of rank. A weak key says whose the event is only where it stands alone."""
        decisive = [key for key in keys if BY_CODE[key[0]].strong] or keys[:1]
        person = self._follow(event_id, decisive)
        for key in decisive:
            if key in self.owner:
                person = self._join(event_id, person, self.find(self.owner[key]))
            else:
                self._give(event_id, person, key)
        for key in keys[len(decisive) :]:
            if key not in self.owner:
                self._give(event_id, person, key)
        self.outcome.event_person[event_id] = person

    def _follow(self, event_id: int, strong: list[bytes]) -> int:
        """The person of the event: the owner of its first key; if nobody owns it, the first known person whom it fits."""
        known = [self.find(self.owner[key]) for key in strong if key in self.owner]
        return next(
            (person for person in known if strong[0] in self.owner or self._fits(person, strong[0])), None
        ) or self._new(event_id)

    def _fits(self, person: int, key: bytes) -> bool:
        """False when the person's one place for such a handle holds another."""
        return not BY_CODE[key[0]].single or self.filled.get(person, {}).get(key[:3], key) == key

    def _new(self, event_id: int) -> int:
        self.outcome.born.append(event_id)
        return NEW + len(self.outcome.born) - 1

    def _own(self, key: bytes, person: int) -> None:
        self.owner[key] = person
        self.size[person] = self.size.get(person, 0) + 1
        if BY_CODE[key[0]].single:
            self.filled.setdefault(person, {})[key[:3]] = key

    def _give(self, event_id: int, person: int, key: bytes) -> None:
        """A key nobody owns goes to the event's person; where another has its place, to somebody new, who contradicts that person."""
        if not self._fits(person, key):
            other = self._new(event_id)
            self.outcome.conflicts.append((event_id, person, other))
            person = other
        self._own(key, person)
        self.outcome.handles[key] = (person, event_id)

    def _join(self, event_id: int, a: int, b: int) -> int:
        """Make one person of two if nothing forbids it; returns the person that the event goes to."""
        if a == b:
            return a
        if self._contradict(a, b):
            self.outcome.conflicts.append((event_id, min(a, b), max(a, b)))
            return a
        winner, loser = min(a, b), max(a, b)
        self.parent[loser] = winner
        self.filled[winner] = self.filled.pop(loser, {}) | self.filled.get(winner, {})
        self.size[winner] = self.size.get(winner, 0) + self.size.pop(loser, 0)
        for other in self.apart.pop(loser, set()):
            self.apart[other].discard(loser)
            self.apart[other].add(winner)
            self.apart.setdefault(winner, set()).add(other)
        self.outcome.merges.append(Merge(winner, loser, event_id))
        return winner

    def _contradict(self, a: int, b: int) -> bool:
        slots_a, slots_b = self.filled.get(a, {}), self.filled.get(b, {})
        return (
            b in self.apart.get(a, ())
            or self.size.get(a, 0) + self.size.get(b, 0) > MOST_HANDLES
            or any(slots_a[slot] != slots_b[slot] for slot in slots_a.keys() & slots_b.keys())
        )
