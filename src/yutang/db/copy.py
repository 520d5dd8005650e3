"""Whole columns in and out of PostgreSQL in binary form, packed and unpacked by NumPy: no Python per row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
from psycopg.rows import tuple_row

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
KEY = np.dtype("V16")
"""A uuid as sixteen bytes."""
_WIRE = {
    "int2": np.dtype(">i2"),
    "int4": np.dtype(">i4"),
    "int8": np.dtype(">i8"),
    "timestamptz": np.dtype(">i8"),
    "uuid": KEY,
}
_ARRAY_HEAD = 20
"""Bytes before an array's elements: dimensions, flags, type, length, lower bound."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def micros(at: datetime) -> int:
    """An instant as PostgreSQL's wire counts it: microseconds since 2000."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def _row(types: list[str]) -> np.dtype:
    """One row on the wire: a count of fields, then a length and a value for each."""
    fields: list[tuple[str, Any]] = [("fields", ">i2")]
    for n, name in enumerate(types):
        fields += [(f"length{n}", ">i4"), (f"value{n}", _WIRE[name])]
    return np.dtype(fields)


def copy_in(conn: psycopg.Connection, target: str, columns: dict[str, tuple[str, Any]]) -> int:
    """Append rows to `target` from ``{column: (type, values)}``; types are int2, int4, int8, timestamptz (see `micros`), uuid. A scalar stands for every row.
    Returns the count."""
    types = [kind for kind, _ in columns.values()]
    count = max(np.size(values) for _, values in columns.values())
    rows = np.zeros(count, _row(types))
    rows["fields"] = len(types)
    for n, (kind, values) in enumerate(columns.values()):
        rows[f"length{n}"] = _WIRE[kind].itemsize
        rows[f"value{n}"] = values
    with conn.cursor().copy(f"copy {target} ({', '.join(columns)}) from stdin (format binary)") as copy:  # type: ignore[arg-type]
        copy.write(HEADER + rows.tobytes() + TRAILER)
    return count


def fetch(conn: psycopg.Connection, select: str, types: list[str], params: dict[str, Any]) -> list[np.ndarray]:
    """The columns of `select` as arrays of the machine's own types. No column may hold NULL.

    Each column travels as one binary array: COPY would hand every row to Python by itself.
    """
    names = [f"c{n}" for n in range(len(types))]
    sends = ", ".join(f"array_send(array_agg(q.{name}))" for name in names)
    cursor = conn.cursor(binary=True, row_factory=tuple_row)
    row = cursor.execute(f"select {sends} from ({select}) q ({', '.join(names)})", params).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return [_unpacked(data, _WIRE[kind]) for data, kind in zip(row, types, strict=True)]


def _unpacked(data: bytes | None, wire: np.dtype) -> np.ndarray:
    """The elements of a one-dimensional array as PostgreSQL sends it; None is the empty one."""
    element = np.dtype([("length", ">i4"), ("value", wire)])
    values = np.frombuffer(data, element, offset=_ARRAY_HEAD)["value"] if data else np.empty(0, wire)
    return np.ascontiguousarray(values).astype(KEY if wire == KEY else wire.newbyteorder("="))
