"""The loop: every stage in order, again and again. `STAGES` is the table of contents of the program."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import psycopg
import structlog

from yutang import decide, deliver, identity, journey, offer, profile, segment
from yutang.channels.contract import Channel
from yutang.db.cursor import anything_new
from yutang.db.queries import Queries
from yutang.model import EVERYBODY, Counts, Only

STAGES = (
    identity.resolve,
    profile.refresh,
    offer.advance,
    segment.refresh,
    journey.advance,
    decide.judge,
    deliver.send,
)

IDLE_SECONDS = 0.2
"""How long an idle loop rests; the longest that a new event waits before somebody looks."""

FULL_PASS_SECONDS = 5

sql = Queries("yutang")
log = structlog.get_logger()


def run_once(
    conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel], only: Only = EVERYBODY
) -> Counts:
    """One pass over every stage. Returns what was done, as ``{"stage.noun": count}``; all zero when nothing was due."""
    done = Counts()
    for stage in STAGES:
        extra = {"channels": channels} if stage is deliver.send else {}
        counts = stage(conn, now, only, **extra)  # type: ignore[operator]
        done.update({f"{_name(stage)}.{noun}": n for noun, n in counts.items()})
    return done


def settle(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel], most: int = 10_000) -> Counts:
    """Pass after pass at one instant until nothing is due. Returns everything that was done."""
    done = Counts()
    for _ in range(most):
        counts = run_once(conn, now, channels)
        done.update(counts)
        if not counts.busy():
            return done
    raise RuntimeError(f"the loop did not come to rest after {most} passes: {dict(counts)}")


def hurry(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel], events: list[int]) -> Counts:
    """The fast path for a few events: the same statements, narrowed to the people they belong to."""
    people = identity.resolve_events(conn, now, events)
    return run_once(conn, now, channels, Only(persons=people)) if people else Counts()


def anything_to_do(conn: psycopg.Connection, now: datetime) -> bool:
    """Has anything come in, or has anybody's time come? Two questions that write nothing and read an index entry each."""
    row = sql.anything_due(conn, now=now).fetchone()
    return bool(row and row.due) or anything_new(conn)


def loop(
    conn: psycopg.Connection, channels: Mapping[str, Channel], clock: Callable[[], datetime], stopping: threading.Event
) -> None:
    """Run until `stopping` is set. An error in one pass is logged, and the next pass starts afresh: nothing is in memory.

    A full pass runs at least every `FULL_PASS_SECONDS`, for what no question covers: new definitions, scripted answers.
    Raises psycopg.OperationalError when the database is lost.
    """
    full_pass_at = clock()
    while not stopping.is_set():
        now = clock()
        busy = False
        if now >= full_pass_at or anything_to_do(conn, now):
            full_pass_at = now + timedelta(seconds=FULL_PASS_SECONDS)
            busy = _pass(conn, now, channels)
        if not busy:
            stopping.wait(IDLE_SECONDS)


def _pass(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel]) -> bool:
    """One pass; True when there may be more to do at once."""
    try:
        return run_once(conn, now, channels).busy()
    except psycopg.OperationalError:
        raise
    except Exception:
        log.exception("a pass failed; the next one tries again")
        return False


def _name(stage: Callable[..., Counts]) -> str:
    return stage.__module__.split(".")[1]
