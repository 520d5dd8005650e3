"""Tending: the errands that are due, and the next step of a walk through everything, a bounded share per call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import psycopg
import structlog

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import Later, PlatformError, Unknown
from yutang.channels.wecom import codes, groups, inherit, queue, reading, sync, tags
from yutang.channels.wecom.desk import Desk, open_desk
from yutang.channels.wecom.queue import Errand
from yutang.vault import Vault

log = structlog.get_logger()
Work = Callable[[Desk, Errand], None]


def _dress(desk: Desk, errand: Errand) -> None:
    codes.put_on(desk, errand, reading.read)


WORK: Mapping[str, Work] = {
    "contact": reading.contact,
    "group": groups.read,
    "tags": tags.read_list,
    "tag": tags.create,
    "mirror": tags.put_right,
    "code": codes.make,
    "dress": _dress,
    "transfer": inherit.ask,
    "transfer_result": inherit.poll,
}
"""What each kind of errand does. Each may be done twice."""
PAUSES = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 1800, 3600, 7200))
CONFIGURED = timedelta(hours=1)
"""How long to wait for somebody to change a setting."""
WALK = 20
"""Steps of a walk per call, when there is nothing else to do."""


def tend(conn: psycopg.Connection, vault: Vault, account: Account, clock: Callable[[], datetime], limit: int) -> int:
    """Do up to `limit` errands that are due, then go on with a walk that is under way. Returns how much was done.

    `conn` is in autocommit. No failure of the platform comes out of here: it waits, or stands in the errand's `error`.
    """
    desk = open_desk(conn, vault, account, clock)
    enough = clock() + queue.LEASE / 2
    claimed = queue.claim(conn, account.source, clock(), list(WORK), limit)
    for errand in claimed:
        if clock() < enough:
            _do(desk, errand)
        else:
            # Given back before the lease runs out, so that nobody does it beside us.
            queue.postpone(conn, account.source, errand, clock(), free=True)
    steps = 0
    while len(claimed) + steps < limit and steps < WALK and sync.step(desk):
        steps += 1
    return len(claimed) + steps


def _do(desk: Desk, errand: Errand) -> None:
    """One errand, and what becomes of it."""
    conn, source = desk.conn, desk.source
    try:
        WORK[errand.kind](desk, errand)
    except queue.Again as again:
        queue.postpone(conn, source, errand, again.at, free=again.free)
    except Later as later:
        queue.postpone(conn, source, errand, later.until, free=True)
    except Unknown as unknown:
        _retry(desk, errand, str(unknown), PAUSES)
    except PlatformError as error:
        if error.sort == "config":
            _retry(desk, errand, str(error), (CONFIGURED,) * len(PAUSES))
        elif error.sort == "bug":
            queue.fail(conn, source, errand, str(error))
        else:
            _retry(desk, errand, str(error), PAUSES)
    except psycopg.OperationalError:
        raise
    except Exception as error:
        # One that cannot be done must not keep the others from their turn.
        log.exception("an errand failed", account=source, kind=errand.kind)
        _retry(desk, errand, type(error).__name__, PAUSES)
    else:
        queue.done(conn, source, desk.clock(), errand)


def _retry(desk: Desk, errand: Errand, error: str, pauses: tuple[timedelta, ...]) -> None:
    if errand.tries > len(pauses):
        queue.fail(desk.conn, desk.source, errand, error)
    else:
        queue.postpone(desk.conn, desk.source, errand, desk.clock() + pauses[errand.tries - 1], error)
