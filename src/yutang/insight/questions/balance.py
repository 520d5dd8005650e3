"""The balance of the pond: who came, who went, who is there and buys, per store or member of staff."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlglot import exp

from yutang.insight.questions import params
from yutang.insight.questions.parts import after, by_who
from yutang.insight.questions.shape import Asked, Param, Parts, Question, Table, column, share
from yutang.insight.questions.tree import build
from yutang.why.words import both

BY = {"store": "store", "owner": "owner", "source": "first_source", "code": "first_code"}
COMES = ("contact_added", "followed")
GOES = ("contact_lost", "unfollowed")
ACTIVE = (
    "registered", "ordered", "viewed", "coupon_redeemed", "message_received", "message_opened", "message_clicked",
    "message_replied", "contact_added", "group_joined", "followed", "scanned", "grant_given", "located",
)  # fmt: skip
"""What somebody does themselves."""
COUNTS = ("here", "came", "went", "active", "buyers")
_MAP = """select person_id, who, last_move % 2 as is_here, case when created >= :begin then 1 else 0 end as has_come,
        case when last_move % 2 = 0 and last_move >= 2 * :begin then 1 else 0 end as has_gone, is_active, has_bought, net
    from (
        select p.person_id as person_id, p.who as who, p.created as created, coalesce(m.last_move, 1) as last_move,
            coalesce(a.active, 0) as is_active, coalesce(o.bought, 0) as has_bought, coalesce(o.sales, 0) as net
        from (
            select person_id, :label as who, y_micros(created_at) as created from persons where valid_to is null) as p
        left join (
            select person_id, max(y_micros(at) * 2 + case when type in :comes then 1 else 0 end) as last_move
            from events where type in :moves and day <= :until group by person_id) as m on m.person_id = p.person_id
        left join (
            select person_id, max(1) as active from events where type in :active and day between :since and :until group by person_id
            ) as a on a.person_id = p.person_id
        left join (
            select person_id, max(1) as bought, sum(amount - coalesce(refunded, 0)) as sales from orders
            where day between :since and :until group by person_id) as o on o.person_id = p.person_id
        where p.created < :end) as s"""
"""last_move: twice the instant at which somebody last came or went, and one more when they came: whoever does both at once is there."""
_AGGREGATE = """select who, sum(is_here) as here, sum(has_come) as came, sum(has_gone) as went, sum(is_active) as active,
    sum(has_bought) as buyers, sum(net) as sales from map group by who"""


def _build(asked: Asked, dialect: str) -> Parts:
    since, until = asked["since"], asked["until"]
    map = build(
        _MAP, dialect, label=exp.column(BY[asked["by"]]), since=since, until=until, active=ACTIVE, comes=COMES,
        moves=[*GOES, *COMES], begin=after(since - timedelta(days=1), asked.zone), end=after(until, asked.zone),
    )  # fmt: skip
    return Parts(map, build(_AGGREGATE, dialect))


def _finish(rows: list[Any], _asked: Asked) -> Table:
    found = []
    for who, (row,) in by_who(rows).items():
        counts = {name: int(getattr(row, name)) for name in COUNTS}
        found.append([who, *counts.values(), int(row.sales), share(counts["active"], counts["here"])])
    return Table(_COLUMNS, found)


_COLUMNS = [
    column("who", "门店或员工", "store or staff", "text"),
    column("here", "期末在塘", "there at the end"),
    column("came", "新增", "came"),
    column("went", "流失", "went"),
    column("active", "活跃", "active"),
    column("buyers", "下单人数", "buyers"),
    column("sales", "净销售", "net sales", "fen"),
    column("active_share", "活跃/在塘", "active of those there", "share"),
]

BALANCE = Question(
    "balance",
    both("鱼塘盘点", "balance of the pond"),
    both(
        "每个门店（员工、来源、活码）名下期末有多少人，期间来了多少、走了多少（删除或取关且没有回来）、活跃多少、下单多少、卖了多少。",
        "For each store, member of staff, source or code: how many people are there at the end, how many came, went (ended the contact or "
        "stopped following, and did not come back), were active, bought, and for how much.",
    ),
    (
        Param("by", "choice", "store", "按什么拆分", "what to split people by", tuple(BY)),
        Param("since", "day", "30d", "从哪天起", "first day"),
        params.UNTIL,
    ),
    _build,
    _finish,
)
