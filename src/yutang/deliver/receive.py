"""The stage that opens the loop: what platforms called back and what channels have learned becomes events, by the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import psycopg
import structlog

from yutang.channels.contract import STAFF, Answer, Channel, Fact, Raw
from yutang.db.cursor import Reader, look, take
from yutang.db.queries import Queries
from yutang.deliver.tell import News, tell
from yutang.deliver.undo import Failed, undo
from yutang.ingest.record import record
from yutang.model import EVERYBODY, Counts, Only
from yutang.vault import open_vault

sql = Queries(__package__)
CALLBACKS = Reader("deliver.callback", "callback")
log = structlog.get_logger()

ENDS = {"message_sent": "sent", "message_failed": "failed"}
"""Answers that say what became of a message somebody was asked to send."""


def receive(
    conn: psycopg.Connection, now: datetime, only: Only = EVERYBODY, *, channels: Mapping[str, Channel]
) -> Counts:
    """Counts: ``callback`` (heard), ``answer`` and ``fact`` (now events). The fast path passes it over: see `listen`."""
    return listen(conn, now, channels)[0] if only.persons is None else Counts()


def listen(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel]) -> tuple[Counts, list[int]]:
    """What was done, and the ids of the facts' events, new ones and those that were told before."""
    counts, events = Counts(callback=_hear(conn, now, channels)), []
    for channel in channels.values():
        done, told = _tell(conn, now, channel)
        counts.update(done)
        events += told
    return counts, events


def _hear(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel]) -> int:
    """Let each channel hear its new callbacks, in the transaction that moves the cursor past them."""
    by_source = {channel.source: channel for channel in channels.values() if channel.source}
    if not by_source:
        return 0
    (place,) = look(conn, EVERYBODY, CALLBACKS)
    if not place.news:
        return 0
    with conn.transaction():
        w = take(conn, place)
        rows = [] if w.empty else sql.callbacks(conn, low=w.low, high=w.high).fetchall()
        for source, group in groupby(rows, key=lambda row: row.source):
            if channel := by_source.get(source):
                _heard(conn, now, channel, [_raw(row) for row in group])
    return len(rows)


def _raw(row: Any) -> Raw:
    text = row.text if row.sealed is None else open_vault().unseal_text(row.sealed)
    return Raw(row.event_id, text, row.at, row.received_at)


def _heard(conn: psycopg.Connection, now: datetime, channel: Channel, raws: Sequence[Raw]) -> None:
    """A callback that its channel cannot digest is found by halving, so that it stops no other; it stays among the events."""
    try:
        with conn.transaction():
            channel.hear(conn, now, raws)
    except psycopg.OperationalError:
        raise
    except Exception as error:
        if len(raws) > 1:
            half = len(raws) // 2
            _heard(conn, now, channel, raws[:half])
            _heard(conn, now, channel, raws[half:])
            return
        log.error(
            "a callback could not be read", channel=channel.name, event_id=raws[0].event_id, error=type(error).__name__
        )


def _tell(conn: psycopg.Connection, now: datetime, channel: Channel) -> tuple[Counts, list[int]]:
    """What a channel has to tell becomes events, in the transaction in which the channel lets go of it."""
    with conn.transaction():
        news = channel.receive(conn, now)
        answers = [one for one in news if isinstance(one, Answer)]
        facts = [one for one in news if isinstance(one, Fact)]
        if answers:
            _settle(conn, now, answers)
            tell(conn, now, [_answer(channel.name, answer) for answer in answers])
            if failed := _failed(channel, answers):
                undo(conn, now, failed)
        return Counts(answer=len(answers), fact=len(facts)), _enter(conn, now, channel, facts)


def _failed(channel: Channel, answers: Sequence[Answer]) -> list[Failed]:
    """Staff may have said what they never tapped."""
    return [
        Failed(one.person_id, one.touch_id, sure=channel.name != STAFF)
        for one in answers
        if ENDS.get(one.type) == "failed"
    ]


def _enter(conn: psycopg.Connection, now: datetime, channel: Channel, facts: Sequence[Fact]) -> list[int]:
    """By the same door as everybody; what it refuses is kept among the rejects. Returns the events' ids."""
    if not facts:
        return []
    record(conn, open_vault(), now, [_fact(channel, fact) for fact in facts])
    found = sql.entered(conn, source=channel.source, keys=[fact.key for fact in facts])
    return [row.event_id for row in found]


def _settle(conn: psycopg.Connection, now: datetime, answers: Sequence[Answer]) -> None:
    ended = [answer for answer in answers if answer.type in ENDS]
    if ended:
        sql.settle(
            conn,
            now=now,
            persons=[answer.person_id for answer in ended],
            touches=[answer.touch_id for answer in ended],
            states=[ENDS[answer.type] for answer in ended],
            reasons=[answer.props.get("reason") for answer in ended],
        )


def _answer(channel: str, answer: Answer) -> News:
    props = {**answer.props, "touch_id": answer.touch_id, "channel": channel}
    return f"{channel}:{answer.touch_id}:{answer.key}", answer.type, answer.person_id, answer.at, props


def _fact(channel: Channel, fact: Fact) -> dict[str, Any]:
    return {
        "id": fact.key,
        "source": channel.source,
        "type": fact.type,
        "at": fact.at.isoformat(),
        "handles": dict(fact.handles),
        "props": dict(fact.props),
    }
