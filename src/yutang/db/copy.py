"""Whole columns in and out of PostgreSQL: COPY in binary form, packed and unpacked by NumPy, no Python per row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg

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


def copy_out(conn: psycopg.Connection, select: str, types: list[str], params: dict[str, Any]) -> list[np.ndarray]:
    """The columns of `select` as arrays of the machine's own types. No column may hold NULL."""
    with conn.cursor().copy(f"copy ({select}) to stdout (format binary)", params) as copy:  # type: ignore[arg-type]
        data = b"".join(bytes(part) for part in copy)
    rows = np.frombuffer(
        data, _row(types), offset=len(HEADER), count=(len(data) - len(HEADER) - 2) // _row(types).itemsize
    )
    values = [np.ascontiguousarray(rows[f"value{n}"]) for n in range(len(types))]
    return [v.astype(KEY if v.dtype == KEY else v.dtype.newbyteorder("=")) for v in values]
