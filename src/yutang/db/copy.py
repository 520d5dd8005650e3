"""Whole columns in and out of PostgreSQL in binary form, packed and unpacked by NumPy: no Python per row."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
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
_ARRAYS = {KEY.str: ("uuid", 2950, 2951), np.dtype("i8").str: ("int8", 20, 1016)}
"""Arrays that may be parameters, by their NumPy type: type, its number and the number of its array in PostgreSQL's catalogue."""
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


class Column(Dumper):
    """A NumPy array of KEY or int64 as a parameter: one binary array."""

    format = Format.BINARY

    def get_key(self, obj: np.ndarray, format: Any) -> Any:  # noqa: ARG002
        return (self.cls, obj.dtype.str)

    def upgrade(self, obj: np.ndarray, format: Any) -> Column:  # noqa: ARG002
        dumper = Column(self.cls, self.connection)
        dumper.oid = _ARRAYS[obj.dtype.str][2]
        return dumper

    def dump(self, obj: np.ndarray) -> bytes:
        kind, number, _ = _ARRAYS[obj.dtype.str]
        elements = np.empty(len(obj), [("length", ">i4"), ("value", _WIRE[kind])])
        elements["length"], elements["value"] = _WIRE[kind].itemsize, obj
        shape = (len(obj), 1) if len(obj) else ()
        return struct.pack(f">iiI{len(shape)}i", bool(shape), 0, number, *shape) + elements.tobytes()


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


def fetch_keys(conn: psycopg.Connection, select: str, params: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """(number, key) for each key of a `select` of numbers and arrays of keys. No array may be empty.

    The arrays travel as they are, one behind the other: taking them apart there would cost more than here.
    """
    numbers = f"select array_send(array_agg(q.n)), string_agg(array_send(q.keys), '') from ({select}) q (n, keys)"
    row = conn.cursor(binary=True, row_factory=tuple_row).execute(numbers, params).fetchone()  # type: ignore[arg-type]
    assert row is not None
    element = np.dtype([("length", ">i4"), ("value", KEY)])
    # An array's head is as long as one of its elements. It begins with its dimensions, 1; an element with its bytes, 16.
    parts = np.frombuffer(row[1] or b"", element)
    is_key = parts["length"] == KEY.itemsize
    lengths = np.diff(np.append(np.flatnonzero(~is_key), len(parts))) - 1
    return np.repeat(_unpacked(row[0], _WIRE["int8"]), lengths), np.ascontiguousarray(parts["value"][is_key])


def _unpacked(data: bytes | None, wire: np.dtype) -> np.ndarray:
    """The elements of a one-dimensional array as PostgreSQL sends it; None is the empty one."""
    element = np.dtype([("length", ">i4"), ("value", wire)])
    values = np.frombuffer(data, element, offset=_ARRAY_HEAD)["value"] if data else np.empty(0, wire)
    return np.ascontiguousarray(values).astype(KEY if wire == KEY else wire.newbyteorder("="))
