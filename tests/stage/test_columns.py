"""Whole columns in and out of the database: what goes in as an array comes out as one."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest

from yutang.db.copy import KEY, fetch, fetch_keys
from yutang.identity.graph import Batch

EDGES = [
    bytes(16),
    b"\xff" * 16,
    b"\x01" + bytes(15),
    bytes(15) + b"\x01",
    bytes(3) + b"\x80" + bytes(12),
    b"\x7f" * 16,
]


def keys(*raw: bytes) -> np.ndarray:
    return np.frombuffer(b"".join(raw), KEY)


@pytest.mark.parametrize("values", [[], [0], [-(2**63), 2**63 - 1, 7]])
def test_numbers_go_in_and_out_as_they_are(conn: psycopg.Connection, values: list[int]) -> None:
    numbers = np.array(values, np.int64)
    (found,) = fetch(conn, "select unnest(%(n)s::bigint[])", ["int8"], {"n": numbers})
    assert found.tolist() == values


@pytest.mark.parametrize("values", [[], EDGES[:1], EDGES])
def test_keys_go_in_and_out_as_they_are(conn: psycopg.Connection, values: list[bytes]) -> None:
    (found,) = fetch(conn, "select unnest(%(k)s::uuid[])", ["uuid"], {"k": keys(*values)})
    assert [key.tobytes() for key in found] == values


def test_a_statement_takes_one_kind_of_array_after_the_other(conn: psycopg.Connection) -> None:
    for values in (np.arange(3), keys(*EDGES), np.arange(0), keys()):
        row = conn.execute("select cardinality(%s) as n", (values,)).fetchone()
        assert row is not None
        assert (row.n or 0) == len(values)


def test_arrays_of_keys_come_apart_where_they_were_joined(conn: psycopg.Connection) -> None:
    said = {5: EDGES[:1], 3: EDGES, 9: EDGES[2:5]}
    rows = " union all ".join(f"select {n}::bigint, %({n})s::uuid[]" for n in said)
    number, key = fetch_keys(conn, rows, {str(n): keys(*each) for n, each in said.items()})
    found: dict[int, list[bytes]] = {}
    for n, each in zip(number.tolist(), key, strict=True):
        found.setdefault(n, []).append(each.tobytes())
    assert found == said


def test_no_arrays_of_keys_are_no_pairs(conn: psycopg.Connection) -> None:
    number, key = fetch_keys(conn, "select 1::bigint, array[]::uuid[] where false", {})
    assert (len(number), len(key), number.dtype, key.dtype) == (0, 0, np.int64, KEY)


def test_a_batch_numbers_its_keys_in_the_order_of_the_directory(conn: psycopg.Connection) -> None:
    said = [*EDGES, EDGES[2], EDGES[0]]
    batch = Batch.of(np.arange(len(said)), keys(*said))
    (ordered,) = fetch(conn, "select distinct k from unnest(%(k)s::uuid[]) k order by k", ["uuid"], {"k": keys(*said)})
    assert batch.keys.tobytes() == ordered.tobytes()
    assert batch.places(batch.keys[::2]).tolist() == list(range(len(batch.keys)))[::2]
    assert batch.keys[batch.key].tobytes() == b"".join(said)


def test_the_keys_of_a_batch_are_numbered_in_the_order_of_the_directory() -> None:
    alike = [b"\x01" + bytes(7) + bytes([n]) * 8 for n in (3, 1, 3, 2, 1)]
    for raw in ([], EDGES[:1], EDGES + EDGES, alike, [*EDGES, *alike]):
        batch = Batch.of(np.arange(len(raw)), keys(*raw))
        assert [key.tobytes() for key in batch.keys] == sorted(set(raw))
        assert [batch.keys[n].tobytes() for n in batch.key] == raw
