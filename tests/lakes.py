"""A lake in memory: its tables on an in-memory DuckDB, from Python lists; and small random ponds to fill it with."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import duckdb

from yutang.lake.engine import Lake
from yutang.lake.tables import TABLES, Table

ZONE = "Asia/Shanghai"


class Event(NamedTuple):
    """One row of `events`; bucket and day follow from it."""

    person_id: int
    event_id: int
    type: str
    at: datetime
    amount: int | None = None
    props: dict[str, Any] = {}  # noqa: RUF012 - never changed

    @property
    def day(self) -> date:
        return day_of(self.at)


class Order(NamedTuple):
    """One row of `orders`."""

    person_id: int
    event_id: int
    order_id: str
    at: datetime
    amount: int
    refunded: int = 0
    store: str | None = None
    channel: str | None = None
    coupon: str | None = None
    items: tuple[dict[str, Any], ...] = ()

    @property
    def day(self) -> date:
        return day_of(self.at)


class Touch(NamedTuple):
    """One row of `touches`; its day is that of `decided_at`."""

    person_id: int
    touch_id: int
    journey: str
    step: str | None
    message: str | None
    offer: str | None
    channel: str
    decided_at: datetime
    verdict: str
    reason: str | None = None
    state: str | None = None
    sent_at: datetime | None = None
    arm: str | None = None

    @property
    def day(self) -> date:
        return day_of(self.decided_at)


class Membership(NamedTuple):
    """One row of `memberships`."""

    person_id: int
    segment: str
    entered_at: datetime
    left_at: datetime | None = None


class Person(NamedTuple):
    """One row of `persons`; `valid_to` is None in the current one."""

    person_id: int
    created_at: datetime
    first_source: str | None = None
    first_code: str | None = None
    store: str | None = None
    owner: str | None = None
    traits: dict[str, Any] = {}  # noqa: RUF012 - never changed
    life_stage: str | None = None
    valid_from: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    valid_to: datetime | None = None


@dataclass
class Pond:
    """All rows of a lake, as Python lists."""

    events: list[Event] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    memberships: list[Membership] = field(default_factory=list)
    persons: list[Person] = field(default_factory=list)


def day_of(at: datetime) -> date:
    """The business day of an instant."""
    return at.astimezone(ZoneInfo(ZONE)).date()


def loaded(pond: Pond) -> Lake:
    """A lake in memory that holds this pond."""
    conn = duckdb.connect()
    conn.execute("set timezone = 'UTC'")
    for table in TABLES:
        columns = ", ".join(f'"{column.name}" {column.type}' for column in table.columns)
        conn.execute(f"create table {table.name} ({columns})")
        if rows := table_rows(pond)[table.name]:
            listed = ", ".join(f"unnest(?::{column.type}[])" for column in table.columns)
            conn.execute(f"insert into {table.name} select {listed}", list(map(list, zip(*rows, strict=True))))
    return Lake(conn)


def table_rows(pond: Pond) -> dict[str, list[list[Any]]]:
    """The rows of each table in the order of its columns: what any engine's lake can be filled with."""
    return {table.name: [_row(table, one) for one in getattr(pond, table.name)] for table in TABLES}


def _row(table: Table, one: Any) -> list[Any]:
    said = {name: _said(getattr(one, name)) for name in one._fields}
    said |= {"bucket": one.person_id & 1023, "day": getattr(one, "day", None)}
    return [said[column.name] for column in table.columns]


def _said(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | tuple) else value


# Random ponds: small worlds with many coincidences, for that is where engines differ.

START = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = (
    "viewed", "viewed", "ordered", "ordered", "registered", "cart", "contact_added", "contact_lost", "followed", "unfollowed",
    "invited", "invite_accepted",
)  # fmt: skip
ANSWERS = ("message_opened", "message_clicked", "message_replied")
PLACES = ("徐家汇", "O'Hare", None)
SOURCES = ("wecom", "pos", None)
CHANNELS = ("web", "till", None)
OFFERS = ("welcome", "a\\b")
TOUCHED = ("letter", "call", "group")
"""Names of channels that no channel has: questions take them as they come."""
REASONS = {"send": None, "hold": "capped", "no": "no_consent"}


def random_pond(seed: int, people: int = 12, days: int = 70) -> Pond:
    """A pond that the seed alone decides. Instants lie on a coarse grid, so that many events fall on the same one."""
    dice = random.Random(seed)
    pond = Pond()
    for _ in range(people):
        _someone(dice, pond, dice.choice((1, 7)) * 1024 * len(pond.persons) + dice.randrange(1, 1024), days)
    return pond


def _someone(dice: random.Random, pond: Pond, person: int, days: int) -> None:
    busy = dice.choice((0, 2, 8, 20))
    pond.persons += _versions(dice, person, days)
    for _ in range(busy):
        at = _instant(dice, days)
        kind = dice.choice(TYPES)
        props: dict[str, Any] = {"store": dice.choice(PLACES), "ms": dice.choice((10, 10.5, "20", None))}
        pond.events.append(Event(person, len(pond.events) + 1, kind, at, None, {k: v for k, v in props.items() if v}))
        if kind == "ordered":
            _order(dice, pond, person, at)
    for _ in range(dice.randrange(1 + busy)):
        _touch(dice, pond, person, days)
    for _ in range(dice.randrange(1 + busy // 4)):
        _coupon(dice, pond, person, days)


def _versions(dice: random.Random, person: int, days: int) -> Iterable[Person]:
    born = _instant(dice, days)
    traits = {k: v for k in ("city", "age") if (v := dice.choice(("上海", "O'Fallon", 30, None))) is not None}
    now = Person(
        person, born, dice.choice(SOURCES), dice.choice(("gate", None)), dice.choice(PLACES), dice.choice(("li", None)),
        traits, dice.choice(("new", "lost", None)), born,
    )  # fmt: skip
    if dice.random() < 0.3:
        turn = born + timedelta(days=1)
        yield replace_row(now, store="旧店", owner="old", valid_to=turn)
        now = replace_row(now, valid_from=turn)
    yield now


def replace_row(row: Any, **changed: Any) -> Any:
    """The row with other values."""
    return row._replace(**changed)


def _order(dice: random.Random, pond: Pond, person: int, at: datetime) -> None:
    number, amount = len(pond.orders) + 1, dice.choice((0, 100, 1999, 1999, 2_000_000_000_000))
    event = pond.events[-1]
    pond.events[-1] = event._replace(amount=amount, props={**event.props, "order_id": f"o{number}"})
    lines = tuple({"sku": sku, "qty": 1, "amount": amount // 2} for sku in dice.sample(("latte", "bean", "杯"), 2))
    pond.orders.append(
        Order(
            person, event.event_id, f"o{number}", at, amount, dice.choice((0, 0, amount)), dice.choice(PLACES),
            dice.choice(CHANNELS), None, lines,
        )
    )  # fmt: skip


def _touch(dice: random.Random, pond: Pond, person: int, days: int) -> None:
    number, at = 100_000 + len(pond.touches), _instant(dice, days)
    verdict = dice.choice(("send", "send", "send", "hold", "no"))
    state = dice.choice(("sent", "sent", "failed", "assigned")) if verdict == "send" else None
    sent = at + timedelta(minutes=dice.choice((0, 60))) if state == "sent" else None
    pond.touches.append(
        Touch(
            person, number, dice.choice(("hello", "wake")), None, dice.choice(("m1", None)), None, dice.choice(TOUCHED),
            at, verdict, REASONS[verdict], state, sent, None,
        )
    )  # fmt: skip
    for answer in dice.sample(ANSWERS, dice.randrange(4)) if sent or dice.random() < 0.2 else ():
        for _ in range(dice.choice((1, 1, 2))):
            when = at + timedelta(hours=dice.randrange(1, 90))
            pond.events.append(Event(person, len(pond.events) + 1, answer, when, None, {"touch_id": number}))


def _coupon(dice: random.Random, pond: Pond, person: int, days: int) -> None:
    at, number = _instant(dice, days), len(pond.events) + 1
    offer = dice.choice(OFFERS)
    pond.events.append(Event(person, number, "coupon_issued", at, None, {"code": f"c{number}", "offer": offer}))
    if dice.random() < 0.5:
        fen, later = dice.choice((0, 500)), at + timedelta(days=dice.choice((0, 1, 30)))
        props = {"code": dice.choice((f"c{number}", "stray")), "amount_fen": fen}
        pond.events.append(Event(person, number + 1, "coupon_redeemed", later, fen, props))


def _instant(dice: random.Random, days: int) -> datetime:
    """One of few days and hours, so that instants meet; some an instant before or after the end of a business day."""
    day = dice.randrange(7) * days // 7 + dice.choice((0, 1))
    at = START + timedelta(days=day, hours=dice.choice((0, 2, 15, 16, 23)), minutes=dice.choice((0, 0, 20, 30)))
    return at + timedelta(microseconds=dice.choice((0, 0, 0, -1, 1)))
