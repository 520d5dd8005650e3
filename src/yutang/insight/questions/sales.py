"""Sales by month or week: new and returning buyers, and who has bought again."""

from __future__ import annotations

from typing import Any

from yutang.insight.questions import params
from yutang.insight.questions.cohorts import UNIT
from yutang.insight.questions.shape import Asked, Param, Parts, Question, Table, column, share
from yutang.insight.questions.tree import build
from yutang.why.words import both

BY = ("store", "channel")
_MAP = """with bought as (
        select person_id, :period as period{who}, sum(case when day >= :since then 1 else 0 end) as n_orders,
            sum(case when day >= :since then amount - coalesce(refunded, 0) else 0 end) as net
        from orders where day <= :until group by person_id, :period{split}),
    born as (select person_id, min(period) as first_period from bought group by person_id)
    select o.person_id, o.period{split}, o.n_orders, o.net, case when o.period = b.first_period then 1 else 0 end as fresh,
        case when o.period <> b.first_period or o.n_orders > 1 then 1 else 0 end as repeats
    from bought as o join born as b on b.person_id = o.person_id where o.n_orders > 0"""
_AGGREGATE = """select period{split}, fresh, count(*) as people, sum(n_orders) as orders, sum(net) as sales, sum(repeats) as again
    from map group by period{split}, fresh"""


def _build(asked: Asked, dialect: str) -> Parts:
    """`who`, by which sales are split, is there only when it is asked for: it is half of what the grouping costs."""
    words = {"who": f", {asked['by']} as who", "split": ", who"} if asked["by"] else {"who": "", "split": ""}
    period = build(f"y_{asked['unit']}(day)", dialect)
    map = build(_MAP.format(**words), dialect, period=period, since=asked["since"], until=asked["until"])
    return Parts(map, build(_AGGREGATE.format(**words), dialect))


def _finish(rows: list[Any], asked: Asked) -> Table:
    """One row per period (and store or channel)."""
    cells: dict[Any, dict[int, Any]] = {}
    for row in rows:
        cells.setdefault((row.period, row.who if asked["by"] else None), {})[int(row.fresh)] = row
    keys = sorted(cells, key=lambda k: (k[0], k[1] is None, k[1] or ""))
    found = [[period.isoformat(), *([who] if asked["by"] else []), *_line(cells[period, who])] for period, who in keys]
    head = [column("period", "周" if asked["unit"] == "week" else "月", asked["unit"], "day")]
    by = [column("who", "门店" if asked["by"] == "store" else "渠道", asked["by"], "text")] if asked["by"] else []
    return Table([*head, *by, *_COLUMNS], found)


def _line(sides: dict[int, Any]) -> list[Any]:
    def of(name: str, fresh: int) -> int:
        return int(getattr(sides[fresh], name)) if fresh in sides else 0

    buyers, orders, sales, again = (of(n, 0) + of(n, 1) for n in ("people", "orders", "sales", "again"))
    return [
        orders, buyers, of("people", 1), of("people", 0), again, share(again, buyers), sales, of("sales", 1),
        share(of("sales", 0), sales), share(sales, orders),
    ]  # fmt: skip


_COLUMNS = [
    column("orders", "订单", "orders", "count"),
    column("buyers", "买家", "buyers"),
    column("new", "新买家", "new buyers"),
    column("returning", "老买家", "returning buyers"),
    column("again", "复购人数", "bought again"),
    column("repurchase", "复购率", "bought again, of buyers", "share"),
    column("sales", "净销售", "net sales", "fen"),
    column("sales_new", "新买家销售", "sales to new buyers", "fen"),
    column("share_returning", "老买家销售占比", "share of sales to returning buyers", "share"),
    column("basket", "客单价", "sales per order", "fen"),
]

SALES = Question(
    "sales",
    both("销售与复购", "sales and repurchase"),
    both(
        "每月（或每周）卖了多少，其中新买家与老买家各多少；复购是当期下第二单，或以前买过。",
        "Sales of each month or week, to new and returning buyers; bought again: a second order in the period, or one before it.",
    ),
    (
        UNIT,
        Param("by", "choice", "", "再按什么拆分", "what else to split by", BY),
        Param("since", "day", "365d", "从哪天起", "first day"),
        params.UNTIL,
    ),
    _build,
    _finish,
)
