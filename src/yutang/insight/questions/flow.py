"""The life cycle: from which stage to which people have moved between two days."""

from __future__ import annotations

from typing import Any

from yutang.insight.questions.parts import after
from yutang.insight.questions.shape import Asked, Param, Parts, Question, Table, column, share
from yutang.insight.questions.tree import build
from yutang.why.words import both

STAGES = {
    "outside": both("尚未入塘", "not in the pond yet"),
    "visitor": both("未购", "no order yet"),
    "new": both("新客", "new"),
    "growing": both("成长", "growing"),
    "mature": both("成熟", "mature"),
    "dormant": both("沉睡", "dormant"),
    "lost": both("流失", "lost"),
}


def _stage(mark: str) -> str:
    """The stage at the end of a day, as `profile` has it."""
    return f"""case when in_{mark} = 0 then 'outside' when orders_{mark} = 0 then 'visitor'
        when y_days(last_{mark}, :{mark}) >= :lost then 'lost' when y_days(last_{mark}, :{mark}) >= :dormant then 'dormant'
        when orders_{mark} >= :mature then 'mature' when orders_{mark} >= :growing then 'growing' else 'new' end"""


def _known(mark: str) -> str:
    """Whether the person was there at the end of the day: came by then, or had bought."""
    return f"""case when y_micros(p.created_at) < :end_{mark} or coalesce(o.first_day <= :{mark}, false) then 1 else 0 end as in_{mark},
        coalesce(o.orders_{mark}, 0) as orders_{mark}, o.last_{mark} as last_{mark}"""


def _counted(mark: str) -> str:
    return f"""sum(case when day <= :{mark} then 1 else 0 end) as orders_{mark},
        max(case when day <= :{mark} then day end) as last_{mark}"""


_MAP = f"""select person_id, {_stage("a")} as before, {_stage("b")} as after from (
        select p.person_id, {_known("a")}, {_known("b")} from (select person_id, created_at from persons where valid_to is null) as p
        left join (
            select person_id, min(day) as first_day, {_counted("a")}, {_counted("b")} from orders where day <= :b group by person_id) as o
        on o.person_id = p.person_id) as s
    where in_b = 1"""


def _build(asked: Asked, dialect: str) -> Parts:
    a, b = asked["since"], asked["until"]
    map = build(
        _MAP, dialect, a=a, b=b, end_a=after(a, asked.zone), end_b=after(b, asked.zone), lost=asked["lost_days"],
        dormant=asked["dormant_days"], mature=asked["mature_orders"], growing=asked["growing_orders"],
    )  # fmt: skip
    return Parts(map, build("select before, after, count(*) as people from map group by before, after", dialect))


def _finish(rows: list[Any], _asked: Asked) -> Table:
    """One row for each pair of stages that somebody moved between, or stayed in."""
    order = list(STAGES)
    moved = sorted(
        ((r.before, r.after, int(r.people)) for r in rows), key=lambda m: (order.index(m[0]), order.index(m[1]))
    )
    begun = {before: sum(n for b, _, n in moved if b == before) for before, _, _ in moved}
    found = [[before, STAGES[before], after, STAGES[after], n, share(n, begun[before])] for before, after, n in moved]
    columns = [
        column("from", "起始阶段", "from", "text"), column("from_title", "起始", "from", "words"),
        column("to", "到达阶段", "to", "text"), column("to_title", "到达", "to", "words"),
        column("people", "人数", "people"), column("share", "占起始阶段", "of those who began there", "share"),
    ]  # fmt: skip
    return Table(columns, found)


FLOW = Question(
    "flow",
    both("生命周期流转", "life-cycle flow"),
    both(
        "在两天之间，从一个生命周期阶段走到另一个阶段的人有多少。阶段由订单数与最近下单的天数决定，与画像相同。",
        "How many people moved from one stage of the life cycle to another between two days. Orders and the days since the last one "
        "make the stage, as in the profile.",
    ),
    (
        Param("since", "day", "30d", "起始日（当天结束时）", "the first day, at its end"),
        Param("until", "day", "0d", "结束日", "the last day"),
        Param("growing_orders", "whole", "2", "几单算成长", "orders that make one growing"),
        Param("mature_orders", "whole", "5", "几单算成熟", "orders that make one mature"),
        Param("dormant_days", "whole", "60", "几天未下单算沉睡", "days without an order that make one dormant", high=3660),
        Param("lost_days", "whole", "180", "几天未下单算流失", "days without an order that make one lost", high=3660),
    ),
    _build, _finish,
)  # fmt: skip
