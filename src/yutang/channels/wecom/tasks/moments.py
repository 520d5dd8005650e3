"""Moments: a post that staff publish to their customers. A job at WeCom makes it; then each member of staff confirms it.

How often one customer may see posts is kept by the WeCom client and published nowhere; the account's `moment_cap` (by default
4 a month, as practitioners report) only informs the preview.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog
from psycopg.types.json import Jsonb

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import Later, PlatformError, Unknown
from yutang.channels.wecom.desk import Desk, open_desk
from yutang.channels.wecom.tasks import content, media, quotas
from yutang.channels.wecom.tasks.making import LEASE, pause
from yutang.channels.wecom.tasks.settings import number
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.vault import Vault

sql = Queries(__package__)
log = structlog.get_logger()
SURE_AFTER = timedelta(minutes=10)
"""A job that was begun so long ago shows its post, if there is one."""
FIRST_LOOK = timedelta(minutes=1)
EVERY = timedelta(hours=1)
FOLLOWED = timedelta(hours=48)
AT_ONCE = 20
DONE = 3
_X = "externalcontact"
ADD = f"{_X}/add_moment_task"


@dataclass(frozen=True)
class Preview:
    """Whom a post would reach: members of staff, their customers (with one of the tags), and posts made this month of `cap`."""

    staff: tuple[str, ...]
    customers: int
    posts: int
    cap: int


@dataclass(frozen=True)
class Moment:
    """A post: how many members of staff were asked and how many have published it."""

    post_id: int
    moment_id: str | None
    state: str
    detail: str | None
    asked: int
    published: int


def preview(
    conn: psycopg.Connection, account: Account, now: datetime, staff: Sequence[str] = (), tags: Sequence[str] = ()
) -> Preview:
    """What `publish` would do. No staff: all who have such customers; no tags: all customers."""
    first = quotas.Cap(1, "month").span(quotas.day_of(now))[0]
    since = datetime.combine(first, datetime.min.time(), quotas.ZONE)
    row = sql.audience(conn, account=account.source, staff=list(staff), tags=list(tags), since=since).fetchone()
    assert row is not None
    return Preview(tuple(row.staff), row.customers, row.posts, number(account, "moment_cap"))


def publish(
    conn: psycopg.Connection,
    vault: Vault,
    account: Account,
    clock: Callable[[], datetime],
    *,
    key: str,
    text: str,
    attachments: content.Attachments = (),
    staff: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> Moment:
    """Ask staff to publish a post for customers with one of the tags (ids); the same key is made once.

    Raises YutangError when it cannot go out as it is, and what `Caller.call` raises when WeCom refuses (then it was not made).
    """
    if (kept := found(conn, account, key)) is not None:
        return kept
    if fault := content.moment_fault(text, attachments):
        raise YutangError(fault)
    desk = open_desk(conn, vault, account, clock)
    request = _request(desk, text, attachments, staff, tags)
    now = clock()
    row = sql.add_moment(
        conn, account=account.source, key=key, request=Jsonb(request), now=now, due=now + SURE_AFTER
    ).fetchone()
    if row is not None:
        _begin(desk, row)
    kept = found(conn, account, key)
    assert kept is not None
    return kept


def found(conn: psycopg.Connection, account: Account, key: str) -> Moment | None:
    """The post of this key, if there is one."""
    row = sql.moment(conn, account=account.source, key=key).fetchone()
    return Moment(*row) if row else None


def _request(
    desk: Desk, text: str, attachments: content.Attachments, staff: Sequence[str], tags: Sequence[str]
) -> dict[str, Any]:
    pictures = [one["picurl"] if one["kind"] == "link" else one for one in attachments]
    refs = [one if isinstance(one, str) else content.files([one])[0] for one in pictures]
    ids = media.ids(desk, refs, media.MOMENT)
    made = [_attachment(one, ids[ref]) for one, ref in zip(attachments, refs, strict=True)]
    visible: dict[str, Any] = {}
    if staff:
        visible["sender_list"] = {"user_list": list(staff)}
    if tags:
        visible["external_contact_list"] = {"tag_list": list(tags)}
    body: dict[str, Any] = {"text": {"content": text}} if text.strip() else {}
    return body | ({"attachments": made} if made else {}) | ({"visible_range": visible} if visible else {})


def _attachment(one: Any, media_id: str) -> dict[str, Any]:
    if one["kind"] == "image":
        return {"msgtype": "image", "image": {"media_id": media_id}}
    return {"msgtype": "link", "link": {"title": one["title"], "url": one["url"], "media_id": media_id}}


def _begin(desk: Desk, row: Any) -> None:
    """The first call. What WeCom refuses leaves no trace, so that the same key may be tried again."""
    try:
        _ask(desk, row)
    except Unknown:
        return
    except (PlatformError, Later):
        sql.undo_moment(desk.conn, post_id=row.post_id)
        raise


def _ask(desk: Desk, row: Any) -> None:
    """Raises Unknown (recorded), PlatformError and Later."""
    try:
        jobid = desk.wecom.call(ADD, row.request)["jobid"]
    except Unknown:
        sql.moment_doubt(desk.conn, post_id=row.post_id, due=desk.clock() + SURE_AFTER)
        raise
    sql.moment_job(desk.conn, post_id=row.post_id, jobid=jobid, due=desk.clock() + FIRST_LOOK)


def poll(desk: Desk) -> int:
    """Look after the posts that are due; each fails alone. Returns how many there were."""
    now = desk.clock()
    with desk.conn.transaction():
        due = sql.claim_moments(desk.conn, account=desk.source, now=now, lease=now + LEASE, most=AT_ONCE).fetchall()
    for row in due:
        _step(desk, row)
    return len(due)


def _step(desk: Desk, row: Any) -> None:
    try:
        _BY_STATE[row.state](desk, row)
    except Later as error:
        sql.moment_look(desk.conn, post_id=row.post_id, due=error.until, fresh=False)
    except (PlatformError, Unknown) as error:
        _no_answer(desk, row, error)
    except psycopg.OperationalError:
        raise
    except Exception:
        log.exception("a post for Moments could not be looked after; it is tried again", post=row.post_id)


def _no_answer(desk: Desk, row: Any, error: PlatformError | Unknown) -> None:
    now = desk.clock()
    if isinstance(error, Unknown):
        return
    if now >= row.created_at + FOLLOWED or (error.path == ADD and error.sort == "bug"):
        sql.end_moment(desk.conn, post_id=row.post_id, state="failed", detail=str(error))
    else:
        sql.moment_look(desk.conn, post_id=row.post_id, due=now + pause(row.tries), fresh=False)


def _settle(desk: Desk, row: Any) -> None:
    """Nobody knows whether it was made: look, and make it only if it is not there."""
    now = desk.clock()
    if now < row.called_at + SURE_AFTER:
        sql.moment_look(desk.conn, post_id=row.post_id, due=row.called_at + SURE_AFTER, fresh=False)
        return
    known = {one.moment_id for one in sql.known_moments(desk.conn, account=desk.source)}
    text = row.request.get("text", {}).get("content", "")
    if moment_id := desk.wecom.find_moment(text, row.created_at, known):
        sql.moment_made(desk.conn, post_id=row.post_id, moment_id=moment_id, due=now)
    elif now >= row.created_at + FOLLOWED:
        sql.end_moment(desk.conn, post_id=row.post_id, state="failed", detail="未能创建。 it could not be made")
    elif sql.moment_again(desk.conn, post_id=row.post_id, now=now, due=now + SURE_AFTER).rowcount:
        _ask(desk, row)


def _await_job(desk: Desk, row: Any) -> None:
    """Is the job done? Its result is readable for a day; after that the list of posts tells."""
    answer = desk.wecom.call(f"{_X}/get_moment_task_result", {"jobid": row.jobid})
    now = desk.clock()
    if int(answer.get("status") or 0) != DONE:
        sql.moment_look(desk.conn, post_id=row.post_id, due=now + FIRST_LOOK, fresh=False)
        return
    result = answer.get("result") or {}
    if code := int(result.get("errcode") or 0):
        detail = f"{ADD}: {code} {desk.wecom.caller.dialect.meaning(code).zh}"
        sql.end_moment(desk.conn, post_id=row.post_id, state="failed", detail=detail)
    else:
        sql.moment_made(desk.conn, post_id=row.post_id, moment_id=result["moment_id"], due=now + FIRST_LOOK)


def _follow(desk: Desk, row: Any) -> None:
    """Who has published it by now?"""
    given = {"moment_id": row.moment_id, "limit": 1000}
    for rows, _ in desk.wecom.pages(f"{_X}/get_moment_task", given):
        _keep_staff(desk, row.post_id, {one["userid"]: bool(int(one.get("publish_status") or 0)) for one in rows})
    now = desk.clock()
    asked = sql.moment_staff(desk.conn, post_id=row.post_id).fetchall()
    if (asked and all(one.published_at for one in asked)) or now >= row.created_at + FOLLOWED:
        sql.end_moment(desk.conn, post_id=row.post_id, state="done", detail=None)
    else:
        sql.moment_look(desk.conn, post_id=row.post_id, due=now + EVERY, fresh=True)


def _keep_staff(desk: Desk, post_id: int, published: dict[str, bool]) -> None:
    sql.keep_moment_staff(
        desk.conn,
        post_id=post_id,
        now=desk.clock(),
        staff=list(published),
        published=list(published.values()),
    )


_BY_STATE: dict[str, Callable[[Desk, Any], None]] = {
    "making": _settle,
    "unknown": _settle,
    "job": _await_job,
    "made": _follow,
}
