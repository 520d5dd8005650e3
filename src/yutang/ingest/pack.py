"""Events as rows of a binary COPY: one pass of joins, no Python object per column."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
_NULL = _size(-1)
_UUID = 2950
_arrays = tuple(Struct(">iiiiii").pack(20 + 20 * n, 1, 0, _UUID, n, 1) + b"\0\0\0\x10" for n in range(MAX_KEYS + 1))
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
    a, b, c = source.encode(), source_id.encode(), type.encode()
    return b"".join((
        _size(len(a)), a, _size(len(b)), b, _size(len(c)), c, _time(8, at), _size(len(handles) + 1), b"\1", handles,
        _arrays[len(keys)], b"\0\0\0\x10".join(keys),
        _NULL if sealed is None else _size(len(sealed) + 1) + b"\1" + sealed, _size(len(props) + 1), b"\1", props,
    ))  # fmt: skip


def ids(row: bytes) -> tuple[str, str]:
    """Source and source id of a packed row."""
    end = 4 + int.from_bytes(row[:4], "big")
    size = int.from_bytes(row[end : end + 4], "big")
    return row[4:end].decode(), row[end + 4 : end + 4 + size].decode()


def append(conn: psycopg.Connection, rows: list[bytes], received_at: datetime, import_id: int | None) -> None:
    """Copy rows straight into the table of events. Raises UniqueViolation when one of them came before."""
    head, tail = _fields(10), _time(8, micros(received_at)) + (_NULL if import_id is None else _time(8, import_id))
    _copy(conn, f"event ({COLUMNS}, received_at, import_id)", [part for row in rows for part in (head, row, tail)])


def stage(conn: psycopg.Connection, rows: list[tuple[int, bytes]]) -> None:
    """Copy numbered rows into the stage table."""
    _copy(conn, f"pg_temp.event_stage (n, {COLUMNS})", [part for n, row in rows for part in (_numbered(9, 4, n), row)])


def _copy(conn: psycopg.Connection, target: str, parts: list[bytes]) -> None:
    with conn.cursor().copy(f"copy {target} from stdin (format binary)") as copy:  # type: ignore[arg-type]
        copy.write(b"".join([HEADER, *parts, TRAILER]))
