"""Send: subscribe messages, each against a grant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

import psycopg

from yutang.channels.contract import Allowance, Answer, Channel, Fact, Letter, Raw, Result
from yutang.channels.miniprogram import receive
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.caller import Caller
from yutang.channels.platform.calls.weixin import WEIXIN
from yutang.channels.platform.grants import hear as grants
from yutang.channels.platform.grants.post import Post, stock, tend
from yutang.vault import Vault

SEND = "cgi-bin/message/subscribe/send"
MORE = {"miniprogram_state": "formal", "lang": "zh_CN"}


class MiniProgram(Channel):
    """One mini-program."""

    batch = 50

    def __init__(self, vault: Vault, account: Account, clock: Callable[[], datetime]) -> None:
        self.vault, self.account, self.clock = vault, account, clock
        self.name, self.source = account.channel, account.source
        self.handle = f"openid@{account.get('app_id')}"

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:  # noqa: ARG002
        caller = Caller(conn, self.vault, self.account, self.clock, WEIXIN)
        post = Post(conn, self.account, self.clock, caller, SEND, MORE)
        return [post.send(letter, next(iter(letter.attachments), {})) for letter in letters]

    def hear(self, conn: psycopg.Connection, now: datetime, raws: Sequence[Raw]) -> None:  # noqa: ARG002
        receive.hear(conn, self.account, raws)

    def receive(self, conn: psycopg.Connection, now: datetime) -> list[Answer | Fact]:
        return [*news.take(conn, self.name, now), *grants.meet(conn, self.account)]

    def allowances(self, conn: psycopg.Connection, day: date) -> list[Allowance]:  # noqa: ARG002
        return [stock(conn, self.account)]

    def tend(self, conn: psycopg.Connection, now: datetime) -> int:
        return tend(conn, now, self.account)
