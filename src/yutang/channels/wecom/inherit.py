"""Handing over what a member of staff has, on the job or after leaving: groups, then customers, then live codes.

A plan is written down at once; errands ask the platform for it in parts and look later what became of each customer, for
customers may refuse for a day. What the platform answers for one customer stands beside that customer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import PlatformError
from yutang.channels.wecom import contacts, queue
from yutang.channels.wecom.desk import Desk
from yutang.channels.wecom.queue import Errand
from yutang.channels.wecom.relations import Ended, Happened, Pair
from yutang.channels.wecom.who import lock
from yutang.db.queries import Queries
from yutang.model import YutangError

sql = Queries(__package__)

AT_ONCE = 100
LOOK = timedelta(hours=1)
MESSAGE = "您好，您的服务已升级，接下来由我的同事继续为您服务。"
"""What a customer reads when the one who hands over is still here."""
STATUSES = {1: "done", 2: "waiting", 3: "refused", 4: "full"}
GIVEN_UP = timedelta(days=7)


def begin(
    conn: psycopg.Connection, now: datetime, account: Account, handover: str, takeover: str, *, resigned: bool
) -> int:
    """Plan to hand over all that we know `handover` to have; returns how many things. `tend` does it.

    What is being handed over already is left alone. resigned: he has left. Raises YutangError when both are the same.
    """
    if handover == takeover:
        raise YutangError(f"{handover} 不能交接给自己。 name another member of staff to take over from {handover}")
    begun = now.replace(microsecond=0)
    with conn.transaction():
        lock(conn, account)
        planned = sql.plan_transfer(
            conn, account=account.source, handover=handover, takeover=takeover, begun=begun, resigned=resigned
        ).rowcount
        if planned:
            args = {"handover": handover, "takeover": takeover, "begun": begun.isoformat(), "resigned": resigned}
            queue.add(conn, account.source, now, [Errand("transfer", f"{handover}:{takeover}", now, args)])
    return planned


def listing(conn: psycopg.Connection, account: Account, handover: str) -> list[Any]:
    """Everything handed over by `handover`: rows of kind, id, takeover, state, errcode, begun_at, ended_at; newest first."""
    return sql.transfers(conn, account=account.source, handover=handover).fetchall()


def ask(desk: Desk, errand: Errand) -> None:
    """Errand ``transfer``: ask for all that is planned between two, in parts; then look for results in an hour."""
    for kind, hand_over in _HANDING.items():
        while rows := _planned(desk, errand, kind):
            hand_over(desk, errand, rows)
    queue.add(
        desk.conn, desk.source, desk.clock(), [Errand("transfer_result", errand.key, desk.clock() + LOOK, errand.args)]
    )


def _planned(desk: Desk, errand: Errand, kind: str) -> list[Any]:
    """The next part. What was asked for and never answered comes back here, and is looked for first."""
    return sql.planned(
        desk.conn, account=desk.source, handover=errand.args["handover"], takeover=errand.args["takeover"],
        kind=kind, limit=AT_ONCE,
    ).fetchall()  # fmt: skip


def _groups(desk: Desk, errand: Errand, rows: Sequence[Any]) -> None:
    asked_before = {row.id for row in rows if row.asked_at is not None}
    mine = {chat for chat in asked_before if _owner(desk, chat) == errand.args["takeover"]}
    _end(desk, errand, "group", dict.fromkeys(mine, ("done", None)))
    chats = [row.id for row in rows if row.id not in mine]
    if not chats:
        return
    _asking(desk, errand, "group", chats)
    path = f"externalcontact/groupchat/{'transfer' if errand.args['resigned'] else 'onjob_transfer'}"
    answer = desk.wecom.call(path, {"chat_id_list": chats, "new_owner": errand.args["takeover"]})
    failed = {row["chat_id"]: int(row.get("errcode") or 0) for row in answer.get("failed_chat_list") or []}
    _end(desk, errand, "group", {c: ("failed", failed[c]) if c in failed else ("done", None) for c in chats})
    with desk.conn.transaction():
        queue.add(desk.conn, desk.source, desk.clock(), [Errand("group", chat, desk.clock()) for chat in chats])


def _owner(desk: Desk, chat: str) -> str | None:
    try:
        return desk.wecom.call("externalcontact/groupchat/get", {"chat_id": chat})["group_chat"].get("owner")
    except PlatformError as error:
        if error.sort != "gone":
            raise
        return None


def _customers(desk: Desk, errand: Errand, rows: Sequence[Any]) -> None:
    args = {"handover_userid": errand.args["handover"], "takeover_userid": errand.args["takeover"]}
    if any(row.asked_at is not None for row in rows):
        there = desk.wecom.transfers(*args.values(), errand.args["resigned"])
        known = {row.id: (STATUSES.get(there[row.id]["status"], "waiting"), None) for row in rows
                 if row.asked_at is not None and row.id in there}  # fmt: skip
        # Still open there: its result is read like any other's.
        _wait(desk, errand, known)
        rows = [row for row in rows if row.id not in known]
    people = [row.id for row in rows]
    if not people:
        return
    _asking(desk, errand, "customer", people)
    resigned = bool(errand.args["resigned"])
    path = f"externalcontact/{'resigned/' if resigned else ''}transfer_customer"
    more = {} if resigned else {"transfer_success_msg": MESSAGE}
    answer = desk.wecom.call(path, args | {"external_userid": people} | more)
    codes = {row["external_userid"]: int(row.get("errcode") or 0) for row in answer.get("customer") or []}
    _wait(desk, errand, {p: ("waiting", None) for p in people if codes.get(p, 0) == 0})
    _end(desk, errand, "customer", {p: ("failed", codes[p]) for p in people if codes.get(p, 0) != 0})


def _wait(desk: Desk, errand: Errand, states: Mapping[str, Any]) -> None:
    _set(desk, errand, "customer", dict.fromkeys(states, ("waiting", None)), ended=None)


def _codes(desk: Desk, errand: Errand, rows: Sequence[Any]) -> None:
    """The one who takes over stands where the other stood."""
    names, now = [row.id for row in rows], desk.clock()
    with desk.conn.transaction():
        sql.replace_in_codes(
            desk.conn, account=desk.source, names=names, before=errand.args["handover"], after=errand.args["takeover"]
        )
        queue.add(desk.conn, desk.source, now, [Errand("code", name, now) for name in names])
        _end(desk, errand, "code", dict.fromkeys(names, ("done", None)))


_HANDING: Mapping[str, Callable[[Desk, Errand, Sequence[Any]], None]] = {
    "group": _groups,
    "customer": _customers,
    "code": _codes,
}
"""In this order: a customer is told of a new face in a group that this face owns already."""


def _asking(desk: Desk, errand: Errand, kind: str, ids: Sequence[str]) -> None:
    """Written before the call."""
    sql.asking(
        desk.conn, account=desk.source, handover=errand.args["handover"], takeover=errand.args["takeover"], kind=kind,
        ids=list(ids), now=desk.clock(),
    )  # fmt: skip


def _end(desk: Desk, errand: Errand, kind: str, states: Mapping[str, tuple[str, int | None]]) -> None:
    _set(desk, errand, kind, states, ended=desk.clock())


def _set(
    desk: Desk, errand: Errand, kind: str, states: Mapping[str, tuple[str, int | None]], ended: datetime | None
) -> None:
    if states:
        sql.set_transfers(
            desk.conn, account=desk.source, handover=errand.args["handover"], takeover=errand.args["takeover"],
            kind=kind, ids=list(states), states=[s for s, _ in states.values()], codes=[c for _, c in states.values()],
            ended=ended,
        )  # fmt: skip


def poll(desk: Desk, errand: Errand) -> None:
    """Errand ``transfer_result``: what became of the customers who are still waiting; again in an hour while some are."""
    handover, takeover = errand.args["handover"], errand.args["takeover"]
    waiting = sql.waiting(desk.conn, account=desk.source, handover=handover, takeover=takeover).fetchall()
    if not waiting:
        return
    shown = desk.wecom.transfers(handover, takeover, bool(errand.args["resigned"]))
    now = desk.clock()
    ends = {row.id: STATUSES.get(shown[row.id]["status"], "waiting") for row in waiting if row.id in shown}
    ends |= {
        row.id: "failed"
        for row in waiting
        if ends.get(row.id, "waiting") == "waiting" and row.begun_at < now - GIVEN_UP
    }
    ended = {person: state for person, state in ends.items() if state != "waiting"}
    moved = [(row, _time(shown[row.id], now)) for row in waiting if ended.get(row.id) == "done"]
    with desk.conn.transaction():
        lock(desk.conn, desk.account)
        _end(desk, errand, "customer", {person: (state, None) for person, state in ended.items()})
        _moved(desk, moved)
    if len(ended) < len(waiting):
        raise queue.Again(now + LOOK, free=True)


def _time(shown: Mapping[str, Any], now: datetime) -> datetime:
    at = int(shown.get("takeover_time") or 0)
    return min(datetime.fromtimestamp(at, UTC), now) if at else now


def _moved(desk: Desk, moved: Sequence[tuple[Any, datetime]]) -> None:
    """Customers who are with somebody else now: the old relation ends, the new one is read."""
    if not moved:
        return
    ended: dict[Pair, list[Happened]] = {
        (row.external_userid, row.handover): [Ended(at, "transfer")] for row, at in moved
    }
    now = desk.clock()
    contacts.keep(desk.conn, now, desk.account, ended)
    contacts.tell_moved(desk.conn, now, desk.account, moved)
    queue.add(desk.conn, desk.source, now, [Errand("contact", row.external_userid, now) for row, _ in moved])
