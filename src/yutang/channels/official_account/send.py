"""Send: as a customer service message while a window is open, else as the notice that the message names: against a grant
(subscribe), or by template.

Each letter is noted before its call (`oa_out`), so that after a crash it is known whose outcome is not. A template message
whose outcome is unknown is sent again with the same client_msg_id, which the platform drops if it has it. Customer service
messages have nothing of the kind, and no way to look for one: they are not sent again, and the letter is given up. What
goes against a grant is kept by `platform.grants`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from yutang.channels.contract import Allowance, Answer, Channel, Fact, Letter, Raw, Result
from yutang.channels.official_account import codes, content, fans, receive
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.caller import Caller
from yutang.channels.platform.calls.errors import Later, PlatformError, Unknown
from yutang.channels.platform.calls.weixin import WEIXIN
from yutang.channels.platform.grants import post as grants
from yutang.channels.platform.weixin import UNKNOWN, refused
from yutang.db.queries import Queries
from yutang.model import Reason
from yutang.vault import Vault

sql = Queries(__package__)

CUSTOM = "cgi-bin/message/custom/send"
TEMPLATE = "cgi-bin/message/template/send"
SUBSCRIBE = "cgi-bin/message/subscribe/bizsend"
SPOKEN = replace(WEIXIN, retry={**WEIXIN.retry, CUSTOM: "create", TEMPLATE: "create"})
"""Whether to call a second time is decided here, letter by letter: so each refusal is known to mean "not sent"."""

TEMPLATES_A_DAY = ((date(2019, 1, 1), 100_000),)
"""From when how many template messages an account may send a day. (Accounts with very many followers may send more.)"""

NOT_REACHABLE = (43004, 48002)
NO_WINDOW = (45015, 45047)
REMEMBERED = timedelta(minutes=10)
"""How long the platform is trusted to know a client_msg_id again."""

SHUT = Result.failed(
    "没有开放的客服窗口，也没有模板消息或订阅通知。 no window is open, and no template is named", Reason.NO_WINDOW
)
LEFT = Result.failed("已取消关注或拒收。 no longer follows, or refuses messages", Reason.BLOCKED)


class OfficialAccount(Channel):
    """One service account. `clock`: what time it is; windows are short, so a batch looks at it again and again."""

    batch = 50

    def __init__(self, vault: Vault, account: Account, clock: Callable[[], datetime]) -> None:
        self.vault, self.account, self.clock = vault, account, clock
        self.name, self.source = account.channel, account.source
        self.handle = f"openid@{account.get('app_id')}"

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:  # noqa: ARG002
        post = Post(conn, self.account, self.clock, self._caller(conn))
        return [post.send(letter) for letter in letters]

    def hear(self, conn: psycopg.Connection, now: datetime, raws: Sequence[Raw]) -> None:
        receive.hear(conn, now, self.account, raws)

    def receive(self, conn: psycopg.Connection, now: datetime) -> list[Answer | Fact]:
        return [*news.take(conn, self.name, now), *receive.meet(conn, self.account)]

    def allowances(self, conn: psycopg.Connection, day: date) -> list[Allowance]:
        """A customer service message answers what the customer does, so none can be planned."""
        most = max((rule for rule in TEMPLATES_A_DAY if rule[0] <= day), default=TEMPLATES_A_DAY[0])[1]
        return [Allowance(content.TEMPLATE, "account", most, day, day), grants.stock(conn, self.account)]

    def tend(self, conn: psycopg.Connection, now: datetime) -> int:
        caller = self._caller(conn)
        made = codes.tend(conn, now, self.account, caller)
        return made + fans.tend(conn, now, self.account, caller) + grants.tend(conn, now, self.account)

    def _caller(self, conn: psycopg.Connection) -> Caller:
        return Caller(conn, self.vault, self.account, self.clock, SPOKEN)


class Post:
    """The way of one letter. One at a time: a crash leaves one letter at most whose outcome nobody knows."""

    def __init__(
        self, conn: psycopg.Connection, account: Account, clock: Callable[[], datetime], caller: Caller
    ) -> None:
        self.conn, self.account, self.clock, self.caller = conn, account, clock, caller
        self.grants = grants.Post(conn, account, clock, caller, SUBSCRIBE)

    def send(self, letter: Letter) -> Result:
        kept = sql.kept(self.conn, account=self.account.name, openid=letter.address, touch=letter.touch_id).fetchone()
        if kept.state == "sent":
            return Result.sent(kept.msgid)
        if kept.state == "calling":
            return self._again(letter, kept)
        if kept.left_us:
            return LEFT
        if problems := [text for one in letter.attachments for text in content.problems(one)]:
            return Result.failed(problems[0])
        return self._custom(letter) or self._subscribe(letter) or self._template(letter) or SHUT

    def _again(self, letter: Letter, kept: Any) -> Result:
        """A call was begun and its end is not known."""
        if kept.way == "subscribe" and (notice := content.named(letter, content.SUBSCRIBE)):
            return self._against_grant(letter, notice)
        if kept.way == "template" and self.clock() < kept.at + REMEMBERED and content.named(letter, content.TEMPLATE):
            return self._call_template(letter, fresh=False)
        return UNKNOWN

    def _custom(self, letter: Letter) -> Result | None:
        """None when no window is open, by our count or by the platform's."""
        at = self.clock()
        if not self._reserve(letter, at):
            return None
        try:
            self.caller.call(CUSTOM, content.custom(letter))
        except Unknown:
            return UNKNOWN
        except (PlatformError, Later) as error:
            self._end(letter, "returned")
            if isinstance(error, PlatformError) and error.code in NO_WINDOW:
                sql.close_windows(self.conn, account=self.account.name, openid=letter.address, now=at)
                return None
            return self._refused(letter, error)
        return self._sent(letter, None)

    def _reserve(self, letter: Letter, at: datetime) -> bool:
        """Take a slot of a window, and the letter, in one transaction."""
        who = {"account": self.account.name, "openid": letter.address}
        with self.conn.transaction():
            sql.lock_windows(self.conn, **who)
            free = sql.has_slot(self.conn, **who, now=at).fetchone()
            return bool(free and free.free) and self._begin(letter, "custom", at)

    def _subscribe(self, letter: Letter) -> Result | None:
        """None when the message names none."""
        notice = content.named(letter, content.SUBSCRIBE)
        if notice is None:
            return None
        return self._against_grant(letter, notice) if self._begin(letter, "subscribe", self.clock()) else UNKNOWN

    def _against_grant(self, letter: Letter, notice: Mapping[str, Any]) -> Result:
        """Where no grant is left, by the template that the message names beside it. Else the letter stays with this way."""
        result = self.grants.send(letter, notice)
        if result.reason is not Reason.NO_GRANT:
            return result
        self._end(letter, "returned")
        return self._template(letter) or result

    def _template(self, letter: Letter) -> Result | None:
        """None when the message names none."""
        if content.named(letter, content.TEMPLATE) is None:
            return None
        if not self._begin(letter, "template", self.clock()):
            return UNKNOWN
        return self._call_template(letter, fresh=True)

    def _call_template(self, letter: Letter, fresh: bool) -> Result:
        """fresh: no call of this letter was begun before, so that a refusal means that it has not been sent."""
        try:
            answer = self.caller.call(TEMPLATE, content.template(letter))
        except Unknown:
            return Result.retry("没有答复，凭 client_msg_id 重发。 no answer; sent again under the same client_msg_id")
        except (PlatformError, Later) as error:
            if fresh:
                self._end(letter, "returned")
            return self._refused(letter, error)
        return self._sent(letter, str(answer.get("msgid") or "") or None)

    def _begin(self, letter: Letter, way: str, at: datetime) -> bool:
        """False when somebody else has the letter."""
        row = sql.begin_call(
            self.conn,
            touch=letter.touch_id,
            account=self.account.name,
            person=letter.person_id,
            openid=letter.address,
            way=way,
            now=at,
        )
        return row.fetchone() is not None

    def _end(self, letter: Letter, state: str, msgid: str | None = None) -> None:
        sql.end_call(self.conn, touch=letter.touch_id, state=state, msgid=msgid)

    def _sent(self, letter: Letter, msgid: str | None) -> Result:
        self._end(letter, "sent", msgid)
        return Result.sent(msgid)

    def _refused(self, letter: Letter, error: PlatformError | Later) -> Result:
        if isinstance(error, PlatformError) and error.code in NOT_REACHABLE:
            sql.has_left(self.conn, account=self.account.name, openid=letter.address, now=self.clock())
            return LEFT
        return refused(error, self.clock())
