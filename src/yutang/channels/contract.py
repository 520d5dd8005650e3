"""What a channel is: something that takes letters to people and says, letter by letter, what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import psycopg

from yutang.model import Reason

STAFF = "staff"
"""The channel whose letters are tasks: something for a member of staff to do."""
OWNER = "owner"
"""As the one to do a task: whoever the person's contact belongs to; also the trait that names him where no platform does."""


@dataclass(frozen=True)
class Letter:
    """One rendered message. `touch_id` is its idempotency key: the same letter may come twice, after a crash.

    `address` is plain text, unsealed just before sending: keep it out of logs, details and exceptions.
    `meta` holds ``message`` (its name), ``tries`` (1 at the first), ``deadline``, where there is one ``unsubscribe`` (a link),
    and for a task ``task``: ``to``, ``escalate_to`` (or None), and the instants ``due_at``, ``escalate_at``, ``late_at``. `attachments`: what goes with the words, as ``{"kind": "link" | "image" | "miniprogram" | …, …}``.
    """

    touch_id: int
    person_id: int
    address: str = field(repr=False)
    subject: str
    body: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    attachments: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Result:
    """What became of one letter. `detail` is for operators and holds no personal data.

    assigned: a member of staff has been asked to send it; an `Answer` of type ``message_sent`` or ``message_failed``
    says later what became of it. until: it was not tried, and is not to be before then; such a wait costs no try.
    partly: it failed, but some of it may have arrived.
    """

    state: Literal["sent", "assigned", "retry", "failed"]
    reason: Reason | None = None
    detail: str = ""
    provider_id: str | None = None
    until: datetime | None = None
    partly: bool = False

    @staticmethod
    def sent(provider_id: str | None = None) -> Result:
        return Result("sent", provider_id=provider_id)

    @staticmethod
    def assigned(provider_id: str | None = None) -> Result:
        """Somebody has been asked to send it."""
        return Result("assigned", provider_id=provider_id)

    @staticmethod
    def retry(detail: str) -> Result:
        """It may work later."""
        return Result("retry", Reason.TEMPORARY, detail)

    @staticmethod
    def wait(until: datetime, reason: Reason) -> Result:
        """Not now; nothing was tried."""
        return Result("retry", reason, until=until)

    @staticmethod
    def failed(detail: str, reason: Reason = Reason.PERMANENT, *, partly: bool = False) -> Result:
        """It will never work; nobody tries again."""
        return Result("failed", reason, detail, partly=partly)


@dataclass(frozen=True)
class Answer:
    """What came back for a letter: an event type such as ``message_opened``; `key` tells it from the letter's other answers."""

    touch_id: int
    person_id: int
    key: str
    type: str
    at: datetime
    props: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """A callback as the platform sent it, verified and decrypted, before anybody has interpreted it."""

    event_id: int
    text: str
    at: datetime
    received_at: datetime


@dataclass(frozen=True)
class Fact:
    """Something that a platform says about a person, in the words of the event registry; it enters by the door.

    key: the same fact told twice has the same key. handles: full kind to value, as in ``POST /v1/events``.
    """

    key: str
    type: str
    at: datetime
    handles: Mapping[str, str]
    props: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Wish:
    """Whoever has this address is to be shown to carry a tag at the platform, or not to."""

    address: str
    tag: str
    wanted: bool


@dataclass(frozen=True)
class Allowance:
    """How much of one kind a platform lets a channel send from `first` to `last`, days of the channel's calendar; without days:
    what is in stock, until more comes.

    kind: ``message`` is whatever journeys say here; another word means the messages with an attachment of that kind, or what
    the channel does beside journeys. per: each person has so much, or the account. used: what is gone of the account's, where
    nobody but the channel knows.
    """

    kind: str
    per: Literal["person", "account"]
    amount: int
    first: date | None = None
    last: date | None = None
    used: int = 0


class Channel:
    """Base of all channels. `send` and `tend` run outside any transaction and within `LEASE_SECONDS`.

    name: the word that messages and consents use. handle: the full kind of handle that is its address (``email``), None
    when it reaches any person by id. batch: letters per call. source: where its callbacks and facts come from, None when
    it has none. calendar: the time zone of its allowances.
    """

    name: str
    handle: str | None = None
    batch: int = 100
    source: str | None = None
    calendar: str = "Asia/Shanghai"

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:
        """One result per letter, in their order. An exception means: try all of them again later."""
        raise NotImplementedError

    def hear(self, conn: psycopg.Connection, now: datetime, raws: Sequence[Raw]) -> None:
        """Keep what callbacks say, in the channel's own tables; no network. The same callback may come again."""

    def receive(self, conn: psycopg.Connection, now: datetime) -> list[Answer | Fact]:  # noqa: ARG002
        """What is there by now, each once: called in the transaction that makes events of it."""
        return []

    def mirror(self, conn: psycopg.Connection, now: datetime, wishes: Sequence[Wish]) -> None:
        """Take note of tags that people have got or lost; no network. The same wish may come again.

        Which of them the platform is to show, the channel knows itself.
        """

    def allowances(self, conn: psycopg.Connection, day: date) -> Sequence[Allowance]:  # noqa: ARG002
        """What its platform allows in the windows that hold `day`; nothing: as much as one likes."""
        return ()

    def call_off(self, conn: psycopg.Connection, now: datetime, touches: Sequence[int]) -> None:
        """Take note of letters that nobody is to send any more, though somebody was asked to; no network.

        What becomes of them is told as of any other: ``message_failed``, or ``message_sent`` where it was too late.
        """

    def due(self, conn: psycopg.Connection, now: datetime) -> bool:  # noqa: ARG002
        """Is there an errand to do or a fact to tell? Asked at every turn of the loop: one cheap look, writing nothing."""
        return False

    def tend(self, conn: psycopg.Connection, now: datetime) -> int:  # noqa: ARG002
        """The channel's own errands with its platform: what it must ask, mirror or follow up. Returns how many were done.

        A bounded share per call. Outcomes go to its own tables, from where `receive` tells them.
        """
        return 0


LEASE_SECONDS = 300
"""How long a claimed batch belongs to one worker."""
