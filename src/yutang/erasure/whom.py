"""Everything by which a person's rows are found: numbers, handles in plain text, events, touches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from yutang.db.erase import Whom
from yutang.db.queries import Queries
from yutang.handles import BY_CODE, BY_NAME, handle_key
from yutang.identity.erase import Known, known
from yutang.ingest.erase import events_naming, parts_of, rejects_naming
from yutang.model import bucket_of
from yutang.vault import Vault

sql = Queries(__package__)


@dataclass(frozen=True)
class Handle:
    """kind: full, ``openid@wx1``. value: as it is shown; plain: in normal form, where it was sealed."""

    kind: str
    value: str
    plain: str = field(repr=False)


@dataclass(frozen=True)
class Found:
    """cases: events of open cases that may be about others too."""

    whom: Whom
    handles: list[Handle]
    cases: list[int]


def find(conn: psycopg.Connection, vault: Vault, now: datetime, person_id: int, salt: str = "") -> Found:
    """Inside a transaction, until whose end nobody is merged and no event becomes a fact. Raises YutangError when there is no
    such person."""
    who = known(conn, person_id)
    handles = [Handle(h.kind, h.value, vault.unseal_text(h.sealed) if h.sealed else h.value) for h in who.handles]
    keys, strong = _keys(who)
    names = sorted({handle.plain for handle in handles})
    parts = parts_of(names)
    touches = _touches(conn, who.persons)
    accounts = [row.account for row in sql.accounts(conn)]
    pairs = {(handle.kind, name) for handle in handles for name in (handle.plain, handle.value)}
    whom = Whom(
        now, who.holder, who.persons, keys, names, accounts, who.events, touches, rejects_naming(conn, vault, pairs, parts), salt
    )  # fmt: skip
    whom.events.extend(set(events_naming(conn, vault, whom, strong, who.low, parts)) - set(who.events))
    return Found(whom, handles, who.cases)


def again(conn: psycopg.Connection, at: datetime, holder: int, salt: str) -> Found:
    """Of somebody erased before: what their numbers alone still find."""
    who = known(conn, holder)
    keys, _ = _keys(who)
    whom = Whom(at, holder, who.persons, keys, events=who.events, touches=_touches(conn, who.persons), salt=salt)
    return Found(whom, [], who.cases)


def _keys(who: Known) -> tuple[list[UUID], list[UUID]]:
    """The keys of the handles and of the numbers; and those of them that say by themselves whose an event is."""
    numbers = [handle_key(b"", "person", BY_NAME["person"], str(person)) for person in who.persons]
    held: list[UUID] = [handle.key for handle in who.handles]
    return [*held, *numbers], [*_strong(held), *numbers]


def _strong(keys: Iterable[UUID]) -> list[UUID]:
    return [key for key in keys if BY_CODE[key.bytes[0]].strong]


def _touches(conn: psycopg.Connection, persons: list[int]) -> list[int]:
    about: dict[str, Any] = {"persons": persons, "buckets": sorted({bucket_of(person) for person in persons})}
    return [row.touch_id for row in sql.touches_of(conn, **about)]
