"""Taking refused events in again, after the cause has been mended: a source registered, a clock set right, a rule changed.

An event that enters leaves the list of refusals for good, so it is counted once, however often somebody asks. One that is refused
again stays there, with what is wrong with it now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg

from yutang import definitions
from yutang.ingest import loose
from yutang.ingest import mapping as columns
from yutang.ingest.door import Door, Parsed, admit, parse
from yutang.ingest.keys import Refusal
from yutang.ingest.mapping import Mapping, registrations
from yutang.ingest.readers import TYPED
from yutang.ingest.record import SAME, as_text, open_door, sql, store
from yutang.model import Reason
from yutang.vault import Vault

MOST = 1_000
"""Refusals that one call looks at."""
_ROW = re.compile(r"row (\d+):")


@dataclass
class Replayed:
    """What became of refusals: `accepted` and `duplicate` count events, `refused` refusals that stay; looked: how many refusals; last: the newest of them."""

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    last: int = 0
    looked: int = 0


def replay(
    conn: psycopg.Connection,
    vault: Vault,
    now: datetime,
    *,
    reason: Reason | None = None,
    one: int | None = None,
    after: int = 0,
    most: int = MOST,
) -> Replayed:
    """Take in again what was refused, the oldest first: all, those of a reason, or one by its number; beyond `after` only."""
    done = Replayed()
    with conn.transaction():
        rows = sql.refused(conn, reason=reason, one=one, after=after, limit=most).fetchall()
        door, zone = open_door(conn, vault, now), ZoneInfo(definitions.pond(conn)["time_zone"])
        rows.sort(key=lambda row: row.import_id or 0)
        for import_id, group in groupby(rows, key=lambda row: row.import_id):
            found = _import(conn, vault, import_id, zone)
            again = [(row, _parsed(door, vault.unseal(row.payload), row, found)) for row in group]
            _keep(conn, now, again, import_id, done)
        done.looked, done.last = len(rows), max((row.reject_id for row in rows), default=after)
    return done


def _import(
    conn: psycopg.Connection, vault: Vault, import_id: int | None, zone: ZoneInfo
) -> tuple[Mapping, str] | None:
    """How the rows of an import are read, and how ids of rows without one begin."""
    row = None if import_id is None else sql.mapping_of(conn, import_id=import_id).fetchone()
    if row is None:
        return None
    said, typed = row.mapping, Path(row.path).suffix.lower() in TYPED
    return Mapping(
        row.kind, said["columns"], said["source"], zone, row.started_at, registrations(vault), typed
    ), row.digest[:24]


def _parsed(door: Door, payload: bytes, row: Any, found: tuple[Mapping, str] | None) -> Parsed:
    """What a refusal holds: an event, a whole body, or a row of a file."""
    if found is not None:
        return _of_row(door, payload, row, *found)
    if payload.lstrip()[:1] == b"[":
        return parse(door, payload)
    parsed = Parsed(lambda _: payload)
    admit(door, parsed, 0, payload)
    return parsed


def _of_row(door: Door, payload: bytes, row: Any, mapping: Mapping, prefix: str) -> Parsed:
    parsed = Parsed(lambda _: payload)
    number = _ROW.match(row.detail)
    try:
        cells = msgspec.json.decode(payload, type=dict)
        if number is None or row.reason == Reason.FORMULA or "" in cells:
            raise Refusal(Reason(row.reason), row.detail)
        loose.check(mapping, cells)
        for event in columns.events(mapping, f"{prefix}:{number[1]}", cells):
            admit(door, parsed, 0, as_text(event))
    except Refusal as refusal:
        parsed.refuse(0, refusal)
    except (ValueError, RecursionError):
        parsed.refuse(0, Refusal(Reason.BAD_JSON, row.detail))
    return parsed


def _keep(
    conn: psycopg.Connection, now: datetime, again: list[tuple[Any, Parsed]], import_id: int | None, done: Replayed
) -> None:
    """Store what is sound; a refusal of which anything is still wrong stays whole."""
    sound = [(row, parsed) for row, parsed in again if not parsed.refused]
    events = [(row.reject_id, packed) for row, parsed in sound for packed in parsed.rows]
    outcome = store(conn, now, [packed for _, packed in events], import_id)
    reused = {events[n][0]: why for n, why in outcome.items() if why is not SAME}
    entered = [row.reject_id for row, _ in sound if row.reject_id not in reused]
    done.duplicate += sum(why is SAME for why in outcome.values())
    done.accepted += len(events) - len(outcome)
    wrong = [
        (row.reject_id, parsed.refused[0].answer.reason, parsed.refused[0].answer.detail, row)
        for row, parsed in again
        if parsed.refused
    ]
    wrong += [
        (row.reject_id, reused[row.reject_id].reason, reused[row.reject_id].detail, row)
        for row, _ in sound
        if row.reject_id in reused
    ]
    done.refused += len(wrong)
    sql.entered_again(conn, rejects=entered, now=now)
    sql.refused_again(
        conn,
        rejects=[reject for reject, *_ in wrong],
        reasons=[reason.value for _, reason, _, _ in wrong],
        details=[_said(detail, row) for *_, detail, row in wrong],
    )


def _said(detail: str, row: Any) -> str:
    """With the row of the file, by which it is found again."""
    number = _ROW.match(row.detail)
    return detail if number is None or _ROW.match(detail) else f"{number[0]} {detail}"
