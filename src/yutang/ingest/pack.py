"""Events as rows of a binary COPY: one pass of joins, no Python object per column."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct

import psycopg

COLUMNS = "source, source_id, type, at, handles, keys, sealed, props"
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
MAX_KEYS = 20
_size = Struct(">i").pack
_fields = Struct(">h").pack
_numbered = Struct(">hii").pack
_time = Struct(">iq").pack
# Before the text of a jsonb stand its size and a version, 1. Neighbours are packed in one call: calls are what costs.
_json = Struct(">ib").pack
_time_and_json = Struct(">iqib").pack
_null_and_json = Struct(">iib").pack
_NULL = _size(-1)
_UUID = 2950
_NEXT_KEY = b"\0\0\0\x10"
_arrays = tuple(Struct(">iiiiii").pack(20 + 20 * n, 1, 0, _UUID, n, 1) + _NEXT_KEY for n in range(MAX_KEYS + 1))
"""What stands before the first key of an array of n."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 2000-01-01 UTC, PostgreSQL's own count."""
    return (at - _EPOCH) // _MICROSECOND


def row(
    source: str,
    source_id: str,
    type: str,
    at: int,
    handles: bytes,
    keys: list[bytes],
    sealed: bytes | None,
    props: bytes,
) -> bytes:
    """One row without its number; `at` from `micros`; handles, sealed and props are JSON text."""
    text = source_id.encode()
    if sealed is None:
        before_props = _null_and_json(-1, len(props) + 1, 1)
    else:
        before_props = _json(len(sealed) + 1, 1) + sealed + _json(len(props) + 1, 1)
    return b"".join((
        _name(source), _size(len(text)), text, _name(type), _time_and_json(8, at, len(handles) + 1, 1), handles,
        _arrays[len(keys)], _NEXT_KEY.join(keys), before_props, props,
    ))  # fmt: skip


@lru_cache(maxsize=4096)
def _name(text: str) -> bytes:
    """Sources and types: few, and in every row."""
    encoded = text.encode()
    return _size(len(encoded)) + encoded


def ids(row: bytes) -> tuple[str, str]:
    """Source and source id of a packed row."""
    end = 4 + int.from_bytes(row[:4], "big")
    size = int.from_bytes(row[end : end + 4], "big")
    return row[4:end].decode(), row[end + 4 : end + 4 + size].decode()


def append(conn: psycopg.Connection, rows: list[bytes], received_at: datetime, import_id: int | None) -> None:
    """Copy rows straight into the table of events. Raises UniqueViolation when one of them came before."""
    head, tail = _fields(10), _time(8, micros(received_at)) + (_NULL if import_id is None else _time(8, import_id))
    _copy(conn, f"event ({COLUMNS}, received_at, import_id)", [head, (tail + head).join(rows), tail])


def stage(conn: psycopg.Connection, rows: list[tuple[int, bytes]]) -> None:
    """Copy numbered rows into the stage table."""
    _copy(conn, f"pg_temp.event_stage (n, {COLUMNS})", [part for n, row in rows for part in (_numbered(9, 4, n), row)])


def _copy(conn: psycopg.Connection, target: str, parts: list[bytes]) -> None:
    with conn.cursor().copy(f"copy {target} from stdin (format binary)") as copy:  # type: ignore[arg-type]
        copy.write(b"".join([HEADER, *parts, TRAILER]))
