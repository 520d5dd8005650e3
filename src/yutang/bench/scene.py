"""The pond of T2, T3 and T4: persons with a year of events, as arrays for the reference and as rows for the stages.

Rows are written as the earlier stages would have left them; scores come from `profile.refresh` itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import psycopg

from yutang import channels, ingest, profile, worker
from yutang.bench import words
from yutang.bench.house import House
from yutang.bench.words import NOW
from yutang.db.copy import KEY, copy_in, micros
from yutang.db.queries import Queries
from yutang.handles import BY_NAME, handle_key

sql = Queries(__package__)
TYPES = ("registered", "ordered", "viewed")
REGISTERED, ORDERED, VIEWED = range(3)
TAGS = 10
CITIES = ("上海", "杭州", "苏州", "南京", "宁波", "无锡", "常州", "嘉兴", "绍兴", "金华")
DAYS = 365
NOTHING = np.empty(0, np.int8)
NEVER = 1_000_000
"""Days since what never happened."""


@dataclass(frozen=True)
class Scene:
    """Persons are numbered from 0 (person_id is one more). Per event: person, kind (index in TYPES), back (business days
    ago), amount in fen. Per person: tags (a bit each), city (index in CITIES), age."""

    person: np.ndarray
    kind: np.ndarray
    back: np.ndarray
    amount: np.ndarray
    tags: np.ndarray
    city: np.ndarray
    age: np.ndarray

    @property
    def persons(self) -> int:
        return len(self.tags)

    def later(
        self, days: int, person: np.ndarray = NOTHING, kind: np.ndarray = NOTHING, amount: np.ndarray = NOTHING
    ) -> Scene:
        """The same pond some days later, with more events of that day."""
        return replace(
            self,
            person=np.concatenate([self.person, person]),
            kind=np.concatenate([self.kind, kind]),
            back=np.concatenate([self.back + days, np.zeros(len(person), self.back.dtype)]),
            amount=np.concatenate([self.amount, amount]),
        )

    def count(self, kind: int, days: int = NEVER, fen: bool = False) -> np.ndarray:
        """How many events (or how much money) per person in the last `days` days."""
        mine = (self.kind == kind) & (self.back < days)
        return np.bincount(self.person[mine], self.amount[mine] if fen else None, self.persons)

    def last(self, kind: int) -> np.ndarray:
        """Business days since the last event of a kind."""
        mine, found = self.kind == kind, np.full(self.persons, NEVER)
        np.minimum.at(found, self.person[mine], self.back[mine].astype(found.dtype))
        return found


def draw(scale: float) -> Scene:
    """1,000,000 persons with twenty events each at scale 1; few have many orders, most have few."""
    dice = np.random.default_rng(2)
    persons = round(1_000_000 * scale)
    orders = np.minimum(dice.geometric(0.2, persons) - 1, 19)
    kinds = np.tile(np.arange(20), persons) < np.repeat(orders, 20)
    kind = np.where(kinds, ORDERED, VIEWED).astype(np.int8)
    kind[19::20] = REGISTERED
    events = len(kind)
    return Scene(
        np.repeat(np.arange(persons, dtype=np.int32), 20),
        kind,
        (DAYS * dice.random(events) ** 1.5).astype(np.int16),
        dice.integers(500, 9_000, events, np.int32),
        dice.integers(0, 1 << TAGS, persons, np.int16) & dice.integers(0, 1 << TAGS, persons, np.int16),
        dice.integers(0, len(CITIES), persons, np.int8),
        dice.integers(16, 80, persons, np.int16),
    )


def building(house: House, scene: Scene) -> Callable[[psycopg.Connection], None]:
    """What writes the scene into an empty database."""

    def build(conn: psycopg.Connection) -> None:
        ingest.add_source(conn, NOW, "shop", "Shop")
        worker.settle(conn, NOW, channels.configured(house.vault))
        _copy(conn, scene)
        sql.people(conn, now=NOW, count=scene.persons)
        sql.people_known(conn, count=scene.persons)
        _handles(conn, house, scene)
        for statement in (sql.facts, sql.sums, sql.tags, sql.cities, sql.ages, sql.profiles):
            statement(conn, now=NOW, types=list(TYPES), cities=list(CITIES))
        conn.execute("drop table raw_event, raw_person")
        conn.execute("vacuum (analyze)")
        sql.caught_up(conn)
        while profile.refresh(conn, NOW).busy():
            pass
        sql.caught_up(conn)

    return build


def _copy(conn: psycopg.Connection, scene: Scene) -> None:
    """The arrays as bare rows; the time of day is in the morning, so that nothing of today lies ahead."""
    sql.raw_events(conn)
    sql.raw_persons(conn)
    morning = np.arange(len(scene.person)) % 28_800 * 1_000_000
    at = micros(NOW) - 12 * 3_600_000_000 - scene.back.astype(np.int64) * 86_400_000_000 + morning
    columns = {
        "person": ("int8", scene.person.astype(np.int64) + 1),
        "kind": ("int2", scene.kind + 1),
        "amount": ("int8", scene.amount),
    }
    copy_in(conn, "raw_event", {**columns, "at": ("timestamptz", at)})
    person = ("int8", np.arange(1, scene.persons + 1))
    copy_in(
        conn,
        "raw_person",
        {"person": person, "tags": ("int2", scene.tags), "city": ("int2", scene.city + 1), "age": ("int2", scene.age)},
    )


def _handles(conn: psycopg.Connection, house: House, scene: Scene) -> None:
    """Everybody is a member of the shop."""
    kind, secret = BY_NAME["shop"], house.vault.handle_secret
    keys = b"".join(handle_key(secret, "shop:tmall", kind, member(n)).bytes for n in range(scene.persons))
    person = ("int8", np.arange(1, scene.persons + 1))
    event = ("int8", 0)
    columns = {"key": ("uuid", np.frombuffer(keys, KEY)), "person_id": person, "origin_id": person, "event_id": event}
    copy_in(conn, "handle", columns)


def member(person: int) -> str:
    """The number by which the shop knows a person."""
    return f"member-{person:08d}"


def event(name: str, person: int, type: str, at: datetime, amount: int) -> dict[str, object]:
    """An event as the shop sends it."""
    handles = {"shop:tmall": member(person)}
    props = {"order_id": name, "amount_fen": amount} if type == "ordered" else {"page": "/menu"}
    return {"id": name, "source": "shop", "type": type, "at": at.isoformat(), "handles": handles, "props": props}


def start(conn: psycopg.Connection, rules: dict[str, dict]) -> None:
    """Put segments and a journey that answers a question at once into service."""
    words.message(conn)
    words.walk(conn, "answer", {"event": "asked"}, {"message": "hello"}, reentry="always")
    for name, rule in rules.items():
        words.segment(conn, name, rule)
