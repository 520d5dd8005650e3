"""The calls of journeys: claimed and committed, then made, then recorded with the event that the run waits for.

What a crash does is what it does to letters (see `send`): a call is made at least once, always under the same key (its id).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from yutang import definitions
from yutang.channels.contract import Channel
from yutang.channels.platform.outward import Outward, Reply, Request
from yutang.deliver.backoff import MOST_TRIES, wait
from yutang.deliver.lease import lease
from yutang.deliver.render import CannotRender, render_all, variables
from yutang.ingest import catalog
from yutang.ingest.record import follow_up
from yutang.journey import calls
from yutang.journey.calls import Claimed, End
from yutang.model import Only, Reason

BATCH = 100
LARGEST_ANSWER = 8 * 1024
"""Bytes of JSON that are kept of an answer."""

Event = tuple[str, str, int, datetime, dict[str, Any]]


def make(conn: psycopg.Connection, now: datetime, only: Only, channels: Mapping[str, Channel]) -> Counter[str]:
    """One batch of the calls that are due. Counts: ``call`` (answered), ``call_waiting`` (to be tried again), ``call_failed``."""
    token, until = lease(now)
    claimed = calls.claim(conn, now, only, token, until, BATCH)
    if not claimed:
        return Counter()
    outward = channels.get(Outward.name)
    done = _done(conn, now, outward if isinstance(outward, Outward) else None, claimed)
    ends = [end for end, _ in done]
    with conn.transaction():
        held = calls.record(conn, now, token, claimed, ends)
        told = [(one, *end) for one, end in zip(claimed, done, strict=True) if one.row.call_id in held]
        if events := [event for one, end, reply in told for event in _events(now, one, end, reply)]:
            follow_up(conn, now, events)
    return Counter(_NOUNS[end.state] for end in ends)


_NOUNS = {"answered": "call", "waiting": "call_waiting", "failed": "call_failed"}


def _done(
    conn: psycopg.Connection, now: datetime, outward: Outward | None, claimed: list[Claimed]
) -> list[tuple[End, Reply]]:
    """What came of each, with what was answered."""
    pond = {"title": definitions.pond(conn)["title"]["zh"]}
    asked: dict[int, Request] = {}
    ends: dict[int, End] = {}
    for one in claimed:
        end = _unwanted(now, outward, one) or _prepared(now, pond, one, asked)
        if end:
            ends[one.row.call_id] = end
    replies = dict(zip(asked, outward.ask(now, list(asked.values())), strict=True)) if outward and asked else {}
    nothing = Reply()
    return [
        (ends.get(key) or _end(now, one, replies[key]), replies.get(key, nothing))
        for one in claimed
        for key in [one.row.call_id]
    ]


def _unwanted(now: datetime, outward: Outward | None, one: Claimed) -> End | None:
    """Why a call is not made, or not made again."""
    if one.row.run_state != "active":
        return End("failed", reason=one.row.run_reason or Reason.TOO_LATE, detail="这次旅程已结束。 the run has ended")
    if one.row.deadline < now:
        return End(
            "failed", reason=Reason.TOO_LATE, detail="已经没有步骤在等这个答复。 nobody waits for the answer any more"
        )
    if one.row.tries > MOST_TRIES:
        return End(
            "failed",
            reason=Reason.GAVE_UP,
            detail="工作进程还没报告结果就退出了。 its workers ended before they could say what happened",
        )
    if outward is None:
        return End("failed", reason=Reason.PERMANENT, detail="这里不对外调用。 nothing is called from here")
    return None


def _prepared(now: datetime, pond: dict[str, Any], one: Claimed, asked: dict[int, Request]) -> End | None:
    """Write the request; what cannot be written has failed."""
    row, terms = one.row, one.terms
    try:
        body = _body(now, pond, one) if terms["method"] != "GET" else None
    except CannotRender as error:
        return End("failed", reason=Reason.PERMANENT, detail=f"body: {error}")
    asked[row.call_id] = Request(row.call_id, terms["method"], terms["url"], body)
    return None


def _body(now: datetime, pond: dict[str, Any], one: Claimed) -> Any:
    """The author's, with its texts filled in; without one, what the run is about. Ids are text: see the webhook channel."""
    row, body = one.row, one.terms["body"]
    if body is not None:
        return render_all(body, variables(row.traits, None, pond, row.about))
    return {
        "id": str(row.call_id),
        "type": "call",
        "person_id": str(row.person_id),
        "journey": one.journey.name,
        "step": row.line,
        "at": now.isoformat(),
        "run": row.about,
    }


def _end(now: datetime, one: Claimed, reply: Reply) -> End:
    if reply.ok:
        return End("answered", reply.status)
    if not reply.again:
        return End("failed", reply.status, reply.reason, reply.detail)
    pause = wait(one.row.tries, one.row.call_id)
    if pause is None or now + pause > one.row.deadline:
        return End("failed", reply.status, Reason.GAVE_UP if pause is None else Reason.TOO_LATE, reply.detail)
    return End("waiting", reply.status, reply.reason, reply.detail, now + pause)


def _events(now: datetime, one: Claimed, end: End, reply: Reply) -> list[Event]:
    """What the run waits for, and what is to be remembered of the answer. A run that has ended waits for nothing."""
    row = one.row
    if end.state == "waiting" or row.run_state != "active":
        return []
    what = {"call_id": row.call_id, "journey": one.journey.name, "call": row.line, "cause": row.cause}
    props = what | {"ok": end.state == "answered", "status": end.status}
    if end.state == "failed":
        return [(f"called:{row.call_id}", "called", row.person_id, now, props | {"reason": end.reason})]
    answered = (f"called:{row.call_id}", "called", row.person_id, now, props | {"answer": _kept(reply.answer)})
    traits = {
        trait: value for trait, path in one.terms["save"].items() if (value := at_path(reply.answer, path)) is not None
    }
    if not traits or catalog.check("profile_updated", msgspec.json.encode({"traits": traits})):
        return [answered]
    return [(f"saved:{row.call_id}", "profile_updated", row.person_id, now, {"traits": traits}), answered]


def _kept(answer: Any) -> Any:
    return answer if len(msgspec.json.encode(answer)) <= LARGEST_ANSWER else None


def at_path(answer: Any, path: str) -> Any:
    """The value at ``data.items.0.score``; None where there is none, or no single value."""
    for part in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(part)
        elif isinstance(answer, list) and part.isdigit() and int(part) < len(answer):
            answer = answer[int(part)]
        else:
            return None
    return None if isinstance(answer, dict | list) else answer
