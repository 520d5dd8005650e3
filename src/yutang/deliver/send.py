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
from typing import NamedTuple

import psycopg
import structlog

from yutang.channels.contract import Channel, Letter, Result
from yutang.db.cursor import Place, Reader, look, take
from yutang.db.queries import Queries
from yutang.deliver import calls
from yutang.deliver.backoff import wait
from yutang.deliver.compose import Claimed, compose
from yutang.deliver.lease import lease
from yutang.deliver.mirror import mirror
from yutang.deliver.stop import STOPS, stop, withdraw
from yutang.deliver.tell import Names, News, end_key, tell
from yutang.deliver.undo import Failed, undo
from yutang.handles import head_of
from yutang.model import EVERYBODY, Counts, Only, Reason

sql = Queries(__package__)
DECIDED = Reader("deliver", "touch_to_send")
log = structlog.get_logger()
LATE_AT_ONCE = 1000
"""Attempts per call that end because no process with their channel's settings came in time."""


class End(NamedTuple):
    """What an attempt is after a result. retry_at: its next try. unused: its claim ended without a try."""

    state: str
    retry_at: datetime | None
    reason: Reason | None
    detail: str
    provider_id: str | None
    unused: bool = False


class Done(NamedTuple):
    """An attempt that was claimed, and what it is now."""

    person_id: int
    touch_id: int
    tries: int
    round: int
    end: End


def send(conn: psycopg.Connection, now: datetime, only: Only = EVERYBODY, *, channels: Mapping[str, Channel]) -> Counts:
    """One batch per channel, then the calls of journeys, then what channels are to know of tags, then each channel's own errands.

    Counts: ``stopped`` (ended or called off on the way), ``taken`` (new attempts), ``sent``, ``assigned``, ``waiting`` (to be tried again), ``failed``, ``call`` and its kin
    (see `calls.make`), ``tag``, ``errand``.
    `channels` by name; attempts on any other channel wait for a process that has its settings, until their deadline. Never raises
    because of a channel or a template.
    """
    counts = Counts()
    *stops, decided = look(conn, only, *STOPS, DECIDED)
    for place in stops:
        if place.news:
            counts["stopped"] += stop(conn, now, place, channels)
    if decided.news:
        counts["taken"] = _take(conn, now, decided)
    for name in [row.channel for row in sql.due(conn, now=now)]:
        counts.update(_send_batch(conn, now, only, name, channels.get(name)))
    counts.update(calls.make(conn, now, only, channels))
    if only.persons is None:
        counts["stopped"] += withdraw(conn, now, channels)
        _tell_reach(conn, channels)
        counts["tag"] = mirror(conn, now, channels.values())
        counts["errand"] = sum(_tend(conn, now, channel) for channel in channels.values())
    return counts


def _tell_reach(conn: psycopg.Connection, channels: Mapping[str, Channel]) -> None:
    """By which of a person's handles each channel reaches them: whose choice of a channel it is decides by that."""
    known = {name: head_of(channel.handle) for name, channel in channels.items() if channel.handle is not None}
    sql.reach(conn, channels=list(known), heads=list(known.values()))


def _tend(conn: psycopg.Connection, now: datetime, channel: Channel) -> int:
    """A platform that fails keeps neither the letters nor the other channels waiting; its errands stay where they are."""
    try:
        return channel.tend(conn, now)
    except psycopg.OperationalError:
        raise
    except Exception:
        log.exception("a channel's errands failed; they are tried again", channel=channel.name)
        return 0


def _take(conn: psycopg.Connection, now: datetime, place: Place) -> int:
    with conn.transaction():
        w = take(conn, place)
        return 0 if w.empty else sql.take(conn, place.only, now=now, low=w.low, high=w.high).rowcount


def _send_batch(
    conn: psycopg.Connection, now: datetime, only: Only, name: str, channel: Channel | None
) -> Counter[str]:
    token, until = lease(now)
    batch, late = (channel.batch, False) if channel else (LATE_AT_ONCE, True)
    row = sql.claim(conn, only, channel=name, now=now, token=token, until=until, batch=batch, late=late).fetchone()
    if row is None:
        return Counter()
    claimed = Claimed(*row)
    results, names = _hand_over(conn, now, name, channel, claimed)
    return _record(conn, now, name, channel, token, claimed, results, names)


def _hand_over(
    conn: psycopg.Connection, now: datetime, name: str, channel: Channel | None, claimed: Claimed
) -> tuple[Mapping[int, Result], Names | None]:
    """A result for each claimed attempt, by touch id; and the names of journey and message, where they were read."""
    if channel is None:
        return dict.fromkeys(claimed.touches, _unsent(name)), None
    made = compose(conn, now, channel, claimed)
    answers = _ask(channel, conn, now, made.letters) if made.letters else []
    sent = {letter.touch_id: result for letter, result in zip(made.letters, answers, strict=True)}
    return made.results | sent, made.names


def _unsent(name: str) -> Result:
    why = f"到期限为止，没有一个进程配置了渠道“{name}”。 until its deadline no process had the settings of channel '{name}'"
    return Result.failed(why, Reason.TOO_LATE)


def _ask(channel: Channel, conn: psycopg.Connection, now: datetime, letters: list[Letter]) -> list[Result]:
    """What the channel says; a channel that fails as a whole costs its letters a try, never their place."""
    try:
        results = channel.send(conn, now, letters)
    except Exception as error:
        return [Result.retry(type(error).__name__)] * len(letters)
    if len(results) != len(letters):
        return [Result.retry("渠道没有逐条给出结果。 the channel did not answer for every letter")] * len(letters)
    return results


def _record(
    conn: psycopg.Connection,
    now: datetime,
    name: str,
    channel: Channel | None,
    token: str,
    claimed: Claimed,
    results: Mapping[int, Result],
    names: Names | None,
) -> Counter[str]:
    """Write what happened and, in the same transaction, say it as events."""
    ends = [
        _end(now, tries, touch, results[touch]) for touch, tries in zip(claimed.touches, claimed.tries, strict=True)
    ]
    with conn.transaction():
        held, off = _ended(conn, now, token, claimed, ends)
        done = [one for one in map(Done, *claimed, ends) if one.touch_id in held]
        if off and channel:
            channel.call_off(conn, now, off)
        # That somebody was asked to send it is the channel's to tell, once it knows who.
        if over := [one for one in done if one.end.state not in ("waiting", "assigned")]:
            tell(conn, now, (_event(now, name, one) for one in over), names)
            if failed := _failed(results, over):
                undo(conn, now, failed)
    return Counter(one.end.state for one in done)


def _failed(results: Mapping[int, Result], over: Sequence[Done]) -> list[Failed]:
    """What was refused at its first try never arrived; what was tried before may have."""
    return [
        Failed(one.person_id, one.touch_id, sure=one.tries == 1 and not results[one.touch_id].partly)
        for one in over
        if one.end.state == "failed"
    ]


def _ended(
    conn: psycopg.Connection, now: datetime, token: str, claimed: Claimed, ends: Sequence[End]
) -> tuple[set[int], list[int]]:
    """The touches of which we still had a say, and those of them to be called off: they were stopped while they were handed over.

    A batch has few ends that differ: only these are handed to the database, and their numbers.
    """
    kinds = dict.fromkeys(ends)
    numbers = {end: n for n, end in enumerate(kinds, 1)}
    row = sql.record(
        conn,
        now=now,
        token=token,
        persons=claimed.persons,
        touches=claimed.touches,
        ends=[numbers[end] for end in ends],
        states=[end.state for end in kinds],
        retries=[end.retry_at for end in kinds],
        reasons=[end.reason for end in kinds],
        details=[_clean(end.detail) for end in kinds],
        providers=[end.provider_id for end in kinds],
        unused=[int(end.unused) for end in kinds],
    ).fetchone()
    assert row is not None
    return set(row.touches or ()), row.off or []


def _end(now: datetime, tries: int, touch_id: int, result: Result) -> End:
    """What an attempt is after this result."""
    if result.state != "retry":
        return End(result.state, None, result.reason, result.detail, result.provider_id)
    if result.until is not None:
        return End("waiting", result.until, result.reason, result.detail, result.provider_id, unused=True)
    if (pause := wait(tries, touch_id)) is None:
        return End("failed", None, Reason.GAVE_UP, result.detail, result.provider_id)
    return End("waiting", now + pause, result.reason, result.detail, result.provider_id)


def _clean(detail: str) -> str | None:
    """Fit for a text column: short, and without the NUL that PostgreSQL refuses."""
    return detail.replace("\0", "")[:300] or None


def _event(now: datetime, channel: str, one: Done) -> News:
    state, reason = one.end.state, one.end.reason
    props = {"touch_id": one.touch_id, "channel": channel} | ({"reason": reason} if reason else {})
    return end_key(state, one.touch_id, one.round), f"message_{state}", one.person_id, now, props
