"""Quotas: how many mass messages one customer (or one group) may get, as data with dates; reserved before a task is made.

Days, weeks (from Monday) and months are China's. What staff send by themselves counts at the platform too and is not seen
here: when the platform says that a customer has had enough, `fill` brings the books in line.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import psycopg

from yutang.channels.contract import Allowance
from yutang.channels.platform.account import Account
from yutang.channels.wecom.desk import Desk
from yutang.channels.wecom.tasks.settings import number
from yutang.db.queries import Queries
from yutang.model import YutangError

sql = Queries(__package__)
ZONE = ZoneInfo("Asia/Shanghai")
KEPT = timedelta(days=62)
SETTING = "mass_cap"
_FORM = re.compile(r"(\d{1,3}|days)/(day|week|month)")


@dataclass(frozen=True)
class Cap:
    """`count` messages per receiver in each `window` (day, week or month); 0: as many as the month has days."""

    count: int
    window: str

    def most(self, day: date) -> int:
        return self.count or monthrange(day.year, day.month)[1]

    def span(self, day: date) -> tuple[date, date]:
        """First and last day of the window that holds `day`."""
        if self.window == "day":
            return day, day
        if self.window == "week":
            first = day - timedelta(days=day.weekday())
            return first, first + timedelta(days=6)
        return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


RULES = (
    (date(2019, 1, 1), Cap(4, "month")),
    (date(2021, 1, 1), Cap(1, "day")),
)
"""From when which cap holds for an account that says nothing. Since 2025 an administrator may choose, up to as many as the
month has days; then the account's `mass_cap` says what was chosen: 1/day, 7/week, days/month."""


def cap_of(account: Account, day: date) -> Cap:
    """The cap that holds for the account on `day`. Raises YutangError when its setting cannot be read."""
    given = account.get(SETTING)
    if not given:
        return max((rule for rule in RULES if rule[0] <= day), key=lambda rule: rule[0], default=RULES[0])[1]
    found = _FORM.fullmatch(given)
    if not found or found[1] == "0":
        raise YutangError(
            f"群发上限 mass_cap '{given}'：写成 1/day、7/week 或 days/month。 write the cap as 1/day, 7/week or days/month"
        )
    return Cap(0 if found[1] == "days" else int(found[1]), found[2])


def allowances(conn: psycopg.Connection, account: Account, day: date) -> list[Allowance]:
    """What a customer may get in the window that holds `day`, and the posts to Moments of its month."""
    cap, (first, last) = cap_of(account, day), Cap(1, "month").span(day)
    begin, end = (datetime.combine(d, time(), ZONE) for d in (first, last + timedelta(days=1)))
    made = sql.moments_made(conn, account=account.source, begin=begin, end=end).fetchone()
    assert made is not None
    return [
        Allowance("message", "person", cap.most(day), *cap.span(day)),
        Allowance("moments", "account", number(account, "moment_cap"), first, last, made.n),
    ]


def day_of(now: datetime) -> date:
    """The quota's day."""
    return now.astimezone(ZONE).date()


def opens_at(account: Account, now: datetime) -> datetime:
    """When the next window begins."""
    day = day_of(now)
    _, last = cap_of(account, day).span(day)
    return datetime.combine(last + timedelta(days=1), time(), ZONE).astimezone(UTC)


def reserve(conn: psycopg.Connection, account: Account, now: datetime, receivers: Sequence[str]) -> set[str]:
    """Take one message for each of these receivers, all different; returns those for whom there was room."""
    day = day_of(now)
    cap = cap_of(account, day)
    first, last = cap.span(day)
    rows = sql.reserve(
        conn, account=account.source, day=day, first=first, last=last, most=cap.most(day), receivers=sorted(receivers)
    )
    return {row.receiver for row in rows}


def room(conn: psycopg.Connection, account: Account, now: datetime, receivers: Sequence[str]) -> set[str]:
    """Those of the receivers who may get one more message; takes nothing."""
    day = day_of(now)
    cap = cap_of(account, day)
    first, last = cap.span(day)
    rows = sql.room(conn, account=account.source, first=first, last=last, most=cap.most(day), receivers=list(receivers))
    return {row.receiver for row in rows}


def give_back(conn: psycopg.Connection, account: str, uses: Iterable[tuple[str, date]]) -> None:
    """What was reserved for (receiver, day) and did not go out. `account`: its source."""
    counts = Counter(uses)
    if counts:
        keys = sorted(counts)
        sql.give_back(
            conn,
            account=account,
            receivers=[receiver for receiver, _ in keys],
            days=[day for _, day in keys],
            counts=[counts[key] for key in keys],
        )


def fill(conn: psycopg.Connection, account: Account, now: datetime, receivers: Sequence[str]) -> None:
    """The platform says that these have had enough in this window."""
    day = day_of(now)
    sql.fill(
        conn, account=account.source, day=day, most=cap_of(account, day).most(day), receivers=sorted(set(receivers))
    )


def trim(desk: Desk) -> int:
    """Forget days that no window reaches any more; returns how many rows."""
    return sql.trim_quota(desk.conn, account=desk.source, before=day_of(desk.clock()) - KEPT).rowcount
