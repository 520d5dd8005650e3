"""What a batch decided, in the numbers of people who exist: of its groups as a whole, and one by one where care was taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from yutang.identity.careful import NEW, Careful, Merge
from yutang.identity.graph import Batch, Components


@dataclass(frozen=True)
class Verdict:
    """Arrays go by number in the batch.

    event_person, key_person: whose each event and key is now. event_origin, key_origin:
    whose it was at first, before later events of the batch joined that person to another. new_key: mask of keys that nobody owned
    before; `key_event` brought them. born: the new persons. merges: in the order of their events; `home` says for each loser who holds
    its facts now. conflicts: (event, first, last) of the people whom the handles of a contradicting event name.
    """

    event_person: np.ndarray
    event_origin: np.ndarray
    key_person: np.ndarray
    key_origin: np.ndarray
    key_event: np.ndarray
    new_key: np.ndarray
    born: np.ndarray
    merges: list[Merge]
    home: dict[int, int]
    conflicts: list[tuple[int, int, int]]


def settle(
    batch: Batch,
    owner: np.ndarray,
    groups: Components,
    careful: np.ndarray,
    state: Careful,
    number: Callable[[int], np.ndarray],
) -> Verdict:
    """A person for each event and each key. `number` gives so many new ids."""
    person = groups.single_owner()
    begun, at = _without_person(batch, groups, careful, person)
    born = _numbered(np.concatenate([at, np.array(state.outcome.born, np.int64)]), number)
    person[begun] = born[: len(begun)]
    people = _People(state, born[len(begun) :].tolist())
    event_person, key_person = person[groups.of_event], person[groups.of_key]
    event_origin, key_origin = event_person.copy(), np.where(owner > 0, owner, key_person)
    key_event = batch.first_events.copy()
    for n in np.flatnonzero(careful[groups.of_event]).tolist():
        first = state.outcome.event_person[int(batch.event_ids[n])]
        event_person[n], event_origin[n] = people.last(first), people.real(first)
    for n in np.flatnonzero(careful[groups.of_key]).tolist():
        key = batch.keys[n].tobytes()
        key_person[n] = people.last(state.owner[key])
        if key in state.outcome.handles:
            first, key_event[n] = state.outcome.handles[key]
            key_origin[n] = people.real(first)
    new_key = (owner == 0) & (batch.code > 0)
    merges, home, conflicts = people.merges(), people.home(), people.conflicts()
    return Verdict(
        event_person, event_origin, key_person, key_origin, key_event, new_key, born, merges, home, conflicts
    )


def _without_person(
    batch: Batch, groups: Components, careful: np.ndarray, person: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(group, its first event) of the groups that are decided as a whole, have events, and are nobody known."""
    first = np.full(groups.count, len(batch.event_ids))
    first[groups.of_event[::-1]] = np.arange(len(batch.event_ids))[::-1]
    begun = np.flatnonzero((first < len(batch.event_ids)) & ~careful & (person == 0))
    return begun, batch.event_ids[first[begun]]


def _numbered(events: np.ndarray, number: Callable[[int], np.ndarray]) -> np.ndarray:
    """New ids for persons whom these events began, in the order of the events: of two, the one who came first is to win."""
    ids = np.empty(len(events), np.int64)
    ids[np.argsort(events, kind="stable")] = number(len(events))
    return ids


@dataclass(frozen=True)
class _People:
    """The persons of the careful pass; those that it made have their ids in `born`, in their order."""

    state: Careful
    born: list[int]

    def real(self, person: int) -> int:
        return self.born[person - NEW] if person >= NEW else person

    def last(self, person: int) -> int:
        return self.real(self.state.find(person))

    def merges(self) -> list[Merge]:
        return [Merge(self.real(m.winner), self.real(m.loser), m.event_id) for m in self.state.outcome.merges]

    def home(self) -> dict[int, int]:
        return {self.real(m.loser): self.last(m.loser) for m in self.state.outcome.merges}

    def conflicts(self) -> list[tuple[int, int, int]]:
        return [(event, self.real(one), self.real(another)) for event, one, another in self.state.outcome.conflicts]
