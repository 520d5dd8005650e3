"""Everything that is kept of a person, as one JSON document that is written as it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg import sql as text

from yutang.erasure.tables import ASKED, Table
from yutang.erasure.whom import Found, find
from yutang.vault import Vault

VERSION = 1
HIDDEN = ("bucket", "xid", "keys", "key", "sealed", "claimed_by", "payload", "token", "mark")
"""Columns that say nothing to a person: how rows are stored and found, and what is encrypted (which `handles` shows in plain)."""
BATCH = 500


@dataclass(frozen=True)
class Export:
    """Whom it is about, and the document in pieces."""

    person_id: int
    parts: Iterator[bytes] = field(repr=False)


def export(conn: psycopg.Connection, vault: Vault, now: datetime, person_id: int, *, plain: bool = False) -> Export:
    """What is kept of a person, table by table in the tables' own names, under ``tables``; empty ones are left out.

    plain: phone numbers and addresses as they are, not masked. Rows are read as the document is written, in one transaction.
    Raises YutangError when there is no such person.
    """
    with conn.transaction():
        found = find(conn, vault, now, person_id)
    return Export(found.whom.holder, _document(conn, vault, now, found, plain))


def _document(conn: psycopg.Connection, vault: Vault, now: datetime, found: Found, plain: bool) -> Iterator[bytes]:
    encode = msgspec.json.encode
    head = {
        "format": "yutang person", "version": VERSION, "at": now, "person_id": found.whom.holder, "numbers": found.whom.persons,
        "handles": [{"kind": h.kind, "value": h.plain if plain else h.value} for h in found.handles],
    }  # fmt: skip
    yield encode(head)[:-1] + b',"tables":{'
    comma = b""
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read read only")
        for table in ASKED:
            for n, row in enumerate(_rows(conn, vault, table, found)):
                yield (comma + encode(table.name) + b":[" if n == 0 else b",") + b"\n" + encode(row)
                comma = b"],\n"
    yield b"]}}\n" if comma else b"}}\n"


def _rows(conn: psycopg.Connection, vault: Vault, table: Table, found: Found) -> Iterator[dict[str, Any]]:
    query = text.SQL("select to_jsonb(t) as row from {} t where ").format(text.Identifier(table.name))
    with conn.cursor(name="person_export") as cursor:
        cursor.itersize = BATCH
        cursor.execute(query + text.SQL(table.found), found.whom.params())  # type: ignore[arg-type]
        for record in cursor:
            row: dict[str, Any] = record[0]
            said = {name: value for name, value in row.items() if name not in HIDDEN}
            if table.name == "reject":
                said["payload"] = vault.unseal(bytes.fromhex(row["payload"][2:])).decode("utf-8", "replace")
            yield _own(said, found)


def _own(row: dict[str, Any], found: Found) -> dict[str, Any]:
    """Of a row that names many, this one alone."""
    mine = set(found.whom.persons)
    if isinstance(row.get("persons"), list):
        return (
            row
            | {"persons": [person for person in row["persons"] if person in mine]}
            | {name: None for name in ("causes", "moves", "touch_ids", "until") if isinstance(row.get(name), list)}
        )
    return row
