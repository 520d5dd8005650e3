"""Back-tests and dry runs that were asked for from afar: kept, worked off one after the other, read when they are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import structlog
from psycopg.types.json import Jsonb

from yutang import definitions
from yutang.brand import Brand, read_brand
from yutang.channels.contract import Channel
from yutang.db.connect import connect
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.replay.backtest import backtest
from yutang.replay.dryrun import dry_run
from yutang.replay.report import Report
from yutang.replay.ticks import parse_tick

sql = Queries(__package__)
log = structlog.get_logger()

LOST = timedelta(minutes=5)
"""A worker that has not been heard of for so long is gone, and its work is begun anew."""
BEAT_SECONDS = 1.0

Clock = Callable[[], datetime]
Bodies = dict[str, dict[str, Any]]


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be played. since, until: the days of a back-test, both included; days: of a dry run. files: the texts of the brand
    folder that holds the drafts, by path; without them the journeys are taken as they are in service."""

    journeys: list[str]
    since: date | None = None
    until: date | None = None
    days: int = 30
    share: float = 1.0
    tick: str = "1h"
    alone: bool = False
    files: dict[str, str] | None = None


def ask(conn: psycopg.Connection, now: datetime, kind: str, asked: Asked, by: str) -> int:
    """Keep it for `work`; returns its number. What can be said at once to be wrong is: raises YutangError, SourceError."""
    drafts_of(conn, asked.journeys, read_brand(asked.files) if asked.files else None)
    parse_tick(asked.tick)
    if not 0 < asked.share <= 1:
        raise YutangError(f"share is {asked.share}; write a part of the people such as 0.01, or 1 for everybody")
    if not 1 <= asked.days <= 366:
        raise YutangError(f"days is {asked.days}; write 1 to 366")
    if kind == "backtest" and (asked.since is None or asked.until is None):
        raise YutangError("since or until is missing; write both days of a back-test, for example 2026-01-01")
    row = sql.ask(conn, kind=kind, asked=Jsonb(msgspec.to_builtins(asked)), by=by, now=now).fetchone()
    assert row is not None
    return row.rehearsal_id


def drafts_of(conn: psycopg.Connection, names: Sequence[str], brand: Brand | None) -> Bodies:
    """The journeys on trial, and what of a brand they may name. Raises YutangError for an unknown journey."""
    known = brand.journeys if brand else {d.name: d.body for d in definitions.all_current(conn, "journey")}
    for name in names:
        if name not in known:
            raise YutangError(f"there is no journey '{name}'; known are {', '.join(sorted(known)) or 'none'}")
    parts = (
        {"pond": {"pond": brand.pond}, "segment": brand.segments, "offer": brand.offers, "message": brand.messages}
        if brand
        else {}
    )
    return parts | {"journey": {name: known[name] for name in names}}


def work(url: str, clock: Clock, channels: Mapping[str, Channel]) -> int | None:
    """Play the oldest that waits, and keep what it has found; returns its number, None when nothing waits."""
    with connect(url) as conn:
        row = sql.begin(conn, now=clock(), lost=clock() - LOST).fetchone()
        if row is None:
            return None
        try:
            report = _play(url, conn, clock, channels, row)
            sql.finish(conn, rehearsal=row.rehearsal_id, report=Jsonb(report.to_json()), page=report.html())
        except YutangError as error:
            sql.fail(conn, rehearsal=row.rehearsal_id, error=str(error))
        except Exception:
            log.exception("a rehearsal failed", rehearsal=row.rehearsal_id)
            sql.fail(
                conn, rehearsal=row.rehearsal_id, error="something went wrong on our side; the log has the details"
            )
        return row.rehearsal_id


def _play(url: str, conn: psycopg.Connection, clock: Clock, channels: Mapping[str, Channel], row: Any) -> Report:
    asked = msgspec.convert(row.asked, Asked)
    drafts = drafts_of(conn, asked.journeys, read_brand(asked.files) if asked.files else None)
    options: dict[str, Any] = {
        "share": asked.share,
        "tick": parse_tick(asked.tick),
        "alone": asked.alone,
        "channels": channels,
        "watch": _watch(conn, clock, row.rehearsal_id),
    }
    if row.kind == "dryrun":
        return dry_run(url, drafts, clock(), asked.days, **options)
    zone = ZoneInfo(definitions.pond(conn)["time_zone"])
    assert asked.since
    assert asked.until
    begin, end = datetime.combine(asked.since, time(), zone), datetime.combine(asked.until, time.max, zone)
    return backtest(url, drafts, begin, end, **options)


def _watch(conn: psycopg.Connection, clock: Clock, rehearsal: int) -> Callable[[datetime, float], None]:
    """Tells how far it is, once a second at most: whoever asks, and whoever wonders whether its worker still lives."""
    # By the machine's time: the clock of a demo stands still.
    said = monotonic()

    def watch(_now: datetime, share: float) -> None:
        nonlocal said
        if (at := monotonic()) - said >= BEAT_SECONDS:
            said = at
            sql.beat(conn, rehearsal=rehearsal, share=share, now=clock())

    return watch


def found(conn: psycopg.Connection, rehearsal: int) -> dict[str, Any]:
    """Where it stands, and its report once it is done. Raises YutangError when there is none of this number."""
    row = sql.rehearsal(conn, rehearsal=rehearsal).fetchone()
    if row is None:
        raise YutangError(f"there is no rehearsal {rehearsal}")
    return row._asdict()


def ahead(conn: psycopg.Connection, rehearsal: int) -> int:
    """How many are played before this one."""
    row = sql.ahead(conn, rehearsal=rehearsal).fetchone()
    assert row is not None
    return row.n


def listing(
    conn: psycopg.Connection, before: int | None = None, limit: int = 50, numbers: Sequence[int] | None = None
) -> list[Any]:
    """The newest first, without their reports: rows (rehearsal_id, kind, by, at, state, share, error, journeys, since, until,
    days); `before`: those older than this one; numbers: of these."""
    return sql.listing(conn, before=before, limit=limit, numbers=None if numbers is None else list(numbers)).fetchall()


def page(conn: psycopg.Connection, rehearsal: int) -> str:
    """The report for people. Raises YutangError while there is none."""
    row = sql.page(conn, rehearsal=rehearsal).fetchone()
    if row is None or row.page is None:
        raise YutangError(f"rehearsal {rehearsal} has no report yet; ask for /v1/rehearsals/{rehearsal} how far it is")
    return row.page
