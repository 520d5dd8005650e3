"""Writing events, many in one transaction: one COPY, and where some came before, one INSERT that skips them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import accumulate, chain
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.handles import BY_NAME, hasher
from yutang.ingest import pack
from yutang.ingest.door import AHEAD, OURS, Door, Parsed, Refused, Rejected, parse, parse_parts
from yutang.ingest.keys import Refusal
from yutang.model import Reason
from yutang.vault import Vault

sql = Queries("yutang.ingest")
SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}")
"""What a person may call a source."""
_person_key = hasher(b"", "person", BY_NAME["person"])
TRIES = 5

# Each connection has its own; emptied first, because a transaction may come here twice.
STAGE = """
create temporary table if not exists event_stage (
    n int, source text, source_id text, type text, at timestamptz, handles jsonb, keys uuid[], sealed jsonb, props jsonb
) on commit delete rows;
delete from pg_temp.event_stage
"""

SAME = Refusal(Reason.DUPLICATE, "")
REUSED = Refusal(
    Reason.ID_REUSED,
    "id: 这个编号已用于内容不同的事件，请换一个新编号，先到的事件保留。 "
    "came before with other content; give a new id, the first event stays",
)


class Answer(msgspec.Struct, frozen=True):
    """What became of a call's events: how many entered, how many were there before, and which were refused."""

    accepted: int
    duplicate: int
    rejected: list[Rejected]


def record(
    conn: psycopg.Connection, vault: Vault, now: datetime, body: bytes | list[Any], *, import_id: int | None = None
) -> Answer:
    """Take in events: the bytes of a JSON array (at most 1,000 events), or a list of plain event dicts (any number).

    Whatever is wrong with an event is in the answer, never an exception. Raises psycopg.Error when the database fails.
    """
    door = open_door(conn, vault, now)
    return keep(conn, now, vault, [read(door, body)], import_id)[0]


def open_door(conn: psycopg.Connection, vault: Vault, now: datetime) -> Door:
    """The rules in force now."""
    pond = definitions.pond(conn)
    earliest = datetime.fromisoformat(pond["earliest"]).replace(tzinfo=ZoneInfo(pond["time_zone"])).astimezone(UTC)
    if edge := sql.edge(conn).fetchone():
        earliest = max(earliest, edge.before)
    names = frozenset(row.name for row in sources(conn) if row.name != OURS and row.closed_at is None)
    return Door(vault, names, pack.micros(earliest), pack.micros(now) + AHEAD)


def read(door: Door, body: bytes | list[Any]) -> Parsed:
    """What a body holds; see `record`."""
    if isinstance(body, list):
        return parse_parts(door, [as_text(event) for event in body])
    return parse(door, body)


def as_text(event: Any) -> bytes:
    """An event as JSON text; what JSON cannot say becomes text that the door refuses."""
    try:
        return msgspec.json.encode(event)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return repr(event).encode("utf-8", "backslashreplace")


def keep(
    conn: psycopg.Connection, now: datetime, vault: Vault, calls: list[Parsed], import_id: int | None
) -> list[Answer]:
    """Store what several calls hold in one transaction, and answer each."""
    starts = [0, *accumulate(len(call.rows) for call in calls)]
    outcomes: list[dict[int, Refusal]] = [{} for _ in calls]
    with conn.transaction():
        rows = list(chain.from_iterable(call.rows for call in calls))
        for n, why in store(conn, now, rows, import_id).items():
            call = bisect_right(starts, n) - 1
            outcomes[call][n - starts[call]] = why
        answers = [_answer(call, outcome) for call, outcome in zip(calls, outcomes, strict=True)]
        _reject(conn, now, vault, [refused for call in calls for refused in call.refused], import_id)
    return answers


def _answer(call: Parsed, not_stored: dict[int, Refusal]) -> Answer:
    """Count one call's outcome; what the database refused joins what the door refused."""
    duplicate = 0
    for position, refusal in not_stored.items():
        if refusal is SAME:
            duplicate += 1
        else:
            call.refuse(call.indexes[position], refusal, pack.ids(call.rows[position]))
    rejected = sorted((refused.answer for refused in call.refused), key=lambda r: r.index or 0)
    return Answer(len(call.rows) - len(not_stored), duplicate, rejected)


def store(
    conn: psycopg.Connection, now: datetime, rows: list[bytes], import_id: int | None = None
) -> dict[int, Refusal]:
    """Insert packed rows; returns the positions that were not inserted and why. Inside a transaction."""
    return _store(conn, now, list(enumerate(rows)), import_id) if rows else {}


def _store(
    conn: psycopg.Connection, now: datetime, rows: list[tuple[int, bytes]], import_id: int | None
) -> dict[int, Refusal]:
    """What PostgreSQL refuses in spite of the checks is found by halving, so that one row never spoils the others."""
    try:
        return _insert(conn, now, rows, import_id)
    except psycopg.Error as error:
        if not _is_about_data(error):
            raise
        if len(rows) == 1:
            detail = (
                f"数据库存不下这些值（{error.sqlstate}），请换成更简单的值。 "
                f"the database cannot keep it ({error.sqlstate}); send plainer values"
            )
            return {rows[0][0]: Refusal(Reason.BAD_SHAPE, detail)}
        half = len(rows) // 2
        return _store(conn, now, rows[:half], import_id) | _store(conn, now, rows[half:], import_id)


def _is_about_data(error: psycopg.Error) -> bool:
    """Data exception, integrity, or a limit of the server: the row is at fault, not the connection."""
    return (error.sqlstate or "")[:2] in ("22", "23", "54")


def _insert(
    conn: psycopg.Connection, now: datetime, rows: list[tuple[int, bytes]], import_id: int | None
) -> dict[int, Refusal]:
    """Two writers with the same ids in another order may block each other; the loser goes again."""
    for attempt in range(TRIES):
        try:
            return _insert_once(conn, now, rows, import_id)
        except psycopg.errors.DeadlockDetected:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _insert_once(
    conn: psycopg.Connection, now: datetime, rows: list[tuple[int, bytes]], import_id: int | None
) -> dict[int, Refusal]:
    """Events are usually new and go straight in, at two thirds of the cost; only a repeat takes the way round."""
    try:
        with conn.transaction():
            pack.append(conn, [row for _, row in rows], now, import_id)
            return {}
    except psycopg.errors.UniqueViolation:
        with conn.transaction():
            return _insert_new(conn, now, rows, import_id)


def _insert_new(
    conn: psycopg.Connection, now: datetime, rows: list[tuple[int, bytes]], import_id: int | None
) -> dict[int, Refusal]:
    """Insert what is new by way of the stage table; the rest is a duplicate or has its id from another event."""
    conn.execute(STAGE)
    pack.stage(conn, rows)
    done = sql.insert(conn, now=now, import_id=import_id).fetchone()
    assert done is not None
    return {row.n: SAME if row.same else REUSED for row in sql.repeats(conn, first=done.first)}


def _reject(
    conn: psycopg.Connection, now: datetime, vault: Vault, refused: list[Refused], import_id: int | None
) -> None:
    if refused:
        sql.reject(
            conn,
            now=now,
            import_id=import_id,
            sources=[r.source for r in refused],
            source_ids=[r.source_id for r in refused],
            reasons=[r.answer.reason.value for r in refused],
            details=[r.answer.detail for r in refused],
            payloads=[vault.seal(r.payload) for r in refused],
        )


def follow_up(
    conn: psycopg.Connection, now: datetime, events: Iterable[tuple[str, str, int, datetime, dict[str, Any]]]
) -> int:
    """Record what Yutang itself did: (source_id, type, person_id, at, props) each. Returns how many are new.

    The same source_id again changes nothing. Works inside the caller's transaction.
    """
    rows = [_follow_up_row(*event) for event in events]
    return len(rows) - len(store(conn, now, rows))


def name_both(
    conn: psycopg.Connection, now: datetime, source_id: str, type: str, persons: tuple[int, int], props: dict[str, Any]
) -> None:
    """Record something that is about two persons at once, who become one by it unless something forbids that."""
    store(conn, now, [_follow_up_row(source_id, type, persons[0], now, props, persons)])


def _follow_up_row(
    source_id: str, type: str, person_id: int, at: datetime, props: dict[str, Any], named: tuple[int, ...] = ()
) -> bytes:
    handles = b'{"person":"%d"}' % person_id
    keys = [_person_key(str(person)) for person in named or (person_id,)]
    return pack.row(OURS, source_id, type, pack.micros(at), handles, keys, None, msgspec.json.encode(props))


def add_source(conn: psycopg.Connection, now: datetime, name: str, title: str) -> None:
    """Register where events may come from; the same name again changes its title, and opens what was closed."""
    sql.add_source(conn, name=name, title=title, now=now)


def close_sources(conn: psycopg.Connection, now: datetime, names: Sequence[str]) -> list[str]:
    """Take nothing in from these any more, but for our own; what came stays. Returns those that were open."""
    return [row.name for row in sql.close_sources(conn, names=[name for name in names if name != OURS], now=now)]


def sources(conn: psycopg.Connection) -> list[Any]:
    """The registered sources by name: rows (name, title, at, closed_at)."""
    return sql.sources(conn).fetchall()
