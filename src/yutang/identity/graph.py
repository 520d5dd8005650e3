"""Who belongs together in a batch: pure arithmetic on arrays of handle keys.

A key's first byte is its kind, its first three bytes are its slot (kind and scope). Strong keys of one event belong to
one person; a weak key says whose event it is only where no strong one does, and never joins two people.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from yutang.handles import KINDS

_STRONG = np.array([kind.strong for kind in KINDS])
_SINGLE = np.array([kind.single for kind in KINDS])
TEXT = np.dtype("S16")
"""A key as something that NumPy can put in order, byte by byte as PostgreSQL does."""


@dataclass(frozen=True)
class Batch:
    """Events and their keys: `keys` are distinct (V16); pair i says that event `event[i]` carries key `key[i]` (indexes)."""

    event_ids: np.ndarray
    keys: np.ndarray
    event: np.ndarray
    key: np.ndarray

    @classmethod
    def of(cls, event_ids: np.ndarray, keys: np.ndarray) -> Batch:
        """From one (event, key) pair per element."""
        unique_events, event = np.unique(event_ids, return_inverse=True)
        first, key = _distinct(keys)
        return cls(unique_events, keys[first], event, key)

    @property
    def code(self) -> np.ndarray:
        """Kind code per key."""
        return self.keys.view(np.uint8).reshape(-1, 16)[:, 0]

    @property
    def strong(self) -> np.ndarray:
        return _STRONG[self.code]

    @property
    def single(self) -> np.ndarray:
        return _SINGLE[self.code]

    def places(self, keys: np.ndarray) -> np.ndarray:
        """The number of each of these keys, all of which are keys of the batch."""
        return np.searchsorted(self.keys.view(TEXT), keys.view(TEXT))

    @cached_property
    def first_events(self) -> np.ndarray:
        """Per key, the id of the earliest event that carries it."""
        first = np.full(len(self.keys), np.iinfo(np.int64).max)
        np.minimum.at(first, self.key, self.event_ids[self.event])
        return first

    @cached_property
    def anchors(self) -> np.ndarray:
        """Per event, the key it follows: the one of the lowest kind code, and among equals the first in order; keys are numbered so."""
        lowest = np.full(len(self.event_ids), len(self.keys))
        np.minimum.at(lowest, self.event, self.key)
        return lowest


def slots(keys: np.ndarray) -> np.ndarray:
    """The first three bytes of each key as a number."""
    head = keys.view(np.uint8).reshape(-1, 16)[:, :3].astype(np.int64)
    return (head[:, 0] << 16) | (head[:, 1] << 8) | head[:, 2]


def _distinct(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(index of one of each distinct key, distinct number per element). Numbers follow the order of the directory's
    index, so that neighbours in a batch are neighbours on its pages."""
    head, tail = keys.view(">u8").reshape(-1, 2).astype(np.uint64).T
    order = np.argsort(head)
    # Eight bytes are sorted several times faster than sixteen, and hardly ever do two keys begin alike.
    if (_differ(head[order]) < _differ(tail[order])).any():
        order = np.lexsort((tail, head))
    new = np.append(True, _differ(head[order]) | _differ(tail[order]))[: len(keys)]
    number = np.empty(len(keys), np.int64)
    number[order] = np.cumsum(new) - 1
    return order[new], number


def _differ(numbers: np.ndarray) -> np.ndarray:
    """Mask: is it another than the one before? Of all but the first."""
    return numbers[1:] != numbers[:-1]


@dataclass(frozen=True)
class Components:
    """Which group each key and each event is in, and which groups need care (see `careful`)."""

    of_key: np.ndarray
    of_event: np.ndarray
    of_owner: np.ndarray
    owners: np.ndarray
    count: int

    def owner_count(self) -> np.ndarray:
        """How many known persons are in each group."""
        return np.bincount(self.of_owner, minlength=self.count)

    def single_owner(self) -> np.ndarray:
        """The known person of each group, 0 where there is none; of no use where there are several."""
        person = np.zeros(self.count, np.int64)
        person[self.of_owner] = self.owners
        return person


def components(batch: Batch, owner: np.ndarray) -> Components:
    """Join strong keys of one event, and keys of one owner; a weak key that nobody owns is with the first event that carries it. `owner` is
    the person per key, 0 where unknown."""
    # Imported where it is needed: it takes longer than everything else that a command loads.
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    anchors = batch.anchors
    owners, owner_index = np.unique(owner[owner > 0], return_inverse=True)
    new = (owner[batch.key] == 0) & (batch.first_events[batch.key] == batch.event_ids[batch.event])
    joins = batch.strong[batch.key] | new
    rows = np.concatenate([anchors[batch.event][joins], np.flatnonzero(owner > 0)])
    cols = np.concatenate([batch.key[joins], owner_index + len(batch.keys)])
    size = len(batch.keys) + len(owners)
    count, label = connected_components(
        coo_matrix((np.ones(len(rows), np.int8), (rows, cols)), (size, size)), directed=False
    )
    of_key = label[: len(batch.keys)]
    return Components(of_key, of_key[anchors], label[len(batch.keys) :], owners, count)


def founders(batch: Batch, owner: np.ndarray, groups: Components) -> np.ndarray:
    """Per group, how many of its events began somebody new: none of their strong keys, or, without any, not the key they follow, had an
    owner or had been seen before."""
    decides = batch.strong[batch.key] | (batch.anchors[batch.event] == batch.key)
    known = (owner[batch.key] > 0) | (batch.first_events[batch.key] < batch.event_ids[batch.event])
    begins = np.ones(len(batch.event_ids), bool)
    begins[batch.event[decides & known]] = False
    return np.bincount(groups.of_event[begins], minlength=groups.count)


def hazards(group: np.ndarray, keys: np.ndarray, count: int) -> np.ndarray:
    """Groups (mask) in which two different keys fill a slot of which a person can have but one."""
    single = _SINGLE[keys.view(np.uint8).reshape(-1, 16)[:, 0]]
    group, keys = group[single], keys[single]
    found = np.zeros(count, bool)
    if len(keys):
        place = (group.astype(np.int64) << 24) | slots(keys)
        order = np.argsort(place)
        place, halves = place[order], keys.view(">u8").reshape(-1, 2)[order]
        clash = (place[1:] == place[:-1]) & (halves[1:] != halves[:-1]).any(axis=1)
        found[place[1:][clash] >> 24] = True
    return found
