"""A walk through everything that WeCom shows: at first to know it, every night to find what callbacks have not told.

Each step asks a few questions and writes down, with what it learned, where to go on: so a walk that was killed goes on
from there. What is found is folded in as callbacks are, and tells the same facts under the same keys.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import structlog
from psycopg.types.json import Jsonb

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import Later, PlatformError, Unknown
from yutang.channels.wecom.desk import Desk
from yutang.channels.wecom.sync.phases import NO_STAFF, OPTIONAL, PHASES, Kind, Step, Walk, take_range
from yutang.db.queries import Queries

sql = Queries(__package__)
log = structlog.get_logger()

LEASE = timedelta(seconds=120)
PAUSE = timedelta(seconds=60)
"""After a failure of the platform."""
NIGHT = 3
"""The hour, in the brand's time zone, from which the nightly walk is due."""
CHINA = "Asia/Shanghai"
OVERDUE = timedelta(hours=24)


@dataclass(frozen=True)
class Progress:
    """How far the newest walk is: relations, groups and codes seen, of about `total`. ended_at: None while it goes on."""

    kind: Kind
    phase: str
    done: int
    total: int
    started_at: datetime
    ended_at: datetime | None
    error: str | None


def begin(conn: psycopg.Connection, now: datetime, account: Account, kind: Kind) -> bool:
    """Begin a walk, unless one is under way; `tend` walks it. False when one is."""
    phase = next(iter(PHASES))
    return sql.begin_sync(conn, account=account.source, kind=kind, phase=phase, now=now).rowcount > 0


def due(conn: psycopg.Connection, now: datetime, account: Account, zone: str = CHINA) -> Kind | None:
    """The walk that is to begin now: the first one ever, and one a night, when it is past three in the brand's zone."""
    last = sql.last_sync(conn, account=account.source).fetchone()
    if last is None:
        return "full"
    if last.ended_at is None:
        return None
    here = now.astimezone(ZoneInfo(zone))
    night = here.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    night = night if night <= here else night - timedelta(days=1)
    return "nightly" if last.started_at < night or now - last.started_at > OVERDUE else None


def progress(conn: psycopg.Connection, account: Account) -> Progress | None:
    """None when there was never a walk."""
    row = sql.last_sync(conn, account=account.source).fetchone()
    if row is None:
        return None
    return Progress(row.kind, row.phase, row.done, max(row.done, row.total), row.started_at, row.ended_at, row.error)


def step(desk: Desk) -> bool:
    """One step of the walk under way. False when there is none, or somebody else is taking it, or it must wait."""
    now = desk.clock()
    row = sql.claim_sync(desk.conn, account=desk.source, now=now, until=now + LEASE).fetchone()
    if row is None:
        return False
    walk = Walk(desk, row.run_id, row.kind, row.phase, row.cursor, row.started_at, now + LEASE)
    try:
        taken = PHASES[walk.phase](walk)
        _go_on(walk, taken)
    except Later as later:
        _rest(walk, later, later.until, walk.cursor)
    except psycopg.OperationalError:
        raise
    except Exception as error:
        if _may_skip(walk.phase, error):
            _go_on(walk, Step(None))
            return True
        _failed(walk, error)
    else:
        return True
    return False


def _may_skip(phase: str, error: Exception) -> bool:
    """What an app may lack the right to see, and nothing else hangs on."""
    return phase in OPTIONAL and isinstance(error, PlatformError) and error.sort in ("config", "bug")


def _failed(walk: Walk, error: Exception) -> None:
    """Again in a while. A cursor may have grown too old: its part begins anew, and what is seen twice changes nothing."""
    desk, known = walk.desk, isinstance(error, PlatformError | Unknown)
    if not known:
        log.error("a step of a walk failed", account=desk.source, phase=walk.phase, exc_info=error)
    if isinstance(error, PlatformError) and error.code in NO_STAFF:
        with suppress(PlatformError, Later):
            take_range(desk)
    cursor = {name: value for name, value in walk.cursor.items() if name != "cursor"}
    _rest(walk, error if known else type(error).__name__, desk.clock() + PAUSE, cursor)


def _rest(walk: Walk, why: object, until: datetime, cursor: Mapping[str, Any]) -> None:
    sql.rest_sync(
        walk.desk.conn, run=walk.run_id, lease=walk.lease, until=until, error=str(why), cursor=Jsonb(dict(cursor))
    )


def _go_on(walk: Walk, taken: Step) -> None:
    """What was learned and where to go on are written together: a kill loses both or none."""
    desk = walk.desk
    following = walk.phase if taken.cursor is not None else _after(walk.phase)
    with desk.conn.transaction():
        done = taken.done + taken.keep()
        sql.go_on(
            desk.conn, run=walk.run_id, lease=walk.lease, phase=following or walk.phase,
            cursor=Jsonb(dict(taken.cursor or {})), done=done, total=taken.total,
            ended=desk.clock() if following is None else None,
        )  # fmt: skip


def _after(phase: str) -> str | None:
    names = list(PHASES)
    return dict(itertools.pairwise(names)).get(phase)
