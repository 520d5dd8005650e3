"""One batch of events is given to persons, and persons that turn out to be one are joined.

The bulk of a batch is arithmetic on arrays (`graph`); only groups in which persons meet, or handles could contradict each
other, go through the careful pass (`careful`). What comes of both (`verdict`) is written by sets.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import psycopg

from yutang import definitions
from yutang.db.copy import copy_in, fetch, fetch_keys, micros
from yutang.db.queries import Queries, Query
from yutang.identity.careful import Careful
from yutang.identity.graph import Batch, Components, components, founders, hazards
from yutang.identity.verdict import Verdict, settle
from yutang.ingest.erase import forget_events
from yutang.model import Counts, bucket_of

sql = Queries(__package__)
BEGINNER = "journey.event"
"""Whose cursor tells which facts have been read by what they may begin: an event begins a run once, whoever it belongs to later."""


def resolve_pairs(conn: psycopg.Connection, now: datetime, pairs: Query, link: Query, **params: Any) -> Counts:
    """Resolve the events that the query `pairs` gives, none of which is a fact now; `link` makes them facts. The caller holds
    the cursor of `identity`: two resolvers at once could give the same new handle to two new persons."""
    sql.nested_loops(conn)
    event_ids, keys = fetch_keys(conn, pairs.template, params)
    if not len(event_ids):
        sql.as_usual(conn)
        return Counts()
    batch = Batch.of(event_ids, keys)
    owner = _owners(conn, batch)
    if (nobody := (batch.code == 0) & (owner == 0)).any():
        kept = ~nobody[batch.key]
        strangers = np.setdiff1d(event_ids, batch.event_ids[batch.event[kept]]).tolist()
        strangers = _without_erased(conn, batch, nobody, strangers)
        _open(conn, now, "no_handle", [(event, 0, 0) for event in strangers])
        batch, owner = Batch.of(event_ids[kept], keys[kept]), owner[~nobody]
    groups = components(batch, owner)
    careful = _needs_care(conn, batch, owner, groups)
    state = _careful_pass(conn, batch, owner, groups, careful)
    verdict = settle(batch, owner, groups, careful, state, lambda count: _new_ids(conn, count))
    counts = _write(conn, now, batch, verdict)
    counts["event"] = _link(conn, batch, verdict, link, params)
    return counts


def _without_erased(conn: psycopg.Connection, batch: Batch, nobody: np.ndarray, strangers: list[int]) -> list[int]:
    """The strangers but for late words about people who were erased: nothing of those is kept."""
    persons = batch.keys.view(">i8").reshape(-1, 2)[:, 1].astype(np.int64)
    named = persons[nobody].tolist()
    buckets = sorted({bucket_of(person) for person in named})
    gone = [row.person_id for row in sql.erased_among(conn, persons=named, buckets=buckets)]
    if not gone:
        return strangers
    late = nobody & np.isin(persons, gone)
    events = set(batch.event_ids[batch.event[late[batch.key]]].tolist()) & set(strangers)
    forget_events(conn, sorted(events))
    return [event for event in strangers if event not in events]


def _owners(conn: psycopg.Connection, batch: Batch) -> np.ndarray:
    """The person that owns each key today, 0 where nobody does."""
    owner = np.zeros(len(batch.keys), np.int64)
    key, person = fetch(conn, sql.owners.template, ["uuid", "int8"], {"keys": batch.keys})
    owner[batch.places(key)] = person
    named = np.flatnonzero(batch.code == 0)
    if len(named):
        ids = batch.keys[named].view(">i8").reshape(-1, 2)[:, 1].astype(np.int64)
        n, person = fetch(conn, sql.living.template, ["int8", "int8"], {"persons": ids})
        owner[named[n - 1]] = person
    return owner


def _handles_of(conn: psycopg.Connection, persons: np.ndarray) -> list[np.ndarray]:
    """(key, person) of every handle that these persons own."""
    return fetch(conn, sql.handles_of.template, ["uuid", "int8"], {"persons": persons})


def _needs_care(conn: psycopg.Connection, batch: Batch, owner: np.ndarray, groups: Components) -> np.ndarray:
    """Mask of groups: two persons meet, of whom none, one or both were known before; or a slot would be filled twice."""
    owners = groups.owner_count()
    meet = owners + founders(batch, owner, groups) > 1
    fresh_single = np.zeros(groups.count, bool)
    fresh_single[groups.of_key[batch.single & (owner == 0)]] = True
    suspect = groups.owners[(fresh_single & (owners == 1))[groups.of_owner]]
    group, keys = groups.of_key, batch.keys
    if len(suspect):
        held, person = _handles_of(conn, suspect)
        group = np.concatenate([group, groups.of_owner[np.searchsorted(groups.owners, person)]])
        keys = np.concatenate([keys, held])
    return meet | hazards(group, keys, groups.count)


def _careful_pass(
    conn: psycopg.Connection, batch: Batch, owner: np.ndarray, groups: Components, careful: np.ndarray
) -> Careful:
    """Decide the events of the careful groups one by one, in order."""
    if not careful.any():
        return Careful([], [])
    persons = groups.owners[careful[groups.of_owner]]
    held, person = _handles_of(conn, persons)
    owned = zip(held.tolist(), person.tolist(), strict=True)
    apart = conn.execute(sql.kept_apart.template).fetchall()  # type: ignore[arg-type]
    state = Careful(owned, [(a, b) for a, b in apart])
    _know_outsiders(state, batch, owner, groups, careful)
    for event, keys in _events_in_order(batch, owner, groups, careful):
        state.take(event, keys)
    return state


def _know_outsiders(state: Careful, batch: Batch, owner: np.ndarray, groups: Components, careful: np.ndarray) -> None:
    """Keys that need no row in the directory: persons named by id, and weak keys whose owner is in another group."""
    carried = np.zeros(len(batch.keys), bool)
    carried[batch.key[careful[groups.of_event][batch.event]]] = True
    known = carried & (owner > 0)
    for key, person in zip(batch.keys[known].tolist(), owner[known].tolist(), strict=True):
        state.owner.setdefault(key, person)


def _events_in_order(
    batch: Batch, owner: np.ndarray, groups: Components, careful: np.ndarray
) -> list[tuple[int, list[bytes]]]:
    """(event id, keys by rank) of the events of careful groups in the order in which they came. A new weak key stands only with events of
    the group that takes it in."""
    taken_in = (owner > 0)[batch.key] | (groups.of_key[batch.key] == groups.of_event[batch.event])
    pairs = np.flatnonzero(careful[groups.of_event][batch.event] & taken_in)
    pairs = pairs[np.lexsort((batch.key[pairs], batch.event[pairs]))]
    events, keys = batch.event_ids[batch.event[pairs]].tolist(), batch.keys[batch.key[pairs]].tolist()
    found: dict[int, list[bytes]] = {}
    for event, key in zip(events, keys, strict=True):
        found.setdefault(event, []).append(key)
    return list(found.items())


def _new_ids(conn: psycopg.Connection, count: int) -> np.ndarray:
    return fetch(conn, sql.new_ids.template, ["int8"], {"count": count})[0] if count else np.zeros(0, np.int64)


def _write(conn: psycopg.Connection, now: datetime, batch: Batch, verdict: Verdict) -> Counts:
    """Persons, handles, merges and cases, each by one set."""
    away = np.isin(verdict.born, list(verdict.home))
    _write_persons(conn, now, verdict.born[~away])
    _write_persons(conn, now, verdict.born[away], verdict.home)
    _write_handles(conn, batch, verdict)
    _merge(conn, now, verdict)
    cases = _open(conn, now, "conflict", verdict.conflicts) + _open_suggestions(conn, now, batch, verdict)
    return Counts(handle=int(verdict.new_key.sum()), merge=len(verdict.merges), case=cases)


def _write_persons(
    conn: psycopg.Connection, now: datetime, persons: np.ndarray, home: dict[int, int] | None = None
) -> None:
    """New persons. `home`: whom each is part of already, by an event of the same batch."""
    if not len(persons):
        return
    rows = persons[np.argsort(persons & 1023, kind="stable")]
    columns = {"bucket": ("int2", rows & 1023), "person_id": ("int8", rows), "created_at": ("timestamptz", micros(now))}
    if home is not None:
        columns["merged_into"] = ("int8", [home[person] for person in rows.tolist()])
    copy_in(conn, "person", columns)


def _write_handles(conn: psycopg.Connection, batch: Batch, verdict: Verdict) -> None:
    new = verdict.new_key
    if not new.any():
        return
    columns = {
        "key": ("uuid", batch.keys[new]),
        "person_id": ("int8", verdict.key_person[new]),
        "origin_id": ("int8", verdict.key_origin[new]),
        "event_id": ("int8", verdict.key_event[new]),
    }
    copy_in(conn, "handle", columns)


def _link(conn: psycopg.Connection, batch: Batch, verdict: Verdict, link: Query, params: dict[str, Any]) -> int:
    """The batch's events become facts; returns how many."""
    if link is sql.link_window:
        sql.hash_joins(conn)
    sql.days_of_pond(conn, zone=definitions.pond(conn)["time_zone"])
    linked = link(conn, linked=batch.event_ids, persons=verdict.event_person, **params).rowcount
    sql.as_usual(conn)
    return linked


def _merge(conn: psycopg.Connection, now: datetime, verdict: Verdict) -> None:
    """Every join is written down with its evidence. What a person had before the batch moves; who was born in it had nothing."""
    merges = verdict.merges
    if not merges:
        return
    winners, losers, events = ([getattr(m, name) for m in merges] for name in ("winner", "loser", "event_id"))
    sql.log_merges(conn, winners=winners, losers=losers, events=events, now=now)
    born = set(verdict.born.tolist())
    known = [loser for loser in losers if loser not in born]
    homes = [verdict.home[loser] for loser in known]
    sql.mark_merged(conn, losers=known, winners=homes)
    sql.mark_changed(conn, persons=sorted(set(homes)))
    note_again(conn, known)
    sql.move_handles(conn, losers=known, winners=homes)
    sql.move_events(conn, losers=known, winners=homes)
    sql.move_past(conn, losers=known, winners=homes)


def note_again(conn: psycopg.Connection, persons: list[int]) -> None:
    """What these persons' facts had to begin they have begun: they are about to become facts about somebody else."""
    sql.forget_again(conn, reader=BEGINNER)
    sql.note_again(conn, reader=BEGINNER, persons=persons)


def _open_suggestions(conn: psycopg.Connection, now: datetime, batch: Batch, verdict: Verdict) -> int:
    """A weak handle that somebody else owns: perhaps the same person, perhaps the same sofa."""
    differ = verdict.event_person[batch.event] != verdict.key_person[batch.key]
    found = np.flatnonzero(differ & ~batch.strong[batch.key])
    mine, other = verdict.event_origin[batch.event[found]], verdict.key_origin[batch.key[found]]
    rows = zip(batch.event_ids[batch.event[found]].tolist(), mine.tolist(), other.tolist(), strict=True)
    return _open(conn, now, "suggestion", list(rows))


def _open(conn: psycopg.Connection, now: datetime, reason: str, cases: list[tuple[int, int, int]]) -> int:
    if not cases:
        return 0
    events, first, second = (list(column) for column in zip(*cases, strict=True))
    return sql.open_cases(conn, reason=reason, events=events, first=first, second=second, now=now).rowcount
