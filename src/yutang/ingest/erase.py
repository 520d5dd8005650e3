"""Erasing people: their events keep their ids and nothing else; what was refused of them goes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import psycopg

from yutang.db.erase import Whom, wipe
from yutang.ingest.record import sql
from yutang.model import Counts
from yutang.vault import Vault

SHORTEST = 6
"""Characters from which a handle is looked for as such; a shorter one (a member's number) only where it stands as a handle."""
PHONE = 11
"""Digits of a phone number that are always written, with or without the country code."""


def erase(conn: psycopg.Connection, whom: Whom, cases: Sequence[int]) -> Counts:
    """Rows per table; see `yutang.erasure`. cases: events that may be about others, and name these people too."""
    done = wipe(conn, sql, ("erase_event", "erase_reject"), whom)
    params = whom.params() | {"cases": list(cases)}
    done["event"] += sql.erase_event__of_others(conn, **params).rowcount
    return done


def forget_events(conn: psycopg.Connection, events: Sequence[int]) -> None:
    """Empty events that came late and name somebody who was erased."""
    sql.erase_event(conn, events=list(events))


def events_naming(
    conn: psycopg.Connection, vault: Vault, whom: Whom, strong: Sequence[Any], low: str, parts: Collection[str]
) -> list[int]:
    """Events that are no facts about anybody yet, or never will be: those waiting from transaction `low` on, of imports that
    were undone, and what platforms called back. parts: what to look for in text that is sealed."""
    keys = {"keys": whom.keys, "strong": list(strong), "low": low}
    found = {row.event_id for row in sql.waiting_of(conn, **keys)}
    found |= {row.event_id for row in sql.undone_of(conn, **keys)}
    if whom.names:
        found |= {row.event_id for row in sql.callbacks_of(conn, names=whom.names)}
    if parts:
        sealed = sql.sealed_callbacks(conn)
        found |= {row.event_id for row in sealed if _holds(vault.unseal_text(row.sealed), parts)}
    return sorted(found)


def rejects_naming(
    conn: psycopg.Connection, vault: Vault, handles: Collection[tuple[str, str]], parts: Collection[str]
) -> list[int]:
    """Refused payloads that name somebody, by (kind, value) of an event's handles or by what stands anywhere in them. They are
    sealed, so every one is opened: about 100,000 a second."""
    if not handles and not parts:
        return []
    rows = sql.rejected_payloads(conn)
    return [row.reject_id for row in rows if _names(vault.unseal(bytes(row.payload)), set(handles), parts)]


def parts_of(names: Collection[str]) -> set[str]:
    """What to look for in a text, of values in their normal form."""
    digits = {name[-PHONE:] for name in names if name.startswith("+") and name[1:].isdigit() and len(name) > PHONE}
    return digits | {name for name in names if len(name) >= SHORTEST and not name.startswith("+")}


def _names(payload: bytes, handles: set[tuple[str, str]], parts: Collection[str]) -> bool:
    text = payload.decode("utf-8", "replace")
    return _holds(text, parts) or any(pair in handles for pair in _handles(payload))


def _holds(text: str, parts: Collection[str]) -> bool:
    plain = text.replace("-", "").replace(" ", "")
    return any(part in text or part in plain for part in parts)


def _handles(payload: bytes) -> set[tuple[str, str]]:
    """Of an event, or a list of them; none of what is neither."""
    try:
        body = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return set()
    events = body if isinstance(body, list) else [body]
    found = [event["handles"] for event in events if isinstance(event, dict) and isinstance(event.get("handles"), dict)]
    return {(kind, value) for handles in found for kind, value in handles.items() if isinstance(value, str)}
