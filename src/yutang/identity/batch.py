"""One batch of events is given to persons, and persons that turn out to be one are joined.

The bulk of a batch is arithmetic on arrays (`graph`); only groups in which known persons meet, or handles could
contradict each other, go through the careful pass (`careful`). Everything is written back by sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg

from yutang import definitions
from yutang.db.copy import KEY, copy_in, fetch, fetch_keys, micros
from yutang.db.queries import Queries, Query
from yutang.identity.careful import NEW, Careful
from yutang.identity.graph import Batch, Components, components, hazards
from yutang.ingest.erase import forget_events
from yutang.model import Counts, bucket_of

sql = Queries(__package__)


@dataclass(frozen=True)
class Verdict:
    """What a batch decided: a person per event (by number in the batch), the handles that found an owner, and which events contradict
    themselves: each with the first and the last of the people whom its handles name."""

    event_person: np.ndarray
    key: np.ndarray
    key_person: np.ndarray
    key_event: np.ndarray
    conflicts: list[tuple[int, int, int]]


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
    outcome = _careful_pass(conn, batch, owner, groups, careful)
    verdict = _settle(conn, now, batch, owner, groups, careful, outcome)
    counts = _write(conn, now, batch, owner, verdict, outcome)
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
    """Mask of groups: two known persons meet, or a slot would be filled twice."""
    owners = groups.owner_count()
    fresh_single = np.zeros(groups.count, bool)
    fresh_single[groups.of_key[batch.single & (owner == 0)]] = True
    suspect = groups.owners[(fresh_single & (owners == 1))[groups.of_owner]]
    group, keys = groups.of_key, batch.keys
    if len(suspect):
        held, person = _handles_of(conn, suspect)
        group = np.concatenate([group, groups.of_owner[np.searchsorted(groups.owners, person)]])
        keys = np.concatenate([keys, held])
    return (owners > 1) | hazards(group, keys, groups.count)


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
    for event, keys in _events_in_order(batch, careful[groups.of_event]):
        state.take(event, keys)
    return state


def _know_outsiders(state: Careful, batch: Batch, owner: np.ndarray, groups: Components, careful: np.ndarray) -> None:
    """Keys that need no row in the directory: persons named by id, and weak keys whose owner is in another group."""
    known = careful[groups.of_key] & (owner > 0)
    for key, person in zip(batch.keys[known].tolist(), owner[known].tolist(), strict=True):
        state.owner.setdefault(key, person)


def _events_in_order(batch: Batch, wanted: np.ndarray) -> list[tuple[int, list[bytes]]]:
    """(event id, keys by rank) of the wanted events, in the order in which they came."""
    pairs = np.flatnonzero(wanted[batch.event])
    pairs = pairs[np.lexsort((batch.key[pairs], batch.event[pairs]))]
    events, keys = batch.event_ids[batch.event[pairs]].tolist(), batch.keys[batch.key[pairs]].tolist()
    found: dict[int, list[bytes]] = {}
    for event, key in zip(events, keys, strict=True):
        found.setdefault(event, []).append(key)
    return list(found.items())


def _settle(
    conn: psycopg.Connection,
    now: datetime,
    batch: Batch,
    owner: np.ndarray,
    groups: Components,
    careful: np.ndarray,
    state: Careful,
) -> Verdict:
    """A person for each event and each new handle; new persons get their ids here."""
    person = groups.single_owner()
    needs_new = np.zeros(groups.count, bool)
    needs_new[groups.of_event] = True
    needs_new &= ~careful & (person == 0)
    fresh = sorted({p for p in map(state.find, state.outcome.event_person.values()) if p > NEW})
    ids = _new_persons(conn, now, int(needs_new.sum()) + len(fresh))
    person[needs_new] = ids[: int(needs_new.sum())]
    real = dict(zip(fresh, ids[int(needs_new.sum()) :].tolist(), strict=True))

    def last_word(p: int) -> int:
        return real.get(state.find(p), state.find(p))

    event_person = person[groups.of_event]
    slow = np.flatnonzero(careful[groups.of_event])
    event_person[slow] = [last_word(state.outcome.event_person[e]) for e in batch.event_ids[slow].tolist()]
    key = np.flatnonzero((owner == 0) & (batch.code > 0) & ~careful[groups.of_key])
    first_event = batch.first_events()
    slow_keys = [(k, last_word(p), e) for k, (p, e) in state.outcome.handles.items()]
    return Verdict(
        event_person,
        np.concatenate([batch.keys[key], np.frombuffer(b"".join(k for k, _, _ in slow_keys), KEY)]),
        np.concatenate([person[groups.of_key[key]], np.array([p for _, p, _ in slow_keys], np.int64)]),
        np.concatenate([first_event[key], np.array([e for _, _, e in slow_keys], np.int64)]),
        [
            (e, min(named), max(named))
            for e, p in state.outcome.conflicts.items()
            if len(named := set(map(last_word, p))) > 1
        ],
    )


def _new_persons(conn: psycopg.Connection, now: datetime, count: int) -> np.ndarray:
    """Ids of `count` new persons, written."""
    if not count:
        return np.zeros(0, np.int64)
    (ids,) = fetch(conn, sql.new_ids.template, ["int8"], {"count": count})
    rows = ids[np.argsort(ids & 1023, kind="stable")]
    copy_in(
        conn,
        "person",
        {"bucket": ("int2", rows & 1023), "person_id": ("int8", rows), "created_at": ("timestamptz", micros(now))},
    )
    return ids


def _write(
    conn: psycopg.Connection, now: datetime, batch: Batch, owner: np.ndarray, verdict: Verdict, state: Careful
) -> Counts:
    """Handles, merges and cases, each by one set."""
    if len(verdict.key):
        people = ("int8", verdict.key_person)
        copy_in(
            conn,
            "handle",
            {
                "key": ("uuid", verdict.key),
                "person_id": people,
                "origin_id": people,
                "event_id": ("int8", verdict.key_event),
            },
        )
    _merge(conn, now, state)
    cases = _open(conn, now, "conflict", verdict.conflicts) + _open_suggestions(conn, now, batch, owner, verdict)
    return Counts(handle=len(verdict.key), merge=len(state.outcome.merges), case=cases)


def _link(conn: psycopg.Connection, batch: Batch, verdict: Verdict, link: Query, params: dict[str, Any]) -> int:
    """The batch's events become facts; returns how many."""
    if link is sql.link_window:
        sql.hash_joins(conn)
    sql.days_of_pond(conn, zone=definitions.pond(conn)["time_zone"])
    linked = link(conn, linked=batch.event_ids, persons=verdict.event_person, **params).rowcount
    sql.as_usual(conn)
    return linked


def _merge(conn: psycopg.Connection, now: datetime, state: Careful) -> None:
    merges = state.outcome.merges
    if not merges:
        return
    losers = [m.loser for m in merges]
    finals = [state.find(m.loser) for m in merges]
    sql.log_merges(
        conn, winners=[m.winner for m in merges], losers=losers, events=[m.event_id for m in merges], now=now
    )
    sql.mark_merged(conn, losers=losers, winners=finals)
    sql.mark_changed(conn, persons=sorted(set(finals)))
    sql.move_handles(conn, losers=losers, winners=finals)
    sql.move_events(conn, losers=losers, winners=finals)
    sql.move_past(conn, losers=losers, winners=finals)


def _open_suggestions(
    conn: psycopg.Connection, now: datetime, batch: Batch, owner: np.ndarray, verdict: Verdict
) -> int:
    """A weak handle that somebody else owns: perhaps the same person, perhaps the same sofa."""
    weak = ~batch.strong[batch.key] & (owner[batch.key] > 0)
    event, other = batch.event[weak], owner[batch.key[weak]]
    mine = verdict.event_person[event]
    differ = mine != other
    rows = zip(batch.event_ids[event[differ]].tolist(), mine[differ].tolist(), other[differ].tolist(), strict=True)
    return _open(conn, now, "suggestion", list(rows))


def _open(conn: psycopg.Connection, now: datetime, reason: str, cases: list[tuple[int, int, int]]) -> int:
    if not cases:
        return 0
    events, first, second = (list(column) for column in zip(*cases, strict=True))
    return sql.open_cases(conn, reason=reason, events=events, first=first, second=second, now=now).rowcount
