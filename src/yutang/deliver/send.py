"""The stage: decisions to send become attempts, attempts become letters, and what became of them is recorded.

What a crash does. Killed before the claim is committed: nothing happened. Killed between claim and send: the claim runs
out after `LEASE_SECONDS` and another worker claims the letter again; nothing is lost and nothing sent twice. Killed
between send and record: the letter is sent again, with the same key (the touch id). The sandbox and a webhook's receiver
drop the repeat; an e-mail carries the same Message-ID. So inside the database each touch is recorded once, and at a
channel delivery is at least once with a key to recognise the second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
import structlog

from yutang.channels.contract import Channel, Letter, Result
from yutang.db.cursor import window
from yutang.db.queries import Queries
from yutang.deliver import calls
from yutang.deliver.backoff import wait
from yutang.deliver.compose import compose
from yutang.deliver.lease import lease
from yutang.deliver.mirror import mirror
from yutang.deliver.stop import stop
from yutang.deliver.tell import News, tell
from yutang.model import EVERYBODY, Counts, Only, Reason

sql = Queries(__package__)
log = structlog.get_logger()
UNKNOWN_AT_ONCE = 1000
"""Attempts per call on a channel that nobody configured."""


def send(conn: psycopg.Connection, now: datetime, only: Only = EVERYBODY, *, channels: Mapping[str, Channel]) -> Counts:
    """One batch per channel, then the calls of journeys, then what channels are to know of tags, then each channel's own errands.

    Counts: ``stopped`` (ended or called off on the way), ``taken`` (new attempts), ``sent``, ``assigned``, ``waiting`` (to be tried again), ``failed``, ``call`` and its kin
    (see `calls.make`), ``tag``, ``errand``.
    `channels` by name; an attempt on any other channel fails for good. Never raises because of a channel or a template.
    """
    counts = Counts(stopped=stop(conn, now, only, channels), taken=_take(conn, now, only))
    for name in [row.channel for row in sql.due(conn, now=now)]:
        counts.update(_send_batch(conn, now, only, name, channels.get(name)))
    counts.update(calls.make(conn, now, only, channels))
    if only.persons is None:
        counts["tag"] = mirror(conn, now, channels.values())
        counts["errand"] = sum(_tend(conn, now, channel) for channel in channels.values())
    return counts


def _tend(conn: psycopg.Connection, now: datetime, channel: Channel) -> int:
    """A platform that fails keeps neither the letters nor the other channels waiting; its errands stay where they are."""
    try:
        return channel.tend(conn, now)
    except psycopg.OperationalError:
        raise
    except Exception:
        log.exception("a channel's errands failed; they are tried again", channel=channel.name)
        return 0


def _take(conn: psycopg.Connection, now: datetime, only: Only) -> int:
    with conn.transaction(), window(conn, "deliver", "touch_to_send", only) as w:
        return 0 if w.empty else sql.take(conn, only, now=now, low=w.low, high=w.high).rowcount


def _send_batch(
    conn: psycopg.Connection, now: datetime, only: Only, name: str, channel: Channel | None
) -> Counter[str]:
    token, until = lease(now)
    batch = channel.batch if channel else UNKNOWN_AT_ONCE
    with conn.transaction():
        claimed = sql.claim(conn, only, channel=name, now=now, token=token, until=until, batch=batch).fetchall()
    if not claimed:
        return Counter()
    results = _hand_over(conn, now, name, channel, claimed)
    return _record(conn, now, name, token, claimed, results)


def _hand_over(
    conn: psycopg.Connection, now: datetime, name: str, channel: Channel | None, claimed: Sequence[Any]
) -> dict[int, Result]:
    """A result for each claimed attempt, by touch id."""
    if channel is None:
        unknown = Result.failed(f"channel '{name}' is not configured here")
        return {row.touch_id: unknown for row in claimed}
    letters, results = compose(conn, now, channel, claimed)
    answers = _ask(channel, conn, now, letters) if letters else []
    return results | {letter.touch_id: result for letter, result in zip(letters, answers, strict=True)}


def _ask(channel: Channel, conn: psycopg.Connection, now: datetime, letters: list[Letter]) -> list[Result]:
    """What the channel says; a channel that fails as a whole costs its letters a try, never their place."""
    try:
        results = channel.send(conn, now, letters)
    except Exception as error:
        return [Result.retry(type(error).__name__)] * len(letters)
    if len(results) != len(letters):
        return [Result.retry("the channel did not answer for every letter")] * len(letters)
    return results


def _record(
    conn: psycopg.Connection,
    now: datetime,
    channel: str,
    token: str,
    claimed: Sequence[Any],
    results: Mapping[int, Result],
) -> Counter[str]:
    """Write what happened and, in the same transaction, say it as events."""
    ends = [_end(now, row.tries, row.touch_id, results[row.touch_id]) for row in claimed]
    with conn.transaction():
        done = sql.record(
            conn,
            now=now,
            token=token,
            buckets=[row.bucket for row in claimed],
            persons=[row.person_id for row in claimed],
            touches=[row.touch_id for row in claimed],
            states=[end[0] for end in ends],
            retries=[end[1] for end in ends],
            reasons=[end[2] for end in ends],
            details=[_clean(results[row.touch_id].detail) for row in claimed],
            providers=[results[row.touch_id].provider_id for row in claimed],
            unused=[int(results[row.touch_id].until is not None) for row in claimed],
        ).fetchall()
        # That somebody was asked to send it is the channel's to tell, once it knows who.
        if events := [_event(now, channel, row) for row in done if row.state not in ("waiting", "assigned")]:
            tell(conn, now, events)
    return Counter(row.state for row in done)


def _end(now: datetime, tries: int, touch_id: int, result: Result) -> tuple[str, datetime | None, Reason | None]:
    """State, next try and reason of an attempt after this result."""
    if result.state != "retry":
        return result.state, None, result.reason
    if result.until is not None:
        return "waiting", result.until, result.reason
    pause = wait(tries, touch_id)
    return ("failed", None, Reason.GAVE_UP) if pause is None else ("waiting", now + pause, result.reason)


def _clean(detail: str) -> str | None:
    """Fit for a text column: short, and without the NUL that PostgreSQL refuses."""
    return detail.replace("\0", "")[:300] or None


def _event(now: datetime, channel: str, row: Any) -> News:
    props = {"touch_id": row.touch_id, "channel": channel} | ({"reason": row.reason} if row.reason else {})
    return f"{row.state}:{row.touch_id}", f"message_{row.state}", row.person_id, now, props
