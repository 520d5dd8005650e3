"""What a channel is: something that takes letters to people and says, letter by letter, what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import psycopg

from yutang.model import Reason


@dataclass(frozen=True)
class Letter:
    """One rendered message. `touch_id` is its idempotency key: the same letter may come twice, after a crash.

    `address` is plain text, unsealed just before sending: keep it out of logs, details and exceptions.
    `meta` holds ``message`` (its name), ``tries`` (1 at the first) and, where there is one, ``unsubscribe`` (a link).
    """

    touch_id: int
    person_id: int
    address: str = field(repr=False)
    subject: str
    body: str
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What became of one letter. `detail` is for operators and holds no personal data.

    until: it was not tried, and is not to be before then; such a wait costs no try.
    """

    state: Literal["sent", "retry", "failed"]
    reason: Reason | None = None
    detail: str = ""
    provider_id: str | None = None
    until: datetime | None = None

    @staticmethod
    def sent(provider_id: str | None = None) -> Result:
        return Result("sent", provider_id=provider_id)

    @staticmethod
    def retry(detail: str) -> Result:
        """It may work later."""
        return Result("retry", Reason.TEMPORARY, detail)

    @staticmethod
    def wait(until: datetime, reason: Reason) -> Result:
        """Not now; nothing was tried."""
        return Result("retry", reason, until=until)

    @staticmethod
    def failed(detail: str, reason: Reason = Reason.PERMANENT) -> Result:
        """It will never work; nobody tries again."""
        return Result("failed", reason, detail)


@dataclass(frozen=True)
class Answer:
    """What came back for a letter: an event type such as ``message_opened``; `key` tells it from the letter's other answers."""

    touch_id: int
    person_id: int
    key: str
    type: str
    at: datetime
    props: Mapping[str, Any] = field(default_factory=dict)


class Channel:
    """Base of all channels. `send` runs outside any transaction and within `LEASE_SECONDS`, else the letters are claimed again.

    name: the word that messages and consents use. handle: the full kind of handle that is its address (``email``), None
    when it reaches any person by id. batch: letters per call.
    """

    name: str
    handle: str | None = None
    batch: int = 100

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:
        """One result per letter, in their order. An exception means: try all of them again later."""
        raise NotImplementedError

    def receive(self, conn: psycopg.Connection, now: datetime) -> list[Answer]:  # noqa: ARG002
        """Answers that are there by now, each once: called in the transaction that makes them events."""
        return []


LEASE_SECONDS = 300
"""How long a claimed batch belongs to one worker."""
