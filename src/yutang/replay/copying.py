"""From the live pond into the scratch schema: rows travel in binary from one connection to the other, and are never looked at.

The live side is one read-only transaction: what it shows is of one instant, and it can change nothing. What is written here goes in
portions of some buckets each: a writing transaction, wherever it is, holds up whoever reads news in the live pond.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from itertools import islice
from typing import Any

import psycopg

from yutang.db.connect import connect
from yutang.db.queries import Query
from yutang.model import BUCKETS, Only

PORTION = 100_000
"""Rows, about, that travel in one transaction."""


BLOCKS = 500
"""Rows that are handed over at once: each comes by itself, and a write costs as much as reading several."""


@contextmanager
def live(url: str) -> Iterator[psycopg.Connection]:
    """The live pond at one instant, for reading alone."""
    with connect(url) as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        with conn.transaction():
            yield conn


def sampled(share: float) -> list[Only]:
    """The buckets of a sample: the first ones in the order of a hash, so that a person is in every sample that is large enough.
    A bucket holds every 1,024th person of those that came one after the other, so one is like another."""
    order = sorted(range(BUCKETS), key=lambda bucket: md5(f"sample:{bucket}".encode()).digest())
    chosen = sorted(order[: max(1, round(share * BUCKETS))])
    ends = [n for n, bucket in enumerate(chosen) if n + 1 == len(chosen) or chosen[n + 1] != bucket + 1]
    begins = [0, *(n + 1 for n in ends[:-1])]
    return [Only(chosen[n], chosen[m]) for n, m in zip(begins, ends, strict=True)]


def portions(parts: list[Only], rows: float) -> list[Only]:
    """The same buckets in as many cuts as about `rows` rows need."""
    buckets = sum(part.hi - part.lo + 1 for part in parts)
    most = max(1, math.ceil(buckets * PORTION / max(rows, 1.0)))
    return [Only(low, min(low + most - 1, part.hi)) for part in parts for low in range(part.lo, part.hi + 1, most)]


def pipe(
    source: psycopg.Connection, target: psycopg.Connection, table: str, query: Query, only: Only, **params: Any
) -> int:
    """Append what `query` finds in the live pond to a table of the replay, in one transaction; returns how many rows. `table`
    may name columns in brackets."""
    said = f"copy ({query.text(only)}) to stdout (format binary)"
    with source.cursor() as out, target.cursor() as into:
        with (
            out.copy(said, params | {"lo": only.lo, "hi": only.hi}) as rows,  # type: ignore[arg-type]
            into.copy(f"copy {table} from stdin (format binary)") as kept,  # type: ignore[arg-type]
        ):
            each = iter(rows)
            while blocks := b"".join(islice(each, BLOCKS)):
                kept.write(blocks)
        return into.rowcount
