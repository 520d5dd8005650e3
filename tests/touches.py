"""Touches for tests: decisions to send, without the stages that would have made them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from yutang import definitions
from yutang.model import bucket_of

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
WELCOME = {
    "subject": "你好",
    "body": "{{ person.name }}，欢迎来到{{ pond.title }}",
    "channel": "sandbox",
    "title": {"zh": "欢迎", "en": "Welcome"},
}


def decided(
    conn: psycopg.Connection,
    persons: Sequence[int],
    *,
    channel: str = "sandbox",
    message: str = "welcome",
    now: datetime = NOW,
    deadline: datetime = NOW + timedelta(days=30),
    coupon: str | None = None,
    **body: Any,
) -> list[int]:
    """One touch for each person, decided to be sent, so they have agreed to the channel; returns the touch ids, in the order of `persons`."""
    conn.execute(
        """insert into consent (bucket, person_id, channel, given, at, event_id)
           select p & 1023, p, %s, true, '2020-01-01', 0 from unnest(%s::bigint[]) p where %s = any('{email,sms}') on conflict do nothing""",
        (channel, list(persons), channel),
    )
    found = definitions.publish(conn, now, "message", message, WELCOME | {"channel": channel} | body, "test")
    rows = conn.execute(
        """with p as (select person_id, (person_id & 1023)::smallint as bucket, n from unnest(%s::bigint[]) with ordinality as p (person_id, n)),
                 t as (insert into touch (bucket, person_id, touch_id, journey_id, version, cause, step, move, arm, channel, message_id,
                                          message_version, value_fen, at, deadline, verdict, judged_at, coupon)
                       select bucket, person_id, nextval('touch_id'), 1, 1, %s || n, 0, 0, 'treated', %s, %s, %s, 0, %s, %s, 'send', %s, %s
                       from p order by n
                       returning touch_id)
           select touch_id from t order by touch_id""",
        (
            list(persons),
            f"{message}/{now}/{channel}/",
            channel,
            found.definition_id,
            found.version,
            now,
            deadline,
            now,
            coupon,
        ),
    )
    return [row.touch_id for row in rows]


def people(conn: psycopg.Connection, count: int) -> list[int]:
    """New persons."""
    rows = conn.execute(
        """insert into person (bucket, person_id, created_at)
           select (id & 1023)::smallint, id, %s from (select nextval('person_id') as id from generate_series(1, %s)) s returning person_id""",
        (NOW, count),
    )
    return [row.person_id for row in rows]


def attempt(conn: psycopg.Connection, touch_id: int) -> Any:
    """The attempt of a touch."""
    return conn.execute("select * from attempt where touch_id = %s", (touch_id,)).fetchone()


def trait(conn: psycopg.Connection, person_id: int, name: str, value: str) -> None:
    conn.execute(
        "insert into trait (bucket, person_id, name, value, at, event_id) values (%s, %s, %s, to_jsonb(%s::text), %s, 0)",
        (bucket_of(person_id), person_id, name, value, NOW),
    )
