"""An invented coffee brand: 90 days, made from one seed. People answer the coupons that the journeys really gave them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from yutang.channels.contract import Letter
from yutang.channels.sandbox.send import Reaction, Reply
from yutang.demo.feed import Happened
from yutang.demo.people import CITIES, Population, populate
from yutang.demo.summary import sql

HANDLE = "shop:luckin"
DRINKS = (
    ("latte", "拿铁", 1800),
    ("americano", "美式", 1300),
    ("coconut", "生椰拿铁", 1900),
    ("velvet", "丝绒拿铁", 2000),
    ("matcha", "抹茶拿铁", 2100),
)
MOODS = 8
"""Random numbers per person and day; always all of them, so that no answer shifts those of another day."""


class Coffee:
    """The feed."""

    first = date(2026, 3, 1)
    days = 90

    def __init__(self, zone: str, people: int = 1500, seed: int = 20260301) -> None:
        self.zone, self.seed = ZoneInfo(zone), seed
        self.people = populate(np.random.default_rng(seed), people, self.days)

    def goods(self) -> Iterator[dict[str, Any]]:
        """The menu."""
        for product, name, price in DRINKS:
            yield {"id": product, "title": name, "price_fen": price, "category": "咖啡"}

    def script(self, letter: Letter) -> Reaction:
        """Two in five open a message, some of them tap on it."""
        mood = zlib.crc32(f"{letter.person_id}:{letter.subject[:6]}".encode()) % 100
        replies = [Reply("message_opened", timedelta(minutes=5 + mood * 6))] * (mood < 40)
        return Reaction(replies=(*replies, *[Reply("message_clicked", timedelta(minutes=6 + mood * 6))] * (mood < 12)))

    def day(self, conn: psycopg.Connection, day: date) -> list[Happened]:
        morning = datetime.combine(day, time(), self.zone)
        number = (day - self.first).days
        chance = np.random.default_rng((self.seed, number)).random((len(self.people), MOODS))
        held = {int(row.member): row for row in reversed(sql.open_coupons(conn, kind=HANDLE, now=morning).fetchall())}
        rows = [
            event
            for member in np.flatnonzero(self.people.joined <= number)
            for event in _Day(self.people, int(member), number, morning, chance[member], held.get(int(member))).events()
        ]
        return sorted(rows)


class _Day:
    """One day of one person."""

    def __init__(
        self, people: Population, member: int, number: int, morning: datetime, chance: np.ndarray, coupon: Any
    ) -> None:
        self.people, self.member, self.number, self.morning, self.chance, self.coupon = (
            people,
            member,
            number,
            morning,
            chance,
            coupon,
        )

    def events(self) -> Iterator[Happened]:
        if self.people.joined[self.member] == self.number:
            yield from self._joins()
        if self.people.withdraws[self.member] == self.number:
            yield self._event("consent_withdrawn", 13.5, {"channel": "*"})
        if self.chance[0] < 0.02 + 0.6 * self.people.rate[self.member]:
            yield self._event("viewed", self._hour() - 0.1, {"page": "menu", "product": self._drink()[0]})
        if self.chance[1] < self._wish():
            yield from self._orders()

    def _joins(self) -> Iterator[Happened]:
        p, n = self.people, self.member
        yield self._event("registered", 7.5, {"channel": "mini_program"})
        yield self._event("profile_updated", 7.5, {"traits": {"city": CITIES[p.city[n]], "name": p.name[n]}})
        if self.chance[7] < 0.6:
            yield self._event("consent_given", 7.5, {"channel": "sandbox"})

    def _wish(self) -> float:
        """The chance of an order today: habit, and what the coupon in the pocket adds."""
        habit = self.people.rate[self.member] * (1.0 if self.number < self.people.leaves[self.member] else 0.05)
        return habit + self.people.swayed[self.member] * self._pull()

    def _pull(self) -> float:
        """How much of the price the coupon takes off: 0 to 1."""
        if self.coupon is None:
            return 0.0
        return 1 - self.coupon.pay_percent / 100 if self.coupon.pay_percent is not None else 0.25

    def _orders(self) -> Iterator[Happened]:
        product, name, price = self._drink()
        cups = int(self.people.cups[self.member])
        full = price * cups
        off = self._off(full)
        order = f"L{self.number:03d}-{self.member:05d}"
        item = {"product": product, "name": name, "quantity": cups, "amount_fen": full}
        props: dict[str, Any] = {
            "order_id": order,
            "amount_fen": full - off,
            "discount_fen": off,
            "items": [item],
            "store": f"S{self.member % 12:02d}",
        }
        if off:
            props["coupon_codes"] = [self.coupon.code]
        yield self._event("ordered", self._hour(), props)
        if off:
            yield self._event(
                "coupon_redeemed", self._hour() + 0.01, {"code": self.coupon.code, "order_id": order, "amount_fen": off}
            )
        if self.chance[6] < 0.01:
            yield self._event("refunded", self._hour() + 1, {"order_id": order, "amount_fen": full - off})

    def _off(self, full: int) -> int:
        """Fen that the coupon takes off; most people think of it."""
        if self.coupon is None or self.chance[5] > 0.9 or full < self.coupon.minimum_fen:
            return 0
        return self.coupon.off_fen if self.coupon.pay_percent is None else full * (100 - self.coupon.pay_percent) // 100

    def _drink(self) -> tuple[str, str, int]:
        return DRINKS[int(self.chance[4] * len(DRINKS))]

    def _hour(self) -> float:
        """Most drink in the morning, the others after lunch."""
        return 8 + 2.5 * self.chance[3] if self.chance[2] < 0.6 else 13 + 5 * self.chance[3]

    def _event(self, type: str, hour: float, props: dict[str, Any]) -> Happened:
        at = self.morning + timedelta(seconds=round(hour * 3600))
        event = {
            "id": f"{type}-{self.number}-{self.member}", "source": "app", "type": type, "at": at.isoformat(),
            "handles": {HANDLE: str(self.member)}, "props": props,
        }  # fmt: skip
        return Happened(at, json.dumps(event, ensure_ascii=False).encode())
