"""A small pond for tests of the later stages: people, definitions and facts, written as the earlier stages write them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from yutang import definitions
from yutang.model import bucket_of

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""Twelve o'clock in Shanghai."""
LEFT = {"merged", "left_segment", "exit_event", "exit_rule", "retired", "edited"}
"""Why a run may end before its last step, besides its goal."""
TITLE = {"zh": "试", "en": "Test"}


class Pond:
    """Writes the rows that earlier stages would have written."""

    def __init__(self, conn: psycopg.Connection, **settings: Any) -> None:
        self.conn = conn
        self.numbers = itertools.count()
        self.settings(holdout_percent=0, **settings)

    def settings(self, **settings: Any) -> None:
        definitions.publish(self.conn, NOON, "pond", "pond", settings, "test")

    def person(self, **traits: Any) -> int:
        """A person of whom these traits are known."""
        (person,) = self.conn.execute("select nextval('person_id')").fetchone()
        self.conn.execute(
            "insert into person (bucket, person_id, created_at) values (%s, %s, %s)", (bucket_of(person), person, NOON)
        )
        for name, value in traits.items():
            self.conn.execute(
                "insert into trait (bucket, person_id, name, value, at, event_id) values (%s, %s, %s, %s, %s, 0)",
                (bucket_of(person), person, name, Jsonb(value), NOON),
            )
        return person

    def happened(self, person: int, type: str, at: datetime = NOON, **props: Any) -> int:
        """An event that identity has given to the person."""
        (event,) = self.conn.execute("select coalesce(max(event_id), 0) + 1 from person_event").fetchone()
        self.conn.execute(
            """insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
               values (%s, %s, %s, %s, %s, (%s at time zone 'Asia/Shanghai')::date, %s, %s)""",
            (bucket_of(person), person, type, at, event, at, props.get("amount_fen", 0), Jsonb(props)),
        )
        return event

    def message(self, name: str = "hello", channel: str = "sandbox") -> definitions.Definition:
        body = {"title": TITLE, "subject": "你好", "body": "欢迎", "channel": channel}
        return definitions.publish(self.conn, NOON, "message", name, body, "test")

    def define(self, kind: str, name: str, body: dict[str, Any]) -> definitions.Definition:
        return definitions.publish(self.conn, NOON, kind, name, body, "test")

    def consent(self, person: int, given: bool, channel: str = "sandbox", at: datetime = NOON) -> None:
        self.conn.execute(
            "insert into consent (bucket, person_id, channel, given, at, event_id) values (%s, %s, %s, %s, %s, 0)",
            (bucket_of(person), person, channel, given, at),
        )

    def touch(
        self,
        person: int,
        value_fen: int = 0,
        *,
        arm: str = "treated",
        channel: str | list[str] = "sandbox",
        offer: int | None = None,
        rung: int | None = None,
        at: datetime = NOON,
        deadline: datetime = NOON + timedelta(days=30),
        ended: str | None = None,
        journey: str = "journey",
        class_: str = "marketing",
        value_trait: str | None = None,
        expected: bool = False,
        cause: str | None = None,
    ) -> int:
        """A touch that a journey proposes; `ended` is how the person's run has ended since."""
        line = {"do": "end"}
        d = self.define(
            "journey", journey, {"title": TITLE, "trigger": {"event": ["x"], "where": {}}, "program": [line]}
        )
        channels = [channel] if isinstance(channel, str) else channel
        message = self.message(channel=channels[0])
        cause = cause or f"test:{next(self.numbers)}"
        state = "exited" if ended in LEFT else "done"
        self.conn.execute(
            """insert into enrolment (bucket, person_id, journey_id, cause, version, arm, state, step, entered_at, stepped_at, ended_at, reason)
               values (%s, %s, %s, %s, %s, %s, %s, 0, %s, %s, %s, %s)""",
            (bucket_of(person), person, d.definition_id, cause, d.version, arm, state, at, at, at, ended),
        )
        row = self.conn.execute(
            """insert into proposal (bucket, persons, journey_id, causes, step, moves, touch_ids, version, arm, channels, message_id,
                                     message_version, offer_id, rung, class, value_fen, value_trait, expected, at, deadline)
               values (%s, %s::bigint[], %s, %s, 0, '{0}', array[nextval('touch_id')], %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
               returning touch_ids[1] as touch_id""",
            (
                bucket_of(person), [person], d.definition_id, [cause], d.version, arm, channels, message.definition_id, message.version,
                offer, rung, class_, value_fen, value_trait, expected, at, deadline,
            ),
        ).fetchone()  # fmt: skip
        return row.touch_id

    def verdict(self, touch: int) -> tuple[str, str | None]:
        row = self.conn.execute("select verdict, reason from decision where touch_id = %s", (touch,)).fetchone()
        return (row.verdict, row.reason) if row else ("none", None)
