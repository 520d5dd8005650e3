"""Welcome: the one message that needs no member of staff, for twenty seconds after a customer comes.

Of an open welcome one letter makes use. The mark is committed before the call. When no answer comes, the letter comes again
a little later and asks with the same code: WeCom says whether it was used, and if it was not, the letter goes another way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from yutang.channels.contract import Letter, Result
from yutang.channels.platform.calls import Later, PlatformError, Unknown
from yutang.channels.platform.calls.errors import NETWORK
from yutang.channels.platform.pictures import Unreadable
from yutang.channels.wecom.desk import Desk
from yutang.channels.wecom.tasks import content, media
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)
LAST_TRY = timedelta(seconds=5)
"""No try begins when less than this is left of the twenty seconds."""
ASK_AGAIN = timedelta(seconds=30)
KEPT = timedelta(days=30)
"""A letter does not come again after so long."""
USED = frozenset({41051, 41096})
"""The code was used, or is being used: by our own try if there was one, else by another app or the console's welcome."""
MEDIA_SECONDS = timedelta(seconds=8)
"""Time that a picture may need; with less, the welcome is not begun."""


def is_welcome_only(letter: Letter) -> bool:
    """Worth nothing unless it comes as a welcome."""
    return bool(letter.meta.get("welcome_only"))


def send(desk: Desk, letters: Sequence[Letter]) -> dict[int, Result]:
    """Results of the letters that found an open welcome; the others are missing and go another way."""
    results = {}
    for letter, row in _pairs(desk, letters):
        result = _send_one(desk, letter, row)
        if result is not None:
            results[letter.touch_id] = result
    return results


def _pairs(desk: Desk, letters: Sequence[Letter]) -> list[tuple[Letter, Any]]:
    """The first letter of each customer who has an open welcome, those with the least time first."""
    customers = list({x.address for x in letters})
    rows = sql.open_welcomes(desk.conn, account=desk.source, customers=customers, now=desk.clock())
    welcomes = {row.external_userid: row for row in rows}
    pairs = [(x, row) for x in letters if (row := welcomes.pop(x.address, None)) is not None]
    return sorted(pairs, key=lambda pair: pair[1].expires_at)


def _send_one(desk: Desk, letter: Letter, row: Any) -> Result | None:
    """None: it did not go out this way."""
    refs = content.files(letter.attachments)
    try:
        ids = media.ids(desk, refs) if desk.clock() + MEDIA_SECONDS < row.expires_at or not refs else None
    except (Unreadable, PlatformError, Later, Unknown):
        ids = None
    if ids is None or desk.clock() >= row.expires_at or not _mark(desk, letter, row):
        return None
    return _call(desk, letter, row.code, ids, row.expires_at - LAST_TRY, tried=False)


def _mark(desk: Desk, letter: Letter, row: Any) -> bool:
    """Compare and set, committed with the note that this letter uses it. False: another was faster."""
    now = desk.clock()
    with desk.conn.transaction():
        used = sql.use_welcome(
            desk.conn, account=desk.source, customer=row.external_userid, staff=row.staff, at=row.at, now=now
        ).rowcount
        if used:
            sql.begin_greeting(desk.conn, touch_id=letter.touch_id, account=desk.source, code=row.code, now=now)
    return bool(used)


def _call(
    desk: Desk, letter: Letter, code: str, ids: Mapping[str, str], until: datetime, *, tried: bool
) -> Result | None:
    """Ask, and record what is known then. tried: an earlier try got no answer, so a used code was used by it."""
    try:
        desk.wecom.welcome(code, content.message(letter.body, letter.attachments, ids), until)
    except (Unknown, PlatformError, Later) as error:
        if isinstance(error, Unknown) or (isinstance(error, PlatformError) and error.code == NETWORK):
            return Result.wait(desk.clock() + ASK_AGAIN, Reason.TEMPORARY)
        if not (tried and isinstance(error, PlatformError) and error.code in USED):
            _end(desk, letter, "refused")
            return None
    _end(desk, letter, "sent")
    return Result.sent()


def _end(desk: Desk, letter: Letter, state: str) -> None:
    sql.end_greeting(desk.conn, touch_id=letter.touch_id, state=state, now=desk.clock())


def resume(desk: Desk, letters: Sequence[Letter]) -> dict[int, Result]:
    """Results of letters that were tried as a welcome before; those that were refused then are missing."""
    rows = sql.greeted(desk.conn, touches=[x.touch_id for x in letters])
    known = {row.touch_id: row for row in rows}
    results = {}
    for letter in letters:
        row = known.get(letter.touch_id)
        if row is None or row.state == "refused":
            continue
        result = Result.sent() if row.state == "sent" else _ask_again(desk, letter, row)
        if result is not None:
            results[letter.touch_id] = result
    return results


def _ask_again(desk: Desk, letter: Letter, row: Any) -> Result | None:
    """Was the code used? Asked with the same words: should it still be open, they go out now."""
    try:
        ids = media.ids(desk, content.files(letter.attachments))
    except (Unreadable, PlatformError, Later, Unknown):
        return Result.wait(desk.clock() + ASK_AGAIN, Reason.TEMPORARY)
    return _call(desk, letter, row.code, ids, desk.clock(), tried=True)


def trim(desk: Desk) -> int:
    """Forget old welcomes; returns how many."""
    return sql.trim_greetings(desk.conn, account=desk.source, before=desk.clock() - KEPT).rowcount
