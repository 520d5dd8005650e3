"""Send: SMS by an approved template, through Aliyun or Tencent.

Neither provider has a key that makes a repeat harmless, so each letter is noted before its call (`sms_out`) and carries the
touch id. A letter whose call got no answer waits some minutes for its receipt; then the provider's list of the number is
asked. Sent again it is only where that list would show it if it had been taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang.channels.contract import Answer, Channel, Fact, Letter, Raw, Result
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.errors import Unknown
from yutang.channels.sms import content, receive
from yutang.channels.sms.aliyun import Aliyun
from yutang.channels.sms.client import Client, Unreached
from yutang.channels.sms.provider import Provider, Refused
from yutang.channels.sms.tencent import Tencent
from yutang.channels.sms.verdict import verdict
from yutang.db.queries import Queries
from yutang.model import Reason
from yutang.vault import Vault

sql = Queries(__package__)

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (Aliyun(), Tencent())}
LOOK_AFTER = timedelta(minutes=10)
"""How long a letter without an answer waits for its receipt before the provider's list is asked."""
RECEIPTS_KEPT = timedelta(days=3)

UNKNOWN = Result.failed(
    "没有收到服务商的答复，为免重复不再发送。 no answer came; not sent again", Reason.GAVE_UP, partly=True
)


class Sms(Channel):
    """One signature with one provider."""

    handle = "phone"
    batch = 50

    def __init__(self, vault: Vault, account: Account, clock: Callable[[], datetime]) -> None:
        self.vault, self.account, self.clock = vault, account, clock
        self.name, self.source = account.channel, account.source
        self.provider = PROVIDERS[account.get("provider")]

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:  # noqa: ARG002
        post = Post(conn, Client(conn, self.vault, self.account, self.clock, self.provider))
        return [post.send(letter) for letter in letters]

    def hear(self, conn: psycopg.Connection, now: datetime, raws: Sequence[Raw]) -> None:  # noqa: ARG002
        receive.hear(conn, self.vault, self.account, self.provider, raws)

    def receive(self, conn: psycopg.Connection, now: datetime) -> list[Answer | Fact]:
        return [*news.take(conn, self.name, now), *receive.meet(conn, self.account)]

    def tend(self, conn: psycopg.Connection, now: datetime) -> int:
        receive.forget(conn, self.account, now - RECEIPTS_KEPT)
        return 0


class Post:
    """The way of one letter. One at a time: a crash leaves one letter at most whose outcome nobody knows."""

    def __init__(self, conn: psycopg.Connection, client: Client) -> None:
        self.conn, self.client = conn, client
        self.account, self.provider, self.clock = client.account, client.provider, client.clock

    def send(self, letter: Letter) -> Result:
        kept = sql.kept(self.conn, touch=letter.touch_id).fetchone()
        if kept and kept.state == "sent":
            return Result.sent(kept.serial)
        if kept and kept.state == "calling":
            return self._look(letter, kept.at)
        attachment = next(iter(letter.attachments), {})
        problems = content.check(attachment, letter.body) or content.check_params(
            attachment, isinstance(self.provider, Tencent)
        )
        return Result.failed(problems[0]) if problems else self._call(letter, attachment)

    def _call(self, letter: Letter, attachment: Mapping[str, Any]) -> Result:
        at = self.clock()
        if not self._begin(letter, at):
            return self._waits(at)
        action, params = self.provider.sending(self.account, letter.address, attachment, letter.touch_id)
        try:
            serial = self.provider.sent(self.client.ask(action, params)) or None
        except Unknown:
            return self._waits(at)
        except Unreached:
            sql.note_returned(self.conn, touch=letter.touch_id, at=at)
            return Result.retry("连不上服务商。 the provider is out of reach")
        except Refused as refused:
            sql.note_returned(self.conn, touch=letter.touch_id, at=at)
            return verdict(self.clock(), refused)
        return self._sent(letter, serial)

    def _look(self, letter: Letter, at: datetime) -> Result:
        """A call was begun at `at` and its end is not known."""
        if self.clock() < at + LOOK_AFTER:
            return self._waits(at)
        try:
            serial = self._found(letter, at)
        except (Unknown, Unreached, Refused) as error:
            return Result.retry(f"查询发送结果失败 the provider's list cannot be read: {type(error).__name__}")
        if serial is not None:
            return self._sent(letter, serial or None)
        if not self.provider.lists_all:
            return UNKNOWN
        # Not taken: the letter is free, for whoever of two workers is first to say so.
        if sql.note_returned(self.conn, touch=letter.touch_id, at=at).fetchone() is None:
            return self._waits(self.clock())
        return self.send(letter)

    def _found(self, letter: Letter, at: datetime) -> str | None:
        for action, params in self.provider.looking(self.account, letter.address, at):
            serial = self.provider.found(self.client.ask(action, params), letter.touch_id)
            if serial is not None:
                return serial
        return None

    def _waits(self, at: datetime) -> Result:
        return Result.wait(at + LOOK_AFTER, Reason.TEMPORARY)

    def _begin(self, letter: Letter, at: datetime) -> bool:
        """False when somebody else has the letter."""
        row = sql.begin_call(
            self.conn, touch=letter.touch_id, account=self.account.name, person=letter.person_id, now=at
        )
        return row.fetchone() is not None

    def _sent(self, letter: Letter, serial: str | None) -> Result:
        sql.note_sent(self.conn, touch=letter.touch_id, serial=serial)
        return Result.sent(serial)
