"""When people were there, and what was sent to them and answered, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import psycopg

from yutang.db.queries import Queries
from yutang.model import BUCKETS, Only
from yutang.predict.reach.answers import ANSWER_HOURS, Sent
from yutang.predict.reach.hours import Visits
from yutang.segment.transport import columns

sql = Queries(__package__)
PRESENT = (
    "ordered", "viewed", "scanned", "located", "message_received", "coupon_redeemed", "red_packet_claimed", "registered", "followed",
    "contact_added", "group_joined", "grant_given",
)  # fmt: skip
"""What tells that a person was there, of their own accord."""
ANSWERS = ("message_opened", "message_clicked", "message_replied")
CLASSES = ("service", "companion", "marketing")
PAST = timedelta(days=400)
"""What is older tells nothing of today's hours, and may lie in the lake alone."""
PART = 64
"""Buckets that are read at once."""
MOST_PEOPLE = 50_000
"""Of more people, so many are asked in the back-test and tell the pond's hours."""


@dataclass(frozen=True)
class Some:
    """The visits of the people of some buckets, and their ids by index."""

    visits: Visits
    ids: np.ndarray


def parts(conn: psycopg.Connection, since: datetime, until: datetime, zone: str) -> Iterator[Some]:
    """Everybody's visits in ``since <= at < until``, some buckets at a time."""
    for lo in range(0, BUCKETS, PART):
        person, hour = columns(
            conn, sql.visits, "qi", Only(lo, lo + PART - 1), zone=zone, events=list(PRESENT), since=since, until=until
        )
        ids, index = np.unique(person, return_inverse=True)
        yield Some(Visits.of(len(ids), index, hour.astype(np.int64)), ids)


def joined(some: list[Some]) -> Some:
    """Several parts as one; nobody is in two of them."""
    first = np.cumsum([0, *(len(one.ids) for one in some)])
    person = np.concatenate([one.visits.person + at for one, at in zip(some, first[:-1], strict=True)])
    visits = Visits(int(first[-1]), person, np.concatenate([one.visits.hour for one in some]))
    return Some(visits, np.concatenate([one.ids for one in some]))


def sent(conn: psycopg.Connection, since: datetime, now: datetime) -> Sent:
    """What was sent from `since` on, but for the last 72 hours before `now`, in the order of time."""
    names = [row.channel for row in sql.channels(conn, since=since)]
    person, at, touch, channel, kind, answered = columns(
        conn, sql.touches, "qqqiii", now=now, since=since, span=timedelta(hours=ANSWER_HOURS), events=list(ANSWERS), channels=names,
        classes=list(CLASSES),
    )  # fmt: skip
    order = np.lexsort((touch, at))
    return Sent(
        tuple(names),
        CLASSES,
        person[order],
        channel[order].astype(np.int64),
        kind[order].astype(np.int64),
        answered[order] > 0,
    )
