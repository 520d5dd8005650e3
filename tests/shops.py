"""A pond whose people enter journeys and buy, many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from ponds import NOON, TITLE, Pond
from yutang.definitions import Definition
from yutang.model import bucket_of

DAY = timedelta(days=1)
END: dict[str, Any] = {"do": "end", "id": "end"}


class Shop(Pond):
    """Writes runs, orders, touches and redemptions as the stages write them."""

    def __init__(self, conn: psycopg.Connection, **settings: Any) -> None:
        super().__init__(conn, **settings)
        self.events = 0

    def people(self, n: int) -> np.ndarray:
        rows = self.conn.execute(
            """with new as materialized (select nextval('person_id') as id from generate_series(1, %s)), known as (
                   insert into profile select (id & 1023)::smallint, id, 1, 1, 1, 'visitor', %s from new)
               insert into person (bucket, person_id, created_at) select (id & 1023)::smallint, id, %s from new
               returning person_id""",
            (n, NOON, NOON - 200 * DAY),
        ).fetchall()
        return np.array([row.person_id for row in rows])

    def journey(self, percent: float, name: str = "wake", program: Sequence[dict[str, Any]] = (END,)) -> Definition:
        return self.define("journey", name, self.body(percent, program))

    @staticmethod
    def body(percent: float, program: Sequence[dict[str, Any]] = (END,)) -> dict[str, Any]:
        return {"title": TITLE, "class": "marketing", "holdout_percent": percent, "program": list(program)}

    def enter(
        self, d: Definition, people: Iterable[int], arms: Iterable[str], at: datetime = NOON, cause: str = "first"
    ) -> None:
        rows = [
            (bucket_of(int(p)), int(p), d.definition_id, cause, d.version, arm, at, at)
            for p, arm in zip(people, arms, strict=True)
        ]
        with self.conn.cursor() as cursor:
            cursor.executemany(
                """insert into enrolment (bucket, person_id, journey_id, cause, version, arm, state, step, entered_at, stepped_at)
                   values (%s, %s, %s, %s, %s, %s, 'done', 0, %s, %s)""",
                rows,
            )

    def buys(
        self,
        people: Iterable[int],
        amounts: Iterable[int],
        at: datetime,
        type: str = "ordered",
        margin: float | None = 0.4,
    ) -> None:
        """An order of each person who spends anything; its number is the person's and the day's, so a refund finds it."""
        rows = []
        for p, fen in zip(people, amounts, strict=True):
            if fen:
                self.events += 1
                props = {"order_id": f"{p}-{at.date() if type == 'ordered' else NOON.date()}", "amount_fen": int(fen)}
                if margin is not None and type == "ordered":
                    props["margin_fen"] = round(int(fen) * margin)
                rows.append((bucket_of(int(p)), int(p), type, at, self.events, at.date(), int(fen), Jsonb(props)))
        with self.conn.cursor() as cursor:
            cursor.executemany(
                """insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
                   values (%s, %s, %s, %s, %s, %s, %s, %s)""",
                rows,
            )

    def reached(
        self, d: Definition, person: int, channel: str = "sandbox", at: datetime = NOON, cause: str = "first"
    ) -> int:
        """A touch that was sent; its number."""
        row = self.conn.execute(
            """insert into touch (bucket, person_id, journey_id, cause, step, move, touch_id, version, arm, channel, message_id,
                                  message_version, value_fen, at, deadline, verdict, judged_at)
               values (%s, %s, %s, %s, 0, 0, nextval('touch_id'), 1, 'treated', %s, 1, 1, 0, %s, %s, 'send', %s) returning touch_id""",
            (bucket_of(person), person, d.definition_id, cause, channel, at, at, at),
        ).fetchone()
        self.conn.execute(
            "insert into attempt (bucket, person_id, touch_id, channel, state, at) values (%s, %s, %s, %s, 'sent', %s)",
            (bucket_of(person), person, row.touch_id, channel, at),
        )
        return row.touch_id

    def redeemed(
        self, person: int, touch: int, fen: int, at: datetime, order: str, state: str = "done", offer: int = 0
    ) -> None:
        code = f"code-{touch}-{state}"
        self.conn.execute(
            """insert into coupon (code, bucket, person_id, origin_id, definition_id, touch_id, state, uses, value_fen, issued_at, valid_from)
               values (%s, %s, %s, %s, %s, %s, 'redeemed', 0, %s, %s, %s)""",
            (code, bucket_of(person), person, person, offer, touch, fen, NOON, NOON),
        )
        self.conn.execute(
            """insert into redemption (bucket, person_id, origin_id, request_id, code, order_id, amount_fen, discount_fen, state, at)
               values (%s, %s, %s, %s, %s, %s, 0, %s, %s, %s)""",
            (bucket_of(person), person, person, code, code, order, fen, state, at),
        )
