"""The loop: every stage in order, again and again. `STAGES` is the table of contents of the program."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Mapping
from datetime import datetime

import psycopg
import structlog

from yutang import decide, deliver, identity, journey, offer, profile, segment
from yutang.channels.contract import Channel
from yutang.db.cursor import stages_with_news
from yutang.db.queries import Queries
from yutang.model import EVERYBODY, Counts, Only

STAGES = (
    deliver.receive,
    identity.resolve,
    profile.refresh,
    offer.advance,
    segment.refresh,
    journey.advance,
    decide.judge,
    deliver.send,
)

FACTS = (identity.resolve, profile.refresh, offer.advance)
"""What is known and owed. Each of these works off its backlog before a later stage looks, so that nobody seems silent
whose orders are still waiting to be read."""

OUTSIDE = (deliver.receive, deliver.send)
"""The ear and the mouth: what knows the channels."""

MOST_WINDOWS = 100
"""How many windows of about 20,000 rows a stage works off at a stretch."""

IDLE_SECONDS = 0.2
"""How long an idle loop rests; the longest that a new event waits before somebody looks."""

LONGEST_REST_SECONDS = 30.0
"""How long the loop rests at most when one pass after the other fails."""

FAILED = "pass.failed"
"""What a pass counts that did not come to its end. (A pass in which no stage had anything to do counts nothing at all.)"""

EAR_SECONDS = 0.5
"""How long the ear waits before it looks whether it is to stop."""

FULL_PASS_SECONDS = 5
"""How often every stage runs even if nothing seems due."""

sql = Queries("yutang")
log = structlog.get_logger()


def run_once(
    conn: psycopg.Connection,
    now: datetime,
    channels: Mapping[str, Channel],
    only: Only = EVERYBODY,
    due: Container[str] | None = None,
) -> Counts:
    """One pass over the stages. Returns what was done, as ``{"stage.noun": count}``; all zero when nothing was due.

    With `due` (see `due_stages`) a stage is passed over unless it is named there or an earlier one has just done something.
    """
    done = Counts()
    for stage in STAGES:
        if due is None or _name(stage) in due or done.busy():
            extra = {"channels": channels} if stage in OUTSIDE else {}
            counts = stage(conn, now, only, **extra)  # type: ignore[operator]
            if stage in FACTS and only.persons is None and counts.busy():
                counts.update(_work_off(conn, now, stage))
            done.update({f"{_name(stage)}.{noun}": n for noun, n in counts.items()})
    return done


def _work_off(conn: psycopg.Connection, now: datetime, stage: Callable[..., Counts]) -> Counts:
    """Let a stage go on while more waits for it; bounded, so that a flood does not keep the later stages waiting for ever."""
    done = Counts()
    for _ in range(MOST_WINDOWS):
        if _name(stage) not in due_stages(conn, now, {}) or not (more := stage(conn, now)).busy():
            break
        done.update(more)
    return done


def due_stages(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel]) -> set[str]:
    """The stages for which something has come in, or somebody's time has come. Asked without writing anything.

    It does not cover new definitions and scripted answers, which a full pass finds.
    """
    due = {row.stage for row in sql.stages_due(conn, now=now, channels=list(channels))} | stages_with_news(conn)
    return due | {"deliver"} if any(channel.due(conn, now) for channel in channels.values()) else due


def settle(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel], most: int = 10_000) -> Counts:
    """A full pass, then pass after pass at the same instant until nothing is due. Returns everything that was done."""
    done = run_once(conn, now, channels)
    for _ in range(most):
        due = due_stages(conn, now, channels)
        counts = run_once(conn, now, channels, due=due) if due else Counts()
        done.update(counts)
        if not counts.busy():
            return done
    raise RuntimeError(f"the loop did not come to rest after {most} passes: {dict(counts)}")


def hurry(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel], events: list[int]) -> Counts:
    """The fast path for a few events: the same statements, narrowed to the people they belong to."""
    people = identity.resolve_events(conn, now, events)
    return run_once(conn, now, channels, Only(persons=people)) if people else Counts()


def express(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel]) -> Counts:
    """The fast path for what platforms have just called back: a welcome must be out before its code dies."""
    done, events = deliver.listen(conn, now, channels)
    if events:
        done.update(hurry(conn, now, channels, events))
    return done


ChannelsOf = Callable[[psycopg.Connection], Mapping[str, Channel]]
"""The channels that are set up now; asked again at every full pass, so that a new account needs no restart."""


def loop(
    conn: psycopg.Connection,
    channels_of: ChannelsOf,
    clock: Callable[[], datetime],
    stopping: threading.Event,
    report: Callable[[Counts], None],
) -> None:
    """Run until `stopping` is set. An error in one pass is logged, and the next pass starts afresh: nothing is in memory.

    A full pass runs at least every `FULL_PASS_SECONDS`, also where the clock is put back. `report` hears what each pass did, idle ones included.
    Raises psycopg.OperationalError when the database is lost.
    """
    full_pass_at, channels, failures = time.monotonic(), channels_of(conn), 0
    while not stopping.is_set():
        now = clock()
        full = time.monotonic() >= full_pass_at
        if full:
            full_pass_at, channels = time.monotonic() + FULL_PASS_SECONDS, channels_of(conn)
        done = _guarded(lambda: _pass(conn, now, channels, full))  # noqa: B023
        report(done)
        failures = failures + 1 if FAILED in done else 0 if done else failures
        if failures or not done.busy():
            stopping.wait(min(IDLE_SECONDS * 2**failures, LONGEST_REST_SECONDS))


def ear(
    conn: psycopg.Connection, channels_of: ChannelsOf, clock: Callable[[], datetime], stopping: threading.Event
) -> None:
    """Beside the loop, with a connection of its own: whoever calls back is answered at once, however long a pass takes."""
    conn.execute("listen callback")
    while not stopping.is_set():
        # Heard to the end first: while it listens, the connection answers nothing else.
        if list(conn.notifies(timeout=EAR_SECONDS, stop_after=1)):
            _guarded(lambda: express(conn, clock(), channels_of(conn)))


def _pass(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel], full: bool) -> Counts:
    """One pass: every stage, or those that have something to do."""
    due = None if full else due_stages(conn, now, channels)
    return run_once(conn, now, channels, due=due) if full or due else Counts()


def _guarded(work: Callable[[], Counts]) -> Counts:
    """What fails is logged, counted as `FAILED`, and tried again by the next pass; only a lost database ends the loop."""
    try:
        return work()
    except psycopg.OperationalError:
        raise
    except Exception:
        log.exception("这一轮失败，下一轮再试。 a pass failed; the next one tries again")
        return Counts({FAILED: 1})


def _name(stage: Callable[..., Counts]) -> str:
    return stage.__module__.split(".")[1]
