"""Send: subscribe messages, each against a grant that is taken before the call and given back when the call surely failed.

The platform has no key that makes a repeat harmless. A letter whose call got no answer waits for the receipt of the
platform, which settles it; without one it is given up and never sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang.channels.contract import Answer, Channel, Fact, Letter, Raw, Result
from yutang.channels.miniprogram import fields, receive
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.caller import Caller
from yutang.channels.platform.calls.errors import Later, PlatformError, Unknown
from yutang.channels.platform.calls.weixin import WEIXIN
from yutang.db.queries import Queries
from yutang.model import Reason
from yutang.vault import Vault

sql = Queries(__package__)

SEND = "cgi-bin/message/subscribe/send"
REFUSED_BY_PERSON = 43101
AGAIN = timedelta(minutes=1)
"""When to ask again after the platform has said: later."""
RECEIPT_WITHIN = timedelta(minutes=10)
"""How long a letter without an answer waits for its receipt."""
FOREIGN_AFTER = timedelta(hours=1)
"""A receipt that has met no letter by then belongs to another system."""
EVENTS_KEPT = timedelta(days=7)

UNKNOWN = Result.failed("没有收到平台的答复，为免重复不再发送。 no answer came; not sent again", Reason.GAVE_UP)
UNGRANTED = Result.failed("没有可用的订阅授权。 no grant is left for this template", Reason.NO_GRANT)


class MiniProgram(Channel):
    """One mini-program."""

    batch = 50

    def __init__(self, vault: Vault, account: Account, clock: Callable[[], datetime]) -> None:
        self.vault, self.account, self.clock = vault, account, clock
        self.name, self.source = account.channel, account.source
        self.handle = f"openid@{account.get('app_id')}"

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:  # noqa: ARG002
        post = Post(conn, self.account, self.clock, Caller(conn, self.vault, self.account, self.clock, WEIXIN))
        return [post.send(letter) for letter in letters]

    def hear(self, conn: psycopg.Connection, now: datetime, raws: Sequence[Raw]) -> None:  # noqa: ARG002
        receive.hear(conn, self.account, raws)

    def receive(self, conn: psycopg.Connection, now: datetime) -> list[Answer | Fact]:
        return [*news.take(conn, self.name, now), *receive.meet(conn, self.account)]

    def tend(self, conn: psycopg.Connection, now: datetime) -> int:
        sql.forget_events(conn, account=self.account.name, before=now - EVENTS_KEPT)
        return sql.drop_foreign(conn, account=self.account.name, before=now - FOREIGN_AFTER).rowcount


class Post:
    """The way of one letter. One at a time: a crash leaves one letter at most whose outcome nobody knows."""

    def __init__(
        self, conn: psycopg.Connection, account: Account, clock: Callable[[], datetime], caller: Caller
    ) -> None:
        self.conn, self.account, self.clock, self.caller = conn, account, clock, caller

    def send(self, letter: Letter) -> Result:
        kept = sql.kept(self.conn, touch=letter.touch_id).fetchone()
        if kept and kept.state == "sent":
            return Result.sent(kept.msgid)
        if kept and kept.state == "calling":
            return self._unknown(kept.at)
        attachment = next(iter(letter.attachments), {})
        if problems := fields.problems(attachment):
            return Result.failed(problems[0])
        at = self.clock()
        if not self._begin(letter, attachment["template"], at):
            return UNGRANTED
        return self._call(letter, attachment, at)

    def _unknown(self, at: datetime) -> Result:
        """No answer, or a crash: wait for the receipt, once."""
        until = at + RECEIPT_WITHIN
        return Result.wait(until, Reason.TEMPORARY) if self.clock() < until else UNKNOWN

    def _begin(self, letter: Letter, template: str, at: datetime) -> bool:
        """Take the letter and a grant, or neither."""
        with self.conn.transaction() as transaction:
            begun = sql.begin_call(
                self.conn,
                touch=letter.touch_id,
                account=self.account.name,
                person=letter.person_id,
                openid=letter.address,
                template=template,
                now=at,
            ).fetchone()
            taken = (
                begun
                and sql.take_grant(
                    self.conn, account=self.account.name, openid=letter.address, template=template
                ).fetchone()
            )
            if not taken:
                raise psycopg.Rollback(transaction)
            return True
        return False

    def _call(self, letter: Letter, attachment: Mapping[str, Any], at: datetime) -> Result:
        try:
            answer = self.caller.call(SEND, _body(letter, attachment))
        except Unknown:
            return self._unknown(at)
        except (PlatformError, Later) as error:
            return self._refused(letter, error)
        msgid = str(answer.get("msgid") or "") or None
        sql.note_sent(self.conn, touch=letter.touch_id, msgid=msgid)
        return Result.sent(msgid)

    def _refused(self, letter: Letter, error: PlatformError | Later) -> Result:
        """It was not sent, so the letter is free again, and its grant too unless the platform knows of none."""
        none_left = isinstance(error, PlatformError) and error.code == REFUSED_BY_PERSON
        with self.conn.transaction():
            if row := sql.note_returned(self.conn, touch=letter.touch_id).fetchone():
                change = sql.refuse if none_left else sql.grant_more
                change(self.conn, account=self.account.name, openids=[row.openid], templates=[row.template])
        return UNGRANTED if none_left else self._verdict(error)

    def _verdict(self, error: PlatformError | Later) -> Result:
        """What a refusal means for the letter; `detail` names the code, never the person."""
        if isinstance(error, Later):
            return Result.wait(error.until, error.reason)
        if error.sort == "later":
            return Result.wait(self.clock() + AGAIN, Reason.QUOTA)
        detail = f"{error.code} {error.zh} {error.en}"
        return Result.failed(detail) if error.sort in ("bug", "gone") else Result.retry(detail)


def _body(letter: Letter, attachment: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "touser": letter.address,
        "template_id": attachment["template"],
        "page": attachment.get("page", ""),
        "data": fields.data_of(attachment),
        "miniprogram_state": "formal",
        "lang": "zh_CN",
    }
