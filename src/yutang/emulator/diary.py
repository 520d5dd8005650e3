"""What customers said, and to whom: the phone shows both sides of a chat."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.people import Customer


@dataclass(frozen=True)
class Said:
    """Words of a customer to a member of staff, a group or an account."""

    at: datetime
    to: str
    text: str


@dataclass
class Diary:
    """By customer, oldest first."""

    said: dict[str, list[Said]] = field(default_factory=dict)


def note(city: City, customer: Customer, to: str, text: str) -> None:
    city.part(Diary).said.setdefault(customer.external_userid, []).append(Said(city.now(), to, text))


def said_by(city: City, customer: Customer) -> list[Said]:
    with city.lock:
        return list(city.part(Diary).said.get(customer.external_userid, []))
