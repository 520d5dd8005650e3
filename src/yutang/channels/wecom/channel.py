"""The WeCom channel: customers are heard through callbacks and reached through welcomes and the staff whose contacts they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import psycopg
import structlog

from yutang.channels.contract import Allowance, Answer, Channel, Fact, Letter, Raw, Result, Wish
from yutang.channels.platform import calls, news
from yutang.channels.platform.account import Account
from yutang.channels.wecom import errands, receive, sync, tags
from yutang.channels.wecom.desk import Desk, open_desk
from yutang.channels.wecom.send import send
from yutang.channels.wecom.tasks import media, moments, notices, quotas, results, welcome
from yutang.channels.wecom.tasks.due import something_due
from yutang.vault import Vault

log = structlog.get_logger()


def _trim_calls(desk: Desk) -> int:
    return calls.trim(desk.conn, desk.clock())


def _begin_walk(desk: Desk) -> int:
    """The first walk through everything, and one each night; `errands` takes its steps."""
    now = desk.clock().astimezone(quotas.ZONE)
    kind = sync.due(desk.conn, now, desk.account)
    return int(kind is not None and sync.begin(desk.conn, now, desk.account, kind))


def _errands(desk: Desk) -> int:
    return errands.tend(desk.conn, desk.wecom.caller.vault, desk.account, desk.clock, ERRANDS)


ERRANDS = 100
"""Errands per call."""

CHORES: tuple[Callable[[Desk], int], ...] = (_begin_walk, _errands, results.poll, moments.poll)
"""What is tended, in this order, a bounded share each; one that fails does not keep the others from their turn."""

TRIMS: tuple[Callable[[Desk], int], ...] = (quotas.trim, media.trim, welcome.trim, notices.trim, _trim_calls)
"""The same, once an hour: what is too old to be asked for."""
TRIM_EVERY = timedelta(hours=1)


class WeCom(Channel):
    """One account: `account` with its secrets, opened by `vault`. `clock` is the time that welcomes and quotas go by."""

    batch = 1000

    def __init__(self, vault: Vault, account: Account, clock: Callable[[], datetime]) -> None:
        self.vault, self.account, self.clock = vault, account, clock
        self.name = account.channel
        self.source = account.source
        self.handle = f"external_userid@{account.get('corp_id')}"
        self.trim_at = clock()

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:  # noqa: ARG002
        return send(conn, self.vault, self.account, self.clock, letters)

    def hear(self, conn: psycopg.Connection, now: datetime, raws: Sequence[Raw]) -> None:
        receive.hear(conn, now, self.account, raws)

    def receive(self, conn: psycopg.Connection, now: datetime) -> list[Answer | Fact]:
        return news.take(conn, self.name, now)

    def mirror(self, conn: psycopg.Connection, now: datetime, wishes: Sequence[Wish]) -> None:
        tags.mirror(conn, now, self.account, wishes)

    def allowances(self, conn: psycopg.Connection, day: date) -> list[Allowance]:
        return quotas.allowances(conn, self.account, day)

    def call_off(self, conn: psycopg.Connection, now: datetime, touches: Sequence[int]) -> None:
        results.call_off(conn, self.account, now, touches)

    def due(self, conn: psycopg.Connection, now: datetime) -> bool:
        return something_due(conn, self.account, now)

    def tend(self, conn: psycopg.Connection, now: datetime) -> int:
        desk, chores = open_desk(conn, self.vault, self.account, self.clock), CHORES
        if now >= self.trim_at:
            self.trim_at, chores = now + TRIM_EVERY, CHORES + TRIMS
        return sum(self._do(chore, desk) for chore in chores)

    def _do(self, chore: Callable[[Desk], int], desk: Desk) -> int:
        try:
            return chore(desk)
        except psycopg.OperationalError:
            raise
        except Exception:
            log.exception("an errand failed; it is tried again", channel=self.name, chore=chore.__module__)
            return 0
