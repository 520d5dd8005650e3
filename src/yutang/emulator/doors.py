"""Where a customer's scans, taps and words go: to whichever part of the city knows the code, or the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yutang.emulator import diary, miniprogram, official_account
from yutang.emulator.people import Customer
from yutang.emulator.wecom import codes, groups, kf, links, stats

if TYPE_CHECKING:
    from yutang.emulator.city import City

SCANNERS = [codes.scanned, links.tapped, groups.scanned, kf.scanned, official_account.scanned]
"""Each is asked whether the code is one of its own, and then does what the code does."""
LISTENERS = [kf.heard, official_account.heard, miniprogram.heard]
"""Each is asked whether it is the one a customer writes to."""


def scan(city: City, customer: Customer, code: str) -> None:
    """Raises LookupError when nobody knows the code."""
    if not any(scanner(city, customer, code) for scanner in SCANNERS):
        raise LookupError(f"没有人做过码 {code!r}。 nobody has made the code {code!r}")


def says(city: City, customer: Customer, to: str, text: str) -> None:
    """Raises LookupError when the customer cannot write there."""
    _says(city, customer, to, text)
    diary.note(city, customer, to, text)


def _says(city: City, customer: Customer, to: str, text: str) -> None:
    if any(listener(city, customer, to, text) for listener in LISTENERS):
        return
    relation = city.people.relation(to, customer.external_userid)
    if relation is None or not relation.there:
        raise LookupError(f"{customer.name} 不能给 {to!r} 发消息。 {customer.name} cannot write to {to!r}")
    relation.last_chat_at, relation.spoke = city.stamp(), True
    stats.chatted(city, relation, by_customer=True)
