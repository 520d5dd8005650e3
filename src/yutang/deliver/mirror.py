"""What platforms are to show of a person's tags: told to each channel that knows the person by an address of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import psycopg
import structlog

from yutang.channels.contract import Channel, Wish
from yutang.db.cursor import END, Reader, windows
from yutang.db.queries import Queries
from yutang.model import EVERYBODY

sql = Queries(__package__)
TAGGING = Reader("deliver.tagging", "tagging")
log = structlog.get_logger()


def mirror(conn: psycopg.Connection, now: datetime, channels: Iterable[Channel]) -> int:
    """Tell the channels who has got or lost a tag since the last time, or has only now become somebody's contact.

    Returns how many wishes there were. One channel that fails holds the step back, and all of it is tried again.
    """
    # By source, so that two workers take the accounts' locks in one order.
    takers = sorted((one for one in channels if one.handle and one.source), key=lambda one: one.source or "")
    if not takers:
        return 0
    try:
        with conn.transaction():
            # Without news too: a tag may run out.
            (w,) = windows(conn, EVERYBODY, TAGGING)
            rows = _tagged(conn, now, takers, w.low, w.high)
            _keep_ends(conn, rows)
            return _tell(conn, now, takers, rows)
    except psycopg.OperationalError:
        raise
    except Exception:
        log.exception("tags could not be told to the channels; they are told again")
        return 0


def mirror_again(conn: psycopg.Connection, now: datetime, channel: Channel, tags: Sequence[str]) -> int:
    """Tell one channel of everybody who ever had one of these tags, because from now on it is to show them.

    Returns how many wishes there were.
    """
    if not channel.handle:
        return 0
    with conn.transaction():
        return _tell(conn, now, [channel], _tagged(conn, now, [channel], "0", END, list(tags)))


def _tagged(
    conn: psycopg.Connection, now: datetime, channels: Sequence[Channel], low: str, high: str, tags: list[str] | None = None
) -> list[Any]:  # fmt: skip
    kinds = [channel.handle for channel in channels]
    return sql.tagged(conn, now=now, low=low, high=high, kinds=kinds, tags=tags).fetchall()


def _keep_ends(conn: psycopg.Connection, rows: Sequence[Any]) -> None:
    """Remember when tags run out, for no event will say so."""
    ends = {(r.bucket, r.person_id, r.tag): r.ends_at for r in rows if r.wanted and r.ends_at is not None}
    if ends:
        sql.keep_ends(
            conn, buckets=[k[0] for k in ends], persons=[k[1] for k in ends], tags=[k[2] for k in ends], ats=[*ends.values()]
        )  # fmt: skip


def _tell(conn: psycopg.Connection, now: datetime, channels: Sequence[Channel], rows: Sequence[Any]) -> int:
    wishes: dict[str, list[Wish]] = defaultdict(list)
    for row in rows:
        wishes[row.kind].append(Wish(row.address, row.tag, row.wanted))
    for channel in channels:
        if found := wishes.get(channel.handle or ""):
            channel.mirror(conn, now, found)
    return len(rows)
