"""Post: one message against one grant, which is taken before the call and given back when the call surely failed.

The platform has no key that makes a repeat harmless. A letter whose call got no answer waits for the receipt of the
platform, which settles it; without one it is given up and never sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang.channels.contract import Allowance, Letter, Result
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.caller import Caller
from yutang.channels.platform.calls.errors import Later, PlatformError, Unknown
from yutang.channels.platform.grants import fields
from yutang.channels.platform.weixin import UNKNOWN, refused
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)

REFUSED_BY_PERSON = 43101
RECEIPT_WITHIN = timedelta(minutes=10)
"""How long a letter without an answer waits for its receipt."""
FOREIGN_AFTER = timedelta(hours=1)
"""A receipt that has met no letter by then belongs to another system."""
EVENTS_KEPT = timedelta(days=7)

UNGRANTED = Result.failed("没有可用的订阅授权。 no grant is left for this template", Reason.NO_GRANT)


def stock(conn: psycopg.Connection, account: Account) -> Allowance:
    """The messages that people have agreed to and not yet been sent; more come only from them."""
    row = sql.stock(conn, account=account.source).fetchone()
    assert row is not None
    return Allowance("subscribe", "account", row.n)


class Post:
    """The way of one letter. One at a time: a crash leaves one letter at most whose outcome nobody knows.

    path: where the platform takes such messages. more: what its body says besides the letter.
    """

    def __init__(
        self,
        conn: psycopg.Connection,
        account: Account,
        clock: Callable[[], datetime],
        caller: Caller,
        path: str,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.conn, self.account, self.clock, self.caller = conn, account, clock, caller
        self.path, self.more = path, more or {}

    def send(self, letter: Letter, attachment: Mapping[str, Any]) -> Result:
        """attachment: as `fields.check` describes it, rendered. NO_GRANT means that it has surely not been sent."""
        kept = sql.kept(self.conn, touch=letter.touch_id).fetchone()
        if kept and kept.state == "sent":
            return Result.sent(kept.msgid)
        if kept and kept.state == "calling":
            return self._unknown(kept.at)
        if problems := fields.problems(attachment):
            return Result.failed(problems[0])
        at = self.clock()
        return self._begin(letter, attachment["template"], at) or self._call(letter, attachment, at)

    def _unknown(self, at: datetime) -> Result:
        """No answer, or a crash: wait for the receipt, once."""
        until = at + RECEIPT_WITHIN
        return Result.wait(until, Reason.TEMPORARY) if self.clock() < until else UNKNOWN

    def _begin(self, letter: Letter, template: str, at: datetime) -> Result | None:
        """Take the letter and a grant; without both neither, and what to say of it."""
        of = {"account": self.account.source, "openid": letter.address, "template": template}
        with self.conn.transaction() as transaction:
            if not sql.begin_call(self.conn, touch=letter.touch_id, person=letter.person_id, now=at, **of).fetchone():
                return self._unknown(at)
            if sql.take_grant(self.conn, **of).fetchone():
                return None
            raise psycopg.Rollback(transaction)
        return UNGRANTED

    def _call(self, letter: Letter, attachment: Mapping[str, Any], at: datetime) -> Result:
        try:
            answer = self.caller.call(self.path, self._body(letter, attachment))
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
                change(self.conn, account=self.account.source, openids=[row.openid], templates=[row.template])
        return UNGRANTED if none_left else refused(error, self.clock())

    def _body(self, letter: Letter, attachment: Mapping[str, Any]) -> dict[str, Any]:
        page = {"page": attachment["page"]} if attachment.get("page") else {}
        data = fields.data_of(attachment)
        return {"touser": letter.address, "template_id": attachment["template"], "data": data, **page, **self.more}


def tend(conn: psycopg.Connection, now: datetime, account: Account) -> int:
    """Forget what nobody asks for any more; returns how many grants other systems have used."""
    sql.forget_events(conn, account=account.source, before=now - EVENTS_KEPT)
    return sql.drop_foreign(conn, account=account.source, before=now - FOREIGN_AFTER).rowcount
