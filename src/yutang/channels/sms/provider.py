"""What the two providers have in common: the shape of a request, of a refusal, and of what a number's list says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from yutang.channels.platform.account import Account

CHINA = ZoneInfo("Asia/Shanghai")
"""Both providers write times, and count days, as the clocks in China do."""


@dataclass(frozen=True)
class Request:
    """A signed request: always a POST. The body holds phone numbers."""

    url: str
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Receipt:
    """What became of one message. touch_id: ours, when the provider gives it back."""

    serial: str
    touch_id: int | None
    arrived: bool
    code: str
    at: datetime


@dataclass(frozen=True)
class Reply:
    """What somebody answered. `number` as the provider writes it."""

    key: str
    number: str = field(repr=False)
    text: str = field(repr=False)
    at: datetime


NO_CODE = "没有错误码 no code"
"""Of a refusal that names none."""


class Refused(Exception):
    """The provider did not take the message. `words` are its own and may say more than may be kept."""

    def __init__(self, code: str, words: str = "") -> None:
        super().__init__(code)
        self.code, self.words = code, words


class Provider(Protocol):
    """One provider's dialect. Everything is pure.

    lists_all: whether the list of a number's messages shows those that have no receipt yet, so that a message missing
    there was certainly not taken.
    """

    name: str
    address: str
    lists_all: bool

    def sign(self, account: Account, action: str, params: Mapping[str, Any], now: datetime, nonce: str) -> Request:
        """The request for an action."""

    def sending(
        self, account: Account, number: str, attachment: Mapping[str, Any], touch_id: int
    ) -> tuple[str, dict[str, Any]]:
        """Action and parameters that send one message; `number` with country code and ``+``."""

    def sent(self, answer: Mapping[str, Any]) -> str:
        """The provider's number of the message. Raises Refused."""

    def looking(self, account: Account, number: str, at: datetime) -> list[tuple[str, dict[str, Any]]]:
        """Actions and parameters that list what this number was sent around `at`."""

    def found(self, answer: Mapping[str, Any], touch_id: int) -> str | None:
        """The provider's number of our message in such a list; empty text: it is there without one. Raises Refused."""

    def receipts(self, parts: Sequence[Mapping[str, Any]], at: datetime) -> list[Receipt]:
        """The receipts in a callback."""

    def replies(self, parts: Sequence[Mapping[str, Any]], at: datetime) -> list[Reply]:
        """The answers in a callback."""


def base_of(account: Account, provider: Provider) -> str:
    return (account.get("base_url") or provider.address).rstrip("/")


def days_of(at: datetime) -> list[date]:
    """The days on which a provider may have filed what was sent at this time: the next one too, just before midnight."""
    return sorted({(at + late).astimezone(CHINA).date() for late in (timedelta(0), timedelta(minutes=1))})


def touch_of(value: Any) -> int | None:
    """Our number in a field that also other systems fill."""
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def time_of(value: Any, at: datetime) -> datetime:
    """A provider's time, never later than `at` (when its callback came); `at` when it cannot be read."""
    try:
        told = datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA).astimezone(UTC)
    except ValueError:
        return at
    return min(told, at)
