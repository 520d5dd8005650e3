"""Back-tests and dry runs that were asked for from afar: kept, worked off one after the other, read when they are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import structlog
from psycopg.types.json import Jsonb

from yutang import definitions
from yutang.brand import read_brand
from yutang.channels.contract import Channel
from yutang.db.connect import connect
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.replay.asked import Asked, check, drafts_of, play
from yutang.replay.hands import Stopped
from yutang.replay.report import Report

sql = Queries(__package__)
log = structlog.get_logger()

LOST = timedelta(minutes=5)
"""A worker that has not been heard of for so long is gone, and its work is begun anew."""
BEAT_SECONDS = 1.0

Clock = Callable[[], datetime]


def ask(conn: psycopg.Connection, now: datetime, kind: str, asked: Asked, by: str) -> int:
    """Keep it for `work`; returns its number. What can be said at once to be wrong is: raises YutangError, SourceError."""
    drafts_of(conn, asked.journeys, read_brand(asked.files) if asked.files else None)
    check(kind, asked, now.astimezone(_zone(conn)).date())
    row = sql.ask(conn, kind=kind, asked=Jsonb(msgspec.to_builtins(asked)), by=by, now=now).fetchone()
    assert row is not None
    return row.rehearsal_id


def work(url: str, clock: Clock, channels: Mapping[str, Channel]) -> int | None:
    """Play the oldest that waits, and keep what it has found; returns its number, None when nothing waits."""
    with connect(url) as conn:
        row = sql.begin(conn, now=clock(), lost=clock() - LOST).fetchone()
        if row is None:
            return None
        try:
            report = _play(url, conn, clock, channels, row)
            sql.finish(conn, rehearsal=row.rehearsal_id, report=Jsonb(report.to_json()), page=report.html())
        except Stopped:
            log.info("预演已停止。 a rehearsal was stopped", rehearsal=row.rehearsal_id)
        except YutangError as error:
            sql.fail(conn, rehearsal=row.rehearsal_id, error=str(error))
        except Exception:
            log.exception("预演失败。 a rehearsal failed", rehearsal=row.rehearsal_id)
            sql.fail(
                conn,
                rehearsal=row.rehearsal_id,
                error="服务器出错，详情见日志。 something went wrong on our side; the log has the details",
            )
        return row.rehearsal_id


def _play(url: str, conn: psycopg.Connection, clock: Clock, channels: Mapping[str, Channel], row: Any) -> Report:
    asked = msgspec.convert(row.asked, Asked)
    drafts = drafts_of(conn, asked.journeys, read_brand(asked.files) if asked.files else None)
    return play(url, clock(), row.kind, asked, drafts, _zone(conn), channels, _watch(conn, clock, row.rehearsal_id))


def _zone(conn: psycopg.Connection) -> ZoneInfo:
    return ZoneInfo(definitions.pond(conn)["time_zone"])


def _watch(conn: psycopg.Connection, clock: Clock, rehearsal: int) -> Callable[[datetime, float], None]:
    """Tells how far it is, once a second at most: whoever asks, and whoever wonders whether its worker still lives. Raises Stopped
    when nobody wants it any more."""
    # By the machine's time: the clock of a demo stands still.
    said = monotonic()

    def watch(_now: datetime, share: float) -> None:
        nonlocal said
        if (at := monotonic()) - said >= BEAT_SECONDS:
            said = at
            if not sql.beat(conn, rehearsal=rehearsal, share=share, now=clock()).rowcount:
                raise Stopped

    return watch


def stop(conn: psycopg.Connection, rehearsal: int) -> bool:
    """End it without a report: what waits is never played, what is played ends within moments. False when it has ended before.
    Raises YutangError when there is none of this number."""
    found(conn, rehearsal)
    return bool(sql.stop(conn, rehearsal=rehearsal).rowcount)


def found(conn: psycopg.Connection, rehearsal: int) -> dict[str, Any]:
    """Where it stands, and its report once it is done. Raises YutangError when there is none of this number."""
    row = sql.rehearsal(conn, rehearsal=rehearsal).fetchone()
    if row is None:
        raise YutangError(f"没有预演 {rehearsal}。 there is no rehearsal {rehearsal}")
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
        raise YutangError(
            f"预演 {rehearsal} 还没有报告，进度请看 /v1/rehearsals/{rehearsal}。 "
            f"rehearsal {rehearsal} has no report yet; ask for /v1/rehearsals/{rehearsal} how far it is"
        )
    return row.page
