"""Taking a join back. Events keep the handles they came with, so everything about a person can be derived again."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import psycopg

from yutang.db.copy import copy_in, fetch, fetch_keys
from yutang.db.cursor import hold
from yutang.identity.batch import BEGINNER, note_again, resolve_pairs, sql
from yutang.identity.graph import Batch
from yutang.model import YutangError


def split(conn: psycopg.Connection, now: datetime, person_id: int) -> tuple[int, int]:
    """Undo the latest merge of a person and keep the two apart from now on. Returns (winner, loser).

    Handles go back to whom they first belonged; events, and all that later stages made of them, are derived again.
    Raises YutangError when the person is unknown or nobody is merged with them.
    """
    with conn.transaction():
        hold(conn, "identity", "event")
        merge = sql.last_merge(conn, person=canonical(conn, person_id)).fetchone()
        if merge is None:
            raise YutangError(
                f"顾客 {person_id} 现在没有合并着的档案，没有可拆分的。 "
                f"nobody is merged with person {person_id} now; there is nothing to split"
            )
        if sql.has_past(conn, person=merge.winner_id).fetchone().yes:
            raise YutangError(
                f"顾客 {person_id} 不能拆分：鱼塘的 `[history] hot_days` 已过，部分历史只在数据湖里，已分不清是谁的。 "
                f"person {person_id} cannot be split: part of the history is in the lake alone since the pond's `[history] hot_days` "
                "passed, and nobody can tell any more whose it was"
            )
        sql.keep_apart(conn, a=merge.winner_id, b=merge.loser_id, now=now)
        derive_again(conn, now, [canonical(conn, merge.winner_id)])
        return merge.winner_id, merge.loser_id


def canonical(conn: psycopg.Connection, person_id: int) -> int:
    """The person that holds the facts of `person_id` today. Raises YutangError when there is no such person."""
    row = sql.canonical(conn, person=person_id).fetchone()
    if row is None:
        raise YutangError(f"没有顾客 {person_id}。 there is no person {person_id}")
    return row.person_id


def derive_again(conn: psycopg.Connection, now: datetime, persons: list[int]) -> None:
    """Take these persons apart into those they were made of, and resolve their events anew, without what was taken back. So are the events of
    others that carry handles of theirs: what forbade a join, or suggested one, may be gone or be somebody else's.

    The caller holds the resolver's lock.
    """
    members = [row.person_id for row in sql.members(conn, persons=persons)]
    note_again(conn, members)
    linked = sorted(row.event_id for row in sql.forget_links(conn, persons=members))
    events = linked + [row.event_id for row in sql.forget_suspected(conn, persons=members, reader=BEGINNER)]
    sql.forget_cases(conn, events=events)
    _give_handles_back(conn, members, events)
    sql.restore_persons(conn, persons=members)
    sql.undo_merges(conn, persons=members, now=now)
    resolve_pairs(conn, now, sql.pairs_of_events, sql.link_events, events=events)


def _give_handles_back(conn: psycopg.Connection, members: list[int], events: list[int]) -> None:
    """Each of them gets back the earliest handle that was theirs at first and that events of theirs still carry. Whose the others are, those
    events say anew: what one learnt while the two were joined was written down as the winner's."""
    event_ids, keys = fetch_keys(conn, sql.pairs_of_events.template, {"events": events})
    held, origin = fetch(conn, sql.origins.template, ["uuid", "int8"], {"persons": members})
    sql.forget_handles(conn, persons=members)
    if not len(event_ids):
        return
    batch = Batch.of(event_ids, keys)
    key, people = _earliest(batch, *_alive(batch, held, origin))
    columns = {"key": ("uuid", batch.keys[key]), "person_id": ("int8", people), "origin_id": ("int8", people)}
    copy_in(conn, "handle", columns | {"event_id": ("int8", batch.first_events[key])})


def _alive(batch: Batch, held: np.ndarray, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The held handles that some event of the batch carries, weak ones only where the first such event is still their first owner's:
    (key number in the batch, first owner) of each."""
    number = {key.tobytes(): n for n, key in enumerate(batch.keys)}
    key = np.array([number.get(key.tobytes(), -1) for key in held], np.int64)
    key, origin = key[key >= 0], origin[key >= 0]
    owner = np.zeros(len(batch.keys), np.int64)
    owner[key] = origin
    first = batch.anchors[np.searchsorted(batch.event_ids, batch.first_events)]
    stays = (batch.strong | (owner[first] == owner))[key]
    return key[stays], origin[stays]


def _earliest(batch: Batch, key: np.ndarray, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each first owner one handle: the one that their earliest event follows. Returns (key number, owner)."""
    order = np.lexsort((key, batch.first_events[key], origin))
    people, first = np.unique(origin[order], return_index=True)
    return key[order[first]], people
