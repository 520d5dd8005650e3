"""People who come at hours of their own, and who answer touches as often as is in them: made by dice, written as the earlier stages write them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from ponds import NOON, TITLE

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Came:
    """A visit, on the clock of Shanghai."""

    person: int
    at: datetime


def visitors(people: int, first: date, days: int, seed: int = 3, pace: float = 0.25) -> list[Came]:
    """Each comes around an hour of their own in the week (person n: 7 + n mod 4 times 4 o'clock), at weekends three hours later."""
    dice = np.random.default_rng(seed)
    found = []
    for person in range(1, people + 1):
        for n in range(days):
            if dice.random() < pace:
                day = first + timedelta(n)
                hour = own_hour(person) + (3 if day.weekday() >= 5 else 0) + dice.normal(0, 0.8)
                at = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) + timedelta(hours=float(hour) % 24)
                found.append(Came(person, at))
    return found


def own_hour(person: int) -> int:
    """In the middle of the window in which a person comes on working days."""
    return 7 + 4 * (person % 4)


def write(conn: psycopg.Connection, came: list[Came], type: str = "viewed") -> None:
    """As identity writes them; the people too."""
    conn.execute(
        """insert into person (bucket, person_id, created_at) select (id & 1023)::smallint, id, %s from unnest(%s::bigint[]) id
           on conflict do nothing""",
        (NOON, sorted({one.person for one in came})),
    )
    conn.execute(
        """insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
           select (u.person & 1023)::smallint, u.person, %s, u.at, u.n + (select coalesce(max(event_id), 0) from person_event), u.at::date, 0, '{}'
           from unnest(%s::bigint[], %s::timestamptz[]) with ordinality u (person, at, n)""",
        (type, [one.person for one in came], [one.at for one in came]),
    )


@dataclass(frozen=True)
class Said:
    """A touch that was sent, and after how many hours it was answered (None: never)."""

    person: int
    channel: str
    kind: str
    at: datetime
    answered: float | None
    by: str = "message_opened"


def touched(people: int, first: datetime, touches: int, seed: int = 5) -> list[Said]:
    """`touches` to each, some hours apart: letters of marketing and companion, and cards that tell nothing back. A third of the people answers
    letters mostly, the others hardly ever; companions twice as often."""
    dice = np.random.default_rng(seed)
    found = []
    for n in range(touches):
        for person in range(1, people + 1):
            at = first + timedelta(days=2 * n, minutes=person)
            kind = "companion" if dice.random() < 0.3 else "marketing"
            chance = (0.45 if person % 3 == 0 else 0.05) * (2 if kind == "companion" else 1)
            answered = float(dice.uniform(0.1, 60)) if dice.random() < chance else None
            found.append(Said(person, "letter", kind, at, answered))
            if n % 3 == 0:
                found.append(Said(person, "card", "marketing", at + timedelta(hours=1), None))
    return found


def send(conn: psycopg.Connection, said: list[Said], journey: int = 1) -> None:
    """As decide, deliver and identity write them down."""
    conn.execute(
        """insert into person (bucket, person_id, created_at) select (id & 1023)::smallint, id, %s from unnest(%s::bigint[]) id
           on conflict do nothing""",
        (NOON, sorted({one.person for one in said})),
    )
    (start,) = conn.execute("select coalesce(max(touch_id), 0) from touch").fetchone()
    columns = (
        [one.person for one in said],
        [one.channel for one in said],
        [one.kind for one in said],
        [one.at for one in said],
    )
    conn.execute(
        """insert into touch (bucket, person_id, journey_id, cause, step, move, touch_id, version, arm, channel, message_id, message_version,
                              class, value_fen, at, deadline, verdict, judged_at)
           select (u.person & 1023)::smallint, u.person, %s, 'made:' || %s + u.n, 0, 0, %s + u.n, 1, 'treated', u.channel, 1, 1, u.kind, 0, u.at,
                  u.at + interval '7 days', 'send', u.at
           from unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[]) with ordinality u (person, channel, kind, at, n)""",
        (journey, start, start, *columns),
    )
    conn.execute(
        """insert into attempt (bucket, person_id, touch_id, channel, state, at)
           select (u.person & 1023)::smallint, u.person, %s + u.n, u.channel, 'sent', u.at
           from unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[]) with ordinality u (person, channel, kind, at, n)""",
        (start, *columns),
    )
    answers = [(start + n, one) for n, one in enumerate(said, 1) if one.answered is not None]
    with conn.cursor() as cursor:
        cursor.executemany(
            """insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
               values (%s, %s, %s, %s, (select coalesce(max(event_id), 0) + 1 from person_event), %s, 0, %s)""",
            [
                (
                    one.person & 1023,
                    one.person,
                    one.by,
                    one.at + timedelta(hours=one.answered or 0),
                    one.at.date(),
                    Jsonb({"touch_id": touch}),
                )
                for touch, one in answers
            ],
        )


def journey(**more: object) -> dict[str, object]:
    """The body of a journey without steps."""
    return {"title": TITLE, "trigger": {"event": ["x"], "where": {}}, "program": [{"do": "end"}], **more}
