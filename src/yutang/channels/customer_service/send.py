"""Send: as the welcome of a customer who has just opened a session, else as an answer while the customer's window is open.

Each letter is noted before its call (`kf_out`), with our own number of it, which names the touch. The platform takes a number
once: so a call whose end is not known, after a crash or without an answer, is made again under the same number, and what
has arrived does not arrive again. A welcome code is good for one message, and may be tried again in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang.channels.contract import Answer, Channel, Fact, Letter, Raw, Result
from yutang.channels.customer_service import content, pictures, reading, receive
from yutang.channels.customer_service.dialect import BAD_MEDIA, CODE_OVER, DIALECT, NO_WINDOW, SEND, WELCOME
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import Caller, Later, PlatformError, Unknown
from yutang.channels.platform.pictures import Unreadable
from yutang.db.queries import Queries
from yutang.model import Reason
from yutang.vault import Vault

sql = Queries(__package__)

LAST_TRY = timedelta(seconds=2)
"""No welcome is begun when less than this is left of its code."""
AGAIN = timedelta(minutes=1)
"""When to ask again after the platform has said: later."""

REPEAT = Result.retry("没有答复，凭同一 msgid 重发。 no answer; sent again under the same msgid")
UNKNOWN = Result.failed(
    "没有收到平台的答复，为免重复不再发送。 no answer came; not sent again", Reason.GAVE_UP, partly=True
)
CUT = Result.failed(
    "只发出了前面的消息，其余被平台拒绝。 only the first messages went; the rest was refused", partly=True
)
SHUT = Result.failed(
    "没有开放的客服窗口（客户留言后 48 小时内 5 条）。 no window is open, or none of its answers is left",
    Reason.NO_WINDOW,
)


class CustomerService(Channel):
    """One service account. `clock`: what time it is; a welcome dies in seconds, so a batch looks at it again and again."""

    batch = 50

    def __init__(self, vault: Vault, account: Account, clock: Callable[[], datetime]) -> None:
        self.vault, self.account, self.clock = vault, account, clock
        self.name, self.source = account.channel, account.source
        self.handle = f"external_userid@{account.get('corp_id')}"

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:  # noqa: ARG002
        post = Post(conn, self._caller(conn))
        return [post.send(letter) for letter in letters]

    def hear(self, conn: psycopg.Connection, now: datetime, raws: Sequence[Raw]) -> None:
        receive.hear(conn, now, raws)

    def receive(self, conn: psycopg.Connection, now: datetime) -> list[Answer | Fact]:
        return news.take(conn, self.name, now)

    def due(self, conn: psycopg.Connection, now: datetime) -> bool:
        return reading.is_due(conn, now, self.account.get("open_kfid"), self.name)

    def tend(self, conn: psycopg.Connection, now: datetime) -> int:
        return reading.tend(conn, now, self._caller(conn))

    def _caller(self, conn: psycopg.Connection) -> Caller:
        return Caller(conn, self.vault, self.account, self.clock, DIALECT)


class Post:
    """The way of one letter, one at a time."""

    def __init__(self, conn: psycopg.Connection, caller: Caller) -> None:
        self.conn, self.caller, self.clock = conn, caller, caller.clock
        self.kf = caller.account.get("open_kfid")

    def send(self, letter: Letter) -> Result:
        kept = sql.kept(self.conn, touch=letter.touch_id).fetchone()
        if kept and kept.state == "sent":
            return Result.sent(kept.msgid)
        if kept and kept.state == "cut":
            return CUT if kept.arrived else UNKNOWN
        if fault := content.problem(letter):
            return Result.failed(fault)
        if kept and kept.state == "calling":
            return self._again(letter, kept)
        return self._welcome(letter) or self._answer(letter) or SHUT

    def _again(self, letter: Letter, kept: Any) -> Result:
        """A call was begun and its end is not known."""
        if kept.way == "welcome":
            if kept.code is None or self.clock() >= kept.expires_at:
                return self._give_up(letter)
            return self._greet(letter, kept.msgid, kept.code, kept.expires_at, tried=True) or UNKNOWN
        found = self._messages(letter)
        if isinstance(found, Result):
            return found
        sql.begin_again(self.conn, touch=letter.touch_id, now=self.clock())
        return Call(self, letter, found, kept.msgid, kept.arrived, fresh=False).make()

    # The welcome

    def _welcome(self, letter: Letter) -> Result | None:
        """None when there is no open one, or it did not go out this way. A welcome is text: letters with cards are none."""
        if content.cards(letter):
            return None
        msgid = self._number(letter)
        with self.conn.transaction():
            code = self._use_code(letter)
            if code is None:
                return None
            begun = self._begin(letter, "welcome", msgid, 1)
        return self._greet(letter, msgid, code.code, code.expires_at, tried=False) if begun else REPEAT

    def _use_code(self, letter: Letter) -> Any:
        return sql.use_welcome(
            self.conn, kf=self.kf, customer=letter.address, touch=letter.touch_id, later=self.clock() + LAST_TRY
        ).fetchone()

    def _greet(self, letter: Letter, msgid: str, code: str, until: datetime, tried: bool) -> Result | None:
        """None when it surely did not go. tried: an earlier call got no answer, so a used code was used by it."""
        body = {"code": code, "msgid": f"{msgid}-0"} | content.text_message(content.text(letter))
        try:
            self.caller.call(WELCOME, body, until=until)
        except Unknown:
            if tried or self.clock() >= until - LAST_TRY:
                return self._give_up(letter)
            return self._greet(letter, msgid, code, until, tried=True)
        except (PlatformError, Later) as error:
            if not tried:
                self.end(letter, "returned")
                return None
            if not (isinstance(error, PlatformError) and error.code in CODE_OVER):
                return self._give_up(letter)
        return self.sent(letter, msgid)

    # Answers

    def _answer(self, letter: Letter) -> Result | None:
        """None when no window is open, by our count or by the platform's."""
        count = len(content.cards(letter)) + bool(content.text(letter))
        if not self._has_room(letter, count):
            return None
        found = self._messages(letter)
        if isinstance(found, Result):
            return found
        msgid = self._number(letter)
        with self.conn.transaction():
            sql.lock_window(self.conn, kf=self.kf, customer=letter.address)
            if not self._has_room(letter, count):
                return None
            begun = self._begin(letter, "window", msgid, count)
        return Call(self, letter, found, msgid, 0, fresh=True).make() if begun else REPEAT

    def _has_room(self, letter: Letter, count: int) -> bool:
        row = sql.has_room(self.conn, kf=self.kf, customer=letter.address, messages=count, now=self.clock()).fetchone()
        return bool(row and row.free)

    def _messages(self, letter: Letter) -> list[dict[str, Any]] | Result:
        """What is to be sent; a result when a picture cannot be had."""
        refs = [content.picture(one) for one in content.cards(letter)]
        try:
            return content.messages(letter, pictures.ids(self.conn, self.caller, refs))
        except Unreadable as error:
            return Result.retry(str(error)) if error.temporary else Result.failed(str(error))
        except (PlatformError, Later) as error:
            return self.passing(error) or Result.failed(_detail(error))

    # What is noted

    def _number(self, letter: Letter) -> str:
        """Our number of a letter: the touch, and the second at which it is begun, should touches be counted anew one day."""
        return f"{letter.touch_id}-{int(self.clock().timestamp()):x}"

    def _begin(self, letter: Letter, way: str, msgid: str, count: int) -> bool:
        """False when somebody else has the letter."""
        row = sql.begin_call(
            self.conn,
            touch=letter.touch_id,
            kf=self.kf,
            person=letter.person_id,
            customer=letter.address,
            way=way,
            msgid=msgid,
            messages=count,
            now=self.clock(),
        )
        return row.fetchone() is not None

    def end(self, letter: Letter, state: str, messages: int = content.MESSAGES) -> None:
        sql.end_call(self.conn, touch=letter.touch_id, state=state, messages=messages)

    def sent(self, letter: Letter, msgid: str) -> Result:
        self.end(letter, "sent")
        return Result.sent(msgid)

    def _give_up(self, letter: Letter) -> Result:
        self.end(letter, "cut")
        return UNKNOWN

    def passing(self, error: PlatformError | Later) -> Result | None:
        """The result of a refusal that will pass; None for one that will not. `detail` names the code, never the person."""
        if isinstance(error, Later):
            return Result.wait(error.until, error.reason)
        if error.sort == "later":
            return Result.wait(self.clock() + AGAIN, Reason.QUOTA)
        return Result.retry(_detail(error)) if error.sort in ("busy", "config") else None


class Call:
    """The messages of one letter, sent one after the other under numbers of their own.

    arrived: how many have surely gone before. fresh: none has been tried before whose end is not known.
    """

    def __init__(
        self, post: Post, letter: Letter, messages: Sequence[dict[str, Any]], msgid: str, arrived: int, fresh: bool
    ) -> None:
        self.post, self.letter, self.messages, self.msgid = post, letter, messages, msgid
        self.arrived, self.sure = arrived, fresh

    def make(self) -> Result:
        for number in range(self.arrived, len(self.messages)):
            try:
                self._send(number)
            except Unknown:
                return REPEAT
            except (PlatformError, Later) as error:
                if not self._is_there(error):
                    return self._refused(error)
            self.arrived, self.sure = number + 1, True
            sql.note_arrived(self.post.conn, touch=self.letter.touch_id, arrived=self.arrived)
        return self.post.sent(self.letter, self.msgid)

    def _send(self, number: int) -> None:
        head = {"touser": self.letter.address, "open_kfid": self.post.kf, "msgid": f"{self.msgid}-{number}"}
        self.post.caller.call(SEND, head | self.messages[number])

    def _is_there(self, error: PlatformError | Later) -> bool:
        """A repeat that is refused for no reason that we know is refused because its number has been used: by its first try."""
        return not self.sure and isinstance(error, PlatformError) and error.sort == "bug" and error.code != BAD_MEDIA

    def _refused(self, error: PlatformError | Later) -> Result:
        """What a refusal of the next message means. Nothing has gone: the letter and its slots are free again."""
        nothing = self.sure and not self.arrived
        if nothing:
            self.post.end(self.letter, "returned")
        if isinstance(error, PlatformError) and error.code == BAD_MEDIA:
            refs = [content.picture(one) for one in content.cards(self.letter)]
            pictures.forget(self.post.conn, self.post.caller.account.source, refs)
            return Result.retry(_detail(error))
        if result := self.post.passing(error):
            return result
        if isinstance(error, PlatformError) and error.code in NO_WINDOW:
            now = self.post.clock()
            sql.close_windows(self.post.conn, kf=self.post.kf, customers=[self.letter.address], ats=[now])
            closed = Result.failed(_detail(error), Reason.NO_WINDOW)
        else:
            closed = Result.failed(_detail(error))
        return closed if nothing else self._cut()

    def _cut(self) -> Result:
        """No more of it will be sent; a message whose end is not known may have taken its slot."""
        self.post.end(self.letter, "cut", self.arrived + (not self.sure))
        return CUT if self.arrived else UNKNOWN


def _detail(error: PlatformError | Later) -> str:
    return f"{error.code} {error.zh} {error.en}" if isinstance(error, PlatformError) else str(error)
