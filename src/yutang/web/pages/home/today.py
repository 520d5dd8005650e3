"""What needs somebody today: each an item with a sentence, where to go, and how pressing it is."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import psycopg

from yutang import channels, definitions, deliver, doctor, plan
from yutang.channels import STAFF_TASKS
from yutang.channels.platform import account
from yutang.clock import business_day
from yutang.db.queries import Queries
from yutang.plan import quota, show
from yutang.plan.make import is_approval_required
from yutang.web import scope
from yutang.web.access import Visitor
from yutang.web.edge import Edge
from yutang.web.pages.data.freshness import freshness
from yutang.why import words

sql = Queries(__package__)
NO_SCAN = timedelta(days=30)
"""A live code that nobody has come by for as long."""
NEARLY = 0.8
"""The share of an allowance from which it is said to run out."""
SHOWN = 3
"""Items of one kind that are named."""
PLANS = 50


@dataclass(frozen=True)
class Item:
    """One thing to see to: a phrase of the catalogue with its values; `said`: a sentence in both languages besides."""

    word: str
    values: dict[str, Any]
    href: str
    tone: Literal["bad", "wait", ""] = "wait"
    said: dict[str, str] | None = None


def items(conn: psycopg.Connection, now: datetime, visitor: Visitor) -> list[Item]:
    """What a quick look finds."""
    found = _tasks(conn, now, visitor) if visitor.can("tasks") else []
    return [*found, *_unsent(conn, now), *_plans(conn), *_held(conn)] if visitor.can("look") else found


def slow(edge: Edge, visitor: Visitor) -> dict[Hashable, Callable[[psycopg.Connection], list[Item]]]:
    """What is looked for beside the request, for the shelf."""
    found: dict[Hashable, Callable[[psycopg.Connection], list[Item]]] = {}
    if visitor.can("look"):
        found |= {
            "failed": partial(_failed, edge),
            "quotas": partial(_quotas, edge),
            "codes": partial(_codes, edge),
        }
    return found | ({"silent": partial(_silent, edge)} if visitor.can("data") else {})


def _plans(conn: psycopg.Connection) -> list[Item]:
    """Plans that somebody must approve, or that wait to be applied."""
    waiting = [one for one in plan.listing(conn, limit=PLANS) if one.state in ("draft", "approved")]
    needs = is_approval_required(conn)
    return [
        Item(
            "plan_to_approve" if one.state == "draft" and needs else "plan_to_apply",
            {"id": one.plan_id, "by": one.by},
            f"/plans/{one.plan_id}",
        )
        for one in waiting[:SHOWN]
    ] + _more(waiting, "plans_more", "/plans")


def _unsent(conn: psycopg.Connection, now: datetime) -> list[Item]:
    """Letters that wait and that nobody sends."""
    return [
        Item(
            "letters_unsent",
            {"n": f"{one.n:,}"},
            "/settings/channels",
            "bad",
            words.both(*channels.called(one.channel)),
        )
        for one in doctor.unsent(conn, now)
    ]


def _failed(edge: Edge, conn: psycopg.Connection) -> list[Item]:
    """Letters that failed within a day for a cause that somebody can mend."""
    row = sql.failed(conn, since=edge.clock() - timedelta(days=1), reasons=list(deliver.AGAIN)).fetchone()
    return [Item("letters_failed", {"n": f"{row.n:,}"}, "/deliveries/reasons", "bad")] if row and row.n else []


def _held(conn: psycopg.Connection) -> list[Item]:
    rows = sql.held(conn).fetchall()
    said = [(row.n, words.reason(row.reason)) for row in rows[:SHOWN]]
    why = words.both("；".join(f"{n:,} 条{w['zh']}" for n, w in said), "; ".join(f"{n:,}: {w['en']}" for n, w in said))
    return [Item("held", {"n": f"{sum(row.n for row in rows):,}"}, "/deliveries/reasons", "", why)] if rows else []


def _tasks(conn: psycopg.Connection, now: datetime, visitor: Visitor) -> list[Item]:
    """Open tasks that are overdue; of somebody who has tasks of their own, theirs."""
    late = sum(row.overdue for row in open_tasks(conn, now, visitor))
    return [Item("tasks_overdue", {"n": late}, "/tasks", "bad")] if late else []


def open_tasks(conn: psycopg.Connection, now: datetime, visitor: Visitor) -> list[Any]:
    """Open tasks that are this visitor's to see, the first 200, by when they are due: all of them, of his stores' persons, his own."""
    if visitor.role.scope == "own" and visitor.staff is None:
        return []
    staff = visitor.staff if visitor.role.scope == "own" else None
    rows = STAFF_TASKS.tasks(conn, now, staff=staff, states=STAFF_TASKS.OPEN)
    if visitor.role.scope != "stores":
        return rows
    seen = set(scope.within(conn, visitor, [row.person_id for row in rows]))
    return [row for row in rows if row.person_id in seen]


def _quotas(edge: Edge, conn: psycopg.Connection) -> list[Item]:
    """Campaigns that find too little room, and allowances of accounts that are nearly used up."""
    now = edge.clock()
    calendar = quota.month(conn, now, edge.channels(conn), None)
    late = show.quota(calendar)["late"]
    found = [Item("too_little", {}, "/calendar", "bad", {"zh": one["zh"], "en": one["en"]}) for one in late[:SHOWN]]
    today = business_day(now, definitions.pond(conn)["time_zone"])
    for one in show.allowances(calendar, today):
        if one["per"] == "account" and one["amount"] and one["used"] >= NEARLY * one["amount"]:
            values = {"channel": one["channel"], "used": one["used"], "amount": one["amount"]}
            found.append(Item("quota_nearly", values, "/calendar", "bad" if one["used"] >= one["amount"] else "wait"))
    return found


def _codes(edge: Edge, conn: psycopg.Connection) -> list[Item]:
    """Live codes for staff that work, and that brought nobody for long."""
    accounts = [one for one in account.every(conn, edge.vault) if one.kind in channels.CODES]
    codes = [code for one in accounts for code in channels.CODES[one.kind].listing(conn, one)]
    works = [code.name for code in codes if code.users and code.retired_at is None]
    if not works:
        return []
    seen = {row.code for row in sql.came_by_code(conn, since=edge.clock() - NO_SCAN)}
    idle = [name for name in works if name not in seen]
    return [Item("code_idle", {"name": name}, "/codes", "") for name in idle[:SHOWN]] + _more(
        idle, "codes_more", "/codes"
    )


def _silent(edge: Edge, conn: psycopg.Connection) -> list[Item]:
    """Sources that have sent something once, and nothing for a while."""
    now = edge.clock()
    return [
        Item("source_silent", {"title": one.title, "days": (now - one.latest).days}, "/data", "bad")
        for one in freshness(conn, now)
        if one.silent and one.latest is not None
    ]


def _more(rows: list[Any], word: str, href: str) -> list[Item]:
    return [Item(word, {"n": len(rows) - SHOWN}, href)] if len(rows) > SHOWN else []
