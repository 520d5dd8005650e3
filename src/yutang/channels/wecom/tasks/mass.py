"""Mass: letters become tasks for members of staff, each customer's by somebody whose contact he is.

Quota, task and receivers are saved in one transaction before WeCom is asked, so a letter has one task however often it comes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from psycopg.errors import UniqueViolation

from yutang.channels.contract import Letter, Result
from yutang.channels.platform.calls import Later, PlatformError, Unknown
from yutang.channels.platform.pictures import Unreadable
from yutang.channels.wecom.desk import Desk
from yutang.channels.wecom.tasks import content, making, media, quotas
from yutang.channels.wecom.tasks.making import Draft
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)
LONGEST = timedelta(hours=48)
"""How long a task waits for its tap, unless its letters have less time."""
ORPHAN = timedelta(hours=6)
"""How long a letter to the customer of somebody who has left waits before it looks for an heir again."""
NICKNAME, SOMEBODY = "%NICKNAME%", "朋友"
Results = dict[int, Result]


def send(desk: Desk, letters: Sequence[Letter]) -> Results:
    """A result per touch: assigned where a member of staff has been (or may have been) asked."""
    results: Results = {}
    letters = _named(desk, letters)
    senders = _senders(desk, letters, results)
    bodies = _bodies(desk, [x for x in letters if x.touch_id in senders], results)
    ready = [x for x in letters if x.touch_id in bodies]
    try:
        tasks = _save(desk, ready, senders, bodies, results)
    except UniqueViolation:
        # Another worker has some of them; what it makes of them is on record when they come again.
        return results | {
            x.touch_id: Result.retry("正由另一个工作进程处理。 already in another worker's hand") for x in ready
        }
    for task, members in tasks:
        results |= _make(desk, task, members)
    return results


def _named(desk: Desk, letters: Sequence[Letter]) -> list[Letter]:
    """WeCom puts the customer's name into welcomes only; a welcome that comes too late goes out as a task."""
    called = [x.address for x in letters if NICKNAME in x.body]
    rows = sql.nicknames(desk.conn, account=desk.source, customers=called) if called else []
    names = {row.external_userid: row.name for row in rows if row.name}
    return [replace(x, body=x.body.replace(NICKNAME, names.get(x.address, SOMEBODY))) for x in letters]


def _senders(desk: Desk, letters: Sequence[Letter], results: Results) -> dict[int, str]:
    """Who may write to each customer, by touch; the others get their result."""
    rows = sql.senders(
        desk.conn,
        account=desk.source,
        touches=[x.touch_id for x in letters],
        customers=[x.address for x in letters],
        wishes=[x.meta.get("staff") for x in letters],
    ).fetchall()
    found = {row.touch_id: row for row in rows}
    for letter in letters:
        if letter.touch_id not in found:
            text = "没有员工与该客户有联系。 no member of staff has this contact"
            results[letter.touch_id] = Result.failed(text, Reason.NO_ADDRESS)
        elif found[letter.touch_id].state != "active":
            text = "客户或员工已删除对方。 the contact was ended by one of them"
            results[letter.touch_id] = Result.failed(text, Reason.BLOCKED)
        elif found[letter.touch_id].orphan:
            text = "员工已离职，等客户被继承。 the member of staff has left; it waits for an heir"
            results[letter.touch_id] = Result("retry", Reason.TEMPORARY, text, until=desk.clock() + ORPHAN)
    return {touch: row.userid for touch, row in found.items() if touch not in results}


def _bodies(desk: Desk, letters: Sequence[Letter], results: Results) -> dict[int, dict[str, Any]]:
    """What is sent, by touch, with the pictures uploaded: each set of attachments once."""
    sets: dict[str, list[Letter]] = defaultdict(list)
    for letter in letters:
        sets[content.digest(letter.attachments)].append(letter)
    bodies: dict[int, dict[str, Any]] = {}
    for alike in sets.values():
        attachments = alike[0].attachments
        try:
            ids = media.ids(desk, content.files(attachments))
        except (Unreadable, PlatformError, Later, Unknown) as error:
            results |= {x.touch_id: media_failed(error) for x in alike}
        else:
            bodies |= {x.touch_id: content.message(x.body, attachments, ids) for x in alike}
    return bodies


def media_failed(error: Exception) -> Result:
    """The result of a letter whose picture could not be had or uploaded."""
    if isinstance(error, Later):
        return Result.wait(error.until, error.reason)
    lasting = isinstance(error, Unreadable) and not error.temporary
    return Result.failed(str(error)) if lasting else Result.retry(str(error))


def _save(
    desk: Desk,
    letters: Sequence[Letter],
    senders: Mapping[int, str],
    bodies: Mapping[int, dict[str, Any]],
    results: Results,
) -> list[tuple[Any, list[Letter]]]:
    """Reserve quota and save tasks, all or nothing. Returns each new task with its letters."""
    now = desk.clock()
    groups: dict[str, list[Letter]] = defaultdict(list)
    with desk.conn.transaction():
        for turn, part in enumerate(_turns(letters)):
            free = quotas.reserve(desk.conn, desk.account, now, [x.address for x in part])
            for letter in part:
                if letter.address in free:
                    same = (bodies[letter.touch_id], senders[letter.touch_id], _hour(deadline_of(letter, now)), turn)
                    groups[content.digest(*same)].append(letter)
                else:
                    until = quotas.opens_at(desk.account, now)
                    results[letter.touch_id] = Result.wait(until, Reason.QUOTA)
        drafts = [_draft(now, alike, senders, bodies) for alike in groups.values()]
        tasks = making.save(desk, now, "single", drafts) if drafts else {}
    return [(tasks[draft.digest], alike) for draft, alike in zip(drafts, groups.values(), strict=True)]


def _turns(letters: Sequence[Letter]) -> list[list[Letter]]:
    """Each customer's first letters, their second ones, and so on: a task names a customer once."""
    seen: Counter[str] = Counter()
    turns: list[list[Letter]] = []
    for letter in letters:
        turn = seen[letter.address]
        seen[letter.address] += 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(letter)
    return turns


def _draft(
    now: datetime, alike: Sequence[Letter], senders: Mapping[int, str], bodies: Mapping[int, dict[str, Any]]
) -> Draft:
    first = alike[0].touch_id
    request = {
        "chat_type": "single",
        "external_userid": [x.address for x in alike],
        "sender": senders[first],
        **bodies[first],
    }
    touches = sorted(x.touch_id for x in alike)
    return Draft(
        senders[first],
        request,
        [(x.address, x.touch_id, x.person_id) for x in alike],
        min(deadline_of(x, now) for x in alike),
        content.digest(request, touches),
    )


def deadline_of(letter: Letter, now: datetime) -> datetime:
    """When the letter's task is called off."""
    given = letter.meta.get("deadline")
    if isinstance(given, str):
        given = datetime.fromisoformat(given)
    return min(given, now + LONGEST) if given else now + LONGEST


def _hour(at: datetime) -> str:
    """Letters whose deadlines lie in one hour share a task, which ends with the earliest of them."""
    return at.strftime("%Y-%m-%dT%H")


def _make(desk: Desk, task: Any, members: Sequence[Letter]) -> Results:
    """Ask WeCom for one task. What is not made leaves no trace, so that its letters may come again.

    Where that cannot be known, or comes too late, the task is followed up and speaks for its letters from now on.
    """
    followed = {x.touch_id: Result.assigned() for x in members}
    if not making.in_hand(desk, task):
        return followed
    try:
        made = making.ask(desk, task, tell=False)
    except Unknown:
        return followed
    except (Later, PlatformError) as error:
        if not making.in_hand(desk, task):
            return followed
        making.undo(desk, task)
        return _refused(desk, members, error)
    blocked = Result.failed("企业微信不允许发给该客户。 WeCom does not let us write to this customer", Reason.BLOCKED)
    assigned = Result.assigned(made.msgid)
    return {x.touch_id: blocked if x.address in made.refused else assigned for x in members}


def _refused(desk: Desk, members: Sequence[Letter], error: Later | PlatformError) -> Results:
    """Results of letters whose task WeCom refused as a whole."""
    if isinstance(error, Later):
        return {x.touch_id: Result.wait(error.until, error.reason) for x in members}
    if error.code == making.NOBODY:
        now = desk.clock()
        quotas.fill(desk.conn, desk.account, now, [x.address for x in members])
        until = quotas.opens_at(desk.account, now)
        return {x.touch_id: Result.wait(until, Reason.QUOTA) for x in members}
    if error.code == making.STALE_MEDIA:
        media.forget(desk, [ref for x in members[:1] for ref in content.files(x.attachments)])
    final = error.sort == "bug" and error.code != making.STALE_MEDIA
    verdict = Result.failed if final else Result.retry
    return {x.touch_id: verdict(making.explain(error)) for x in members}
