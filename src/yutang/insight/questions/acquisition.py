"""What it costs to win people, and when they have paid it back."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from yutang.insight.questions import params
from yutang.insight.questions.parts import by_who
from yutang.insight.questions.shape import Asked, Param, Parts, Question, Table, column, share
from yutang.insight.questions.tree import build
from yutang.why.words import both

BY = {"source": "first_source", "code": "first_code", "store": "store", "owner": "owner", "month": ""}
SIZE, BUYER = -1, -2
"""Stand for the ages at which a row counts the person, and the person as one who has bought."""
_MAP = f"""with won as (
        select person_id, who, day_won from (
            select person_id, :label as who, y_day(created_at, :zone) as day_won from persons where valid_to is null) as p
        where day_won between :since and :until),
    bought as (
        select w.person_id, w.who, o.amount - coalesce(o.refunded, 0) as net,
            case when o.day < w.day_won then 0 else y_months(y_month(w.day_won), y_month(o.day)) end as age
        from won as w join orders as o on o.person_id = w.person_id where o.day <= :today)
    select person_id, who, {SIZE} as age, cast(0 as bigint) as net from won
    union all select distinct person_id, who, {BUYER} as age, cast(0 as bigint) as net from bought
    union all select person_id, who, age, net from bought"""


def _build(asked: Asked, dialect: str) -> Parts:
    by = asked["by"]
    label: exp.Expression = exp.column(BY[by])
    if by == "month":
        label = build("cast(y_month(y_day(created_at, :zone)) as varchar)", dialect, zone=asked.zone)
    map = build(
        _MAP, dialect, label=label, zone=asked.zone, since=asked["since"], until=asked["until"], today=asked.today
    )
    return Parts(
        map, build("select who, age, count(*) as people, sum(net) as total from map group by who, age", dialect)
    )


def _finish(rows: list[Any], asked: Asked) -> Table:
    """One row per source: a source without a cost has cost nothing that is known."""
    costs, margin, found = asked["costs"] or {}, asked["margin_percent"] / 100, []
    for who, mine in by_who(rows).items():
        name = who[:7] if who is not None and asked["by"] == "month" else who
        cells = {int(row.age): row for row in mine}
        people, buyers = int(cells[SIZE].people), int(cells[BUYER].people) if BUYER in cells else 0
        by_age = {age: int(row.total) for age, row in cells.items() if age >= 0}
        cost, sales = costs.get(name or ""), sum(by_age.values())
        found.append(
            [name, people, buyers, cost, share(cost, people), share(cost, buyers), sales, sales * margin,
             None if not cost else sales * margin / cost, None if cost is None else _payback(by_age, cost, margin)]
        )  # fmt: skip
    return Table(_COLUMNS, found, [PAYBACK])


def _payback(by_age: dict[int, int], cost: int, margin: float) -> int | None:
    """The month of age by whose end the margin has reached the cost; None while it has not."""
    so_far = 0.0
    for age in range(max(by_age, default=0) + 1):
        so_far += by_age.get(age, 0) * margin
        if so_far >= cost:
            return age
    return None


PAYBACK = both(
    "回本月数从每人入塘的月份（第 0 月）算起；还没回本则为空",
    "the month of payback counts from the month in which each came (month 0); empty while it has not come",
)
_COLUMNS = [
    column("who", "来源", "won by", "text"),
    column("people", "新增人数", "people won"),
    column("buyers", "其中买家", "of them buyers"),
    column("cost", "花费", "cost", "fen"),
    column("cac", "每人成本", "cost of one", "fen"),
    column("per_buyer", "每买家成本", "cost of one buyer", "fen"),
    column("sales", "净销售", "net sales", "fen"),
    column("margin", "毛利", "margin", "fen"),
    column("return", "毛利/花费", "margin per cost", "number"),
    column("payback", "回本月数", "month of payback", "months"),
]

CAC = Question(
    "cac",
    both("获客成本与回本", "cost of winning people, and payback"),
    both(
        "每个来源（活码、门店、员工、批次月份）带来了多少人，每人花费多少，带来的毛利在第几个月收回花费。",
        "How many people each source, code, store, member of staff or month has won, what one has cost, and in which month their margin "
        "has paid it back.",
    ),
    (
        Param("by", "choice", "source", "按什么拆分", "what to tell people apart by", tuple(BY)),
        Param("costs", "costs", "", "各来源的花费", "what each has cost"),
        Param("margin_percent", "percent", "100", "毛利率（%）", "margin, in percent of sales"),
        Param("since", "day", "365d", "从哪天起", "first day"),
        params.UNTIL,
    ),
    _build,
    _finish,
    {"costs": "wechat=500000"},
)
