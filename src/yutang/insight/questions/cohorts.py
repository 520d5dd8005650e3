"""People by when they began: who comes back, and what they have brought so far."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from yutang.insight.questions import params
from yutang.insight.questions.parts import events_of
from yutang.insight.questions.shape import Asked, Column, Param, Parts, Question, Table, column, share
from yutang.insight.questions.tree import build
from yutang.why.words import both

UNITS = ("week", "month")
SIZE = -1
"""Stands for the age at which a row counts the person itself."""
UNIT = Param("unit", "choice", "month", "按周或按月", "weeks or months", UNITS)
PERIODS = Param("periods", "whole", "12", "看多少期", "how many periods to look at", high=120)


def first_of(unit: str, day: date) -> date:
    """The Monday, or the first of the month, of a day."""
    return day - timedelta(days=day.weekday()) if unit == "week" else day.replace(day=1)


def nth(unit: str, first: date, n: int) -> date:
    """When the `n`-th period after `first` begins."""
    if unit == "week":
        return first + timedelta(weeks=n)
    months = first.year * 12 + first.month - 1 + n
    return date(months // 12, months % 12 + 1, 1)


def aged(unit: str, born: str, day: str) -> str:
    """The age of `day` in whole periods since that of `born`, in text; weeks count in days."""
    return f"y_days(y_week({born}), y_week({day}))" if unit == "week" else f"y_months(y_month({born}), y_month({day}))"


def age(unit: str, n: int) -> int:
    """What `aged` found, in periods."""
    return n // 7 if unit == "week" and n > 0 else n


def _build_retention(asked: Asked, dialect: str) -> Parts:
    unit = asked["unit"]
    again = events_of(None if asked["again"] == ("any",) else asked["again"], dialect)
    text = f"""with firsts as (
            select person_id, min(at) as first_at, min(day) as first_day from :begun as e group by person_id),
        back as (
            select person_id, y_{unit}(day) as period, max(at) as last_at from :again as e
            where day between :since and :today group by person_id, y_{unit}(day))
        select person_id, y_{unit}(first_day) as cohort, {SIZE} as age from firsts where first_day between :since and :until
        union all
        select f.person_id, y_{unit}(f.first_day) as cohort, {aged(unit, "f.first_day", "b.period")} as age
        from firsts as f join back as b on b.person_id = f.person_id
        where f.first_day between :since and :until and b.last_at > f.first_at"""
    map = build(
        text, dialect, begun=events_of([asked["begin"]], dialect), again=again, since=asked["since"], until=asked["until"],
        today=asked.today,
    )  # fmt: skip
    return Parts(map, build("select cohort, age, count(*) as people from map group by cohort, age", dialect))


def _cells(rows: Iterable[Any], unit: str) -> dict[date, dict[int, Any]]:
    """Rows by cohort and age, the cohorts in order."""
    found: dict[date, dict[int, Any]] = {}
    for row in rows:
        found.setdefault(row.cohort, {})[age(unit, int(row.age))] = row
    return dict(sorted(found.items()))


def _heads(unit: str, periods: int, value: str) -> list[Column]:
    zh = "周" if unit == "week" else "月"
    return [
        column("cohort", f"起始{zh}", f"{unit} of beginning", "day"),
        column("people", "人数", "people"),
        *[column(f"p{n}", f"第 {n} {zh}", f"{unit} {n}", value) for n in range(periods + 1)],
    ]


PARTIAL = both("最近一期尚未结束，数字还会变大", "the last period is not over yet; its figures will still grow")


def _finish_retention(rows: list[Any], asked: Asked) -> Table:
    """For each cohort: its size, and the share of it that came back in each period; None for what is still to come."""
    unit, periods, found = asked["unit"], asked["periods"], []
    for cohort, cells in _cells(rows, unit).items():
        size = int(cells[SIZE].people)
        back = [int(cells[n].people) if n in cells else 0 for n in range(periods + 1)]
        past = [nth(unit, cohort, n) <= asked.today for n in range(periods + 1)]
        found.append(
            [cohort.isoformat(), size, *[share(b, size) if p else None for b, p in zip(back, past, strict=True)]]
        )
    return Table(_heads(unit, periods, "share"), found, [PARTIAL])


RETENTION = Question(
    "retention",
    both("留存", "retention"),
    both(
        "按第一次做某事的周（或月）把人分组，看以后每一期里有多少人回来。第 0 期是当期内的再次到来。",
        "People grouped by the week or month in which they first did something, and the share that comes back in each period after. "
        "Period 0 is coming back within the first.",
    ),
    (
        Param("begin", "name", "ordered", "从哪种事件算起（第一次）", "the event that begins it, the first time"),
        Param("again", "names", "ordered", "怎样算回来；any 为任何事件", "what counts as coming back; any is any event"),
        UNIT, PERIODS, params.SINCE, params.UNTIL,
    ),
    _build_retention, _finish_retention, {"unit": "week"},
)  # fmt: skip


_BORN = {
    "order": "select person_id, min(day) as first_day from orders group by person_id",
    "created": "select person_id, min(y_day(created_at, :zone)) as first_day from persons where valid_to is null group by person_id",
}


def _build_ltv(asked: Asked, dialect: str) -> Parts:
    unit = asked["unit"]
    text = f"""with born as (select person_id, first_day from ({_BORN[asked["first"]]}) as b where first_day between :since and :until)
        select person_id, y_{unit}(first_day) as cohort, {SIZE} as age, cast(0 as bigint) as net from born
        union all
        select o.person_id, y_{unit}(b.first_day) as cohort,
            case when o.day < b.first_day then 0 else {aged(unit, "b.first_day", "o.day")} end as age,
            o.amount - coalesce(o.refunded, 0) as net
        from born as b join orders as o on o.person_id = b.person_id where o.day <= :today"""
    values = {"zone": asked.zone} if asked["first"] == "created" else {}
    map = build(text, dialect, since=asked["since"], until=asked["until"], today=asked.today, **values)
    agg = "select cohort, age, count(*) as people, sum(net) as total from map group by cohort, age"
    return Parts(map, build(agg, dialect))


def _finish_ltv(rows: list[Any], asked: Asked) -> Table:
    """For each cohort: its size, and what one person has brought on average by the end of each period."""
    unit, periods, found = asked["unit"], asked["periods"], []
    for cohort, cells in _cells(rows, unit).items():
        size, so_far, line = int(cells[SIZE].people), 0, []
        for n in range(periods + 1):
            so_far += int(cells[n].total) if n in cells else 0
            line.append(so_far / size if nth(unit, cohort, n) <= asked.today else None)
        found.append([cohort.isoformat(), size, *line])
    return Table(_heads(unit, periods, "fen"), found, [PARTIAL])


LTV = Question(
    "ltv",
    both("分组累计价值", "value by cohort"),
    both(
        "按首单（或入塘）的月份分组，每人到第几个月为止平均累计贡献了多少净销售额（扣除退款）。",
        "People grouped by the month of their first order, or of coming into the pond, and the net sales (refunds taken off) that one "
        "has brought on average by each month of age.",
    ),
    (
        Param("first", "choice", "order", "按首单或入塘", "first order, or coming into the pond", ("order", "created")),
        UNIT, PERIODS, Param("since", "day", "365d", "从哪天起", "first day"), params.UNTIL,
    ),
    _build_ltv, _finish_ltv,
)  # fmt: skip
