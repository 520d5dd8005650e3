"""T8, one-ID: identifiers of events become people; then merges as they come in, and their undoing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import psycopg
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from yutang import identity
from yutang.bench.house import House
from yutang.bench.meter import Meter, per_cpu_second
from yutang.bench.report import Figures, differences
from yutang.bench.words import NOW
from yutang.db.connect import connect
from yutang.db.copy import KEY, copy_in, fetch
from yutang.db.queries import Queries
from yutang.handles import BY_NAME

sql = Queries(__package__)
POOL = [BY_NAME[name].code for name in ("unionid", "external_userid", "openid", "phone", "shop")]
"""The kinds of handle that one person has, one of each."""
CARD = BY_NAME["pos"].code
"""A card at a till: a person may have any number of them, so two persons with cards alone never contradict each other."""
GROUP = 5_000
"""Events in one commit of the door."""
UNDONE = 200
"""Merges that are taken back, at most."""


@dataclass(frozen=True)
class Links:
    """Which event carries which handle: pairs of event number (from 1) and key, by event."""

    event: np.ndarray
    key: np.ndarray

    @property
    def events(self) -> int:
        return int(self.event[-1])


def resolve(house: House, scale: float) -> Iterator[Figures]:
    """10,000,000 identifiers at scale 1 (about 1.85 in an event), then one merge for each hundredth person."""
    links = _draw(round(10_000_000 * scale))
    with house.database() as url, connect(url) as conn:
        _write(conn, links)
        conn.execute("vacuum (analyze)")
        with Meter(house, url) as meter:
            _settle(conn)
        person = _persons(conn)
        partition, groups = _partition(links)
        wrong = differences({
            "events resolved": (len(person), links.events),
            "persons": (len(np.unique(person)), groups),
            "events in another person than the reference": (_disagreements(person, partition), 0),
        })  # fmt: skip
        floor = per_cpu_second(lambda: _partition(links), links.events)
        extra = {"identifiers": len(links.key), "persons": groups}
        yield Figures("T8", "events", links.events, meter, floor, 60_000, 110_000, wrong, extra=extra)
        yield _merge_and_undo(house, url, conn, links)


def _draw(identifiers: int) -> Links:
    """Each person has five handles; each event shows one to three of them."""
    dice = np.random.default_rng(8)
    events = max(100, round(identifiers / 1.85))
    shown = dice.choice([1, 2, 3], events, p=[0.4, 0.35, 0.25])
    event = np.repeat(np.arange(1, events + 1), shown)
    first, step = dice.integers(0, len(POOL), events), dice.integers(1, len(POOL), events)
    nth = np.arange(len(event)) - np.repeat(np.cumsum(shown) - shown, shown)
    kind = (first[event - 1] + nth * step[event - 1]) % len(POOL)
    person = dice.integers(1, max(2, events * 2 // 5), events)[event - 1]
    return Links(event, keys(person, np.array(POOL)[kind]))


def keys(person: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Handle keys as the door makes them: the kind, the scope, then bytes that tell nothing."""
    raw = np.zeros(len(person), [("kind", "u1"), ("scope", "u1", 2), ("tail", "u1", 5), ("hash", ">u8")])
    mixed = (person.astype(np.uint64) * np.uint64(2**40) + kind.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    raw["kind"], raw["hash"] = kind, mixed ^ (mixed >> np.uint64(29))
    raw["tail"] = (person[:, None] >> np.array([0, 8, 16, 24, 32])).astype(np.uint8)
    return raw.view(KEY)


def _write(conn: psycopg.Connection, links: Links) -> None:
    """The events as the door leaves them, commit by commit."""
    sql.links(conn)
    copy_in(conn, "link", {"event": ("int8", links.event), "key": ("uuid", links.key)})
    sql.links_by_event(conn)
    first = conn.execute("select coalesce(max(event_id), 0) from event").fetchone()
    assert first is not None
    for low in range(1, links.events + 1, GROUP):
        sql.events_of_links(conn, low=low, high=low + GROUP, before=first[0], now=NOW)
    conn.execute("drop table link")


def _settle(conn: psycopg.Connection) -> None:
    while identity.resolve(conn, NOW).busy():
        pass


def _persons(conn: psycopg.Connection) -> np.ndarray:
    """The person of each event, by event."""
    event, person = fetch(conn, "select event_id, person_id from person_event", ["int8", "int8"], {})
    return person[np.argsort(event)]


def _partition(links: Links) -> tuple[np.ndarray, int]:
    """The reference: connected components of events and keys, as a label per event."""
    _, key = np.unique(links.key.view([("a", "u8"), ("b", "u8")]), return_inverse=True)
    size = links.events + int(key.max()) + 1
    graph = coo_matrix((np.ones(len(key), np.int8), (links.event - 1, key.ravel() + links.events)), (size, size))
    label = connected_components(graph, directed=False)[1][: links.events]
    return label, len(np.unique(label))


def _disagreements(person: np.ndarray, label: np.ndarray) -> int:
    """Two partitions are the same when they have as many parts as pairs of parts occur together."""
    if len(person) != len(label):
        return abs(len(person) - len(label))
    together = len(np.unique(np.column_stack([person, label]), axis=0))
    return 2 * together - len(np.unique(person)) - len(np.unique(label))


def _merge_and_undo(house: House, url: str, conn: psycopg.Connection, links: Links) -> Figures:
    """Pairs of cards that turn out to be one person's: each join, then the latest joins taken back one by one."""
    count = max(2, links.events // 100)
    cards = keys(np.arange(2 * count) + 2**33, np.full(2 * count, CARD))
    seen = Links(np.arange(3 * len(cards)) + 1, np.repeat(cards, 3))
    _write(conn, seen)
    _settle(conn)
    before = _persons(conn)[-seen.events :]
    _write(conn, Links(np.repeat(np.arange(1, count + 1), 2), cards))
    conn.execute("vacuum (analyze)")
    with Meter(house, url) as meter:
        _settle(conn)
    together = _persons(conn)[-seen.events - count : -count].reshape(count, 6)
    winners = [row.winner_id for row in sql.latest_merges(conn, limit=min(UNDONE, count // 5))]
    with Meter(house, url) as undo:
        for winner in winners:
            identity.split(conn, NOW, winner)
    after = _persons(conn)[-seen.events - count : -count]
    pairs = before.reshape(count, 6)
    taken_back = np.isin(pairs, winners).any(axis=1)
    wrong = differences({
        "pairs joined": (int((together == together[:, :1]).all(axis=1).sum()), count),
        "pairs parted again": (int(taken_back.sum()), len(winners)),
        "events not with their card again": (int((after.reshape(count, 6) != pairs)[taken_back].sum()), 0),
        "pairs parted by mistake": (int((after.reshape(count, 6) != together)[~taken_back].sum()), 0),
    })  # fmt: skip
    extra = {
        "undone": len(winners),
        "undone_per_second": round(len(winners) / undo.seconds),
        "undo_cpu_seconds": undo.cpu,
    }
    return Figures("T8-merge", "merges", count, meter, None, 1_000, 5_000, wrong, "per_second", extra)
