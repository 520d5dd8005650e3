"""Looks at the installation and at accounts, each in a thread of its own; what they found stays until the next look."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakKeyDictionary

import psycopg

from yutang import doctor
from yutang.channels.platform import account
from yutang.channels.platform.checks import Finding
from yutang.web.edge import Edge
from yutang.web.pool import Pool

MACHINE = "machine"
"""What a look at the installation itself is kept under; an account's under its source."""


@dataclass
class Checkup:
    """One look. ended_at: None while it goes on."""

    begun_at: datetime
    findings: list[Finding] = field(default_factory=list)
    ended_at: datetime | None = None

    @property
    def wrong(self) -> int:
        return sum(1 for one in self.findings if one.fix)


_known: WeakKeyDictionary[Pool, dict[str, Checkup]] = WeakKeyDictionary()
_lock = threading.Lock()


def of(edge: Edge, what: str) -> Checkup | None:
    """The newest look, if this process has made one."""
    return _known.get(edge.pool, {}).get(what)


def begin(edge: Edge, what: str) -> Checkup:
    """Look now; one that goes on is not disturbed."""
    with _lock:
        known = _known.setdefault(edge.pool, {})
        if (going := known.get(what)) is not None and going.ended_at is None:
            return going
        known[what] = one = Checkup(edge.clock())
    threading.Thread(target=_look, args=(edge, what, one), name=f"checkup {what}", daemon=True).start()
    return one


def _look(edge: Edge, what: str, one: Checkup) -> None:
    try:
        with edge.pool.lend() as conn:
            for finding in _checks(edge, conn, what):
                one.findings.append(finding)
    except Exception as error:  # whatever it is, the page must say that the look has ended
        one.findings.append(
            Finding("检查 check", type(error).__name__, str(error).splitlines()[0] if str(error) else "—")
        )
    one.ended_at = edge.clock()


def _checks(edge: Edge, conn: psycopg.Connection, what: str) -> Iterator[Finding]:
    if what == MACHINE:
        for check in doctor.MACHINE:
            yield from check()
        yield from doctor.database(conn)
        yield from doctor.cluster(conn)
        yield from doctor.letters(conn, edge.clock())
        return
    kind, _, name = what.partition(":")
    if (found := account.one(conn, edge.vault, kind, name)) is not None:
        yield from doctor.account(conn, edge.vault, found, edge.clock)
