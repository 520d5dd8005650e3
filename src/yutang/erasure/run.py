"""Erasing a person: one transaction over every part that keeps something, then as often as needed for what was under way."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
from psycopg import sql as text
from psycopg.types.json import Jsonb

from yutang import lake, users
from yutang.channels import erase as channels
from yutang.db.erase import Whom
from yutang.decide.erase import erase as decide
from yutang.deliver.erase import erase as deliver
from yutang.erasure.receipt import Receipt, receipt
from yutang.erasure.tables import TABLES
from yutang.erasure.whom import Found, again, find, sql
from yutang.identity.erase import erase as identity
from yutang.ingest.erase import erase as ingest
from yutang.journey.erase import erase as journey
from yutang.model import Counts
from yutang.offer.erase import erase as offer
from yutang.predict.erase import erase as predict
from yutang.profile.erase import erase as profile
from yutang.segment.erase import erase as segment
from yutang.users.erase import erase as console
from yutang.vault import Vault

Part = Callable[[psycopg.Connection, Whom], Counts]

PARTS: tuple[Part, ...] = (journey, decide, deliver, channels, offer, segment, predict, profile, identity, console)
"""In this order: a proposal goes before it can be judged, a verdict before it can be sent, and last who it was about."""
LEASE = timedelta(minutes=15)
"""Work that was claimed before is over by then: what a worker may still have to say has been said."""
TRIES = 5


def erase(conn: psycopg.Connection, vault: Vault, now: datetime, person_id: int, by: str, reason: str = "") -> Receipt:
    """Erase a person, with everybody merged into them, in one transaction. Again changes nothing, and gives the same receipt.

    by: who asked for it. reason: nothing personal; it is kept. Raises YutangError when there is no such person.
    """
    for attempt in range(TRIES):
        try:
            with conn.transaction():
                return _erase(conn, vault, now, person_id, by, reason)
        except psycopg.errors.DeadlockDetected:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _erase(conn: psycopg.Connection, vault: Vault, now: datetime, person_id: int, by: str, reason: str) -> Receipt:
    found = find(conn, vault, now, person_id, secrets.token_hex(16))
    holder = found.whom.holder
    if sql.erased(conn, person=holder).fetchone().yes:
        sql.reopen(conn, person=holder)
        return receipt(conn, holder)
    counts = _wipe(conn, found)
    _prove(conn, found)
    lake.erase(conn, now, [holder])
    users.note(conn, now, by, "erase", f"person/{holder}")
    kept = {table: n for table, n in sorted(counts.items()) if n}
    sql.note(conn, person=holder, numbers=len(found.whom.persons), now=now, by=by, reason=reason, counts=Jsonb(kept))
    return receipt(conn, holder)


def settle(conn: psycopg.Connection, now: datetime, limit: int = 100) -> int:
    """Erase what work under way at the moment of an erasure has written since. Returns how many rows that were.

    An erasure is settled when no statement runs that began before it, and every claim of that time is over.
    """
    rows = 0
    with conn.transaction():
        for row in sql.open(conn, limit=limit).fetchall():
            over = now >= row.at + LEASE and not sql.under_way(conn, xid=row.xid).fetchone().yes
            n = sum(_wipe(conn, again(conn, row.at, row.person_id, secrets.token_hex(16))).values())
            sql.swept(conn, rows=n, settled=over, now=now, erasure=row.erasure_id)
            rows += n
    return rows


def _wipe(conn: psycopg.Connection, found: Found) -> Counts:
    done = Counts()
    for part in PARTS:
        done.update(part(conn, found.whom))
    done.update(ingest(conn, found.whom, found.cases))
    return done


def _prove(conn: psycopg.Connection, found: Found) -> None:
    """Every table that is to be empty of them is asked; what is still there undoes the whole. Raises RuntimeError: a fault of ours."""
    tables = [table for table in TABLES if table.fate == "deleted"]
    asked = text.SQL(" union all ").join(
        text.SQL("select {} where exists (select from {} t where ").format(
            text.Literal(t.name), text.Identifier(t.name)
        )
        + text.SQL(t.found)
        + text.SQL(")")
        for t in tables
    )
    if left := [row[0] for row in conn.execute(asked, found.whom.params())]:
        raise RuntimeError(f"nothing was erased: rows would have stayed in {', '.join(left)}")
