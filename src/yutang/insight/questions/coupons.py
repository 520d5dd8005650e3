"""Coupons: how many were given and used, and what those who got one have bought before and after."""

from __future__ import annotations

from typing import Any

from yutang.insight.questions import params
from yutang.insight.questions.shape import Asked, Param, Parts, Question, Table, column, share
from yutang.insight.questions.tree import build
from yutang.why.words import both

_MAP = """with said as (
        select person_id, type, day, coalesce(amount, 0) as fen, y_text(props, 'offer') as offer, y_text(props, 'code') as code
        from events where type in ('coupon_issued', 'coupon_redeemed') and day between :since and :today),
    issued as (
        select person_id, coalesce(offer, '') as offer, code, min(day) as issue_day
        from said where type = 'coupon_issued' and day <= :until group by person_id, coalesce(offer, ''), code),
    used as (
        select person_id, code, sum(fen) as taken_off from said where type = 'coupon_redeemed' group by person_id, code),
    had as (
        select i.person_id, i.offer, count(*) as n_issued, sum(case when u.code is null then 0 else 1 end) as n_used,
            sum(coalesce(u.taken_off, 0)) as taken_off, min(i.issue_day) as first_day
        from issued as i left join used as u on u.person_id = i.person_id and u.code = i.code
        group by i.person_id, i.offer)
    select h.person_id, h.offer, case when h.n_used > 0 then 1 else 0 end as took, h.n_issued, h.n_used, h.taken_off,
        sum(case when o.day >= h.first_day and y_days(h.first_day, o.day) < :days then o.net else 0 end) as net_after,
        sum(case when o.day < h.first_day and y_days(o.day, h.first_day) <= :days then o.net else 0 end) as net_before
    from had as h left join (select person_id, day, amount - coalesce(refunded, 0) as net from orders
        where day between :early and :today) as o
        on o.person_id = h.person_id
    group by h.person_id, h.offer, h.n_issued, h.n_used, h.taken_off, h.first_day"""
_AGGREGATE = """select offer, took, count(*) as people, sum(n_issued) as issued, sum(n_used) as redeemed,
        sum(taken_off) as discount, sum(net_after) as sales_after, sum(net_before) as sales_before
    from map group by offer, took"""
NOT_CAUSAL = both(
    "用券的人本来就更爱买：提升是前后差之差，不是因果；因果效果请看 yutang experiment",
    "those who use coupons buy more anyway: the lift is a difference of differences, not an effect; for effects see yutang experiment",
)


def _build(asked: Asked, dialect: str) -> Parts:
    days = {"since": asked["since"], "until": asked["until"], "today": asked.today, "days": asked["days"].days}
    days["early"] = asked["since"] - asked["days"]
    return Parts(build(_MAP, dialect, **days), build(_AGGREGATE, dialect))


def _finish(rows: list[Any], _asked: Asked) -> Table:
    """One row per offer; sales are per person, in the days after the first coupon and in as many before."""
    offers: dict[str, dict[int, Any]] = {}
    for row in rows:
        offers.setdefault(row.offer, {})[int(row.took)] = row
    return Table(_COLUMNS, [[offer, *_line(offers[offer])] for offer in sorted(offers)], [NOT_CAUSAL])


def _line(sides: dict[int, Any]) -> list[Any]:
    issued, redeemed, people, discount = (
        sum(int(getattr(row, name)) for row in sides.values()) for name in ("issued", "redeemed", "people", "discount")
    )
    took = int(sides[1].people) if 1 in sides else 0
    after = [_each(sides.get(side), "sales_after") for side in (1, 0)]
    before = [_each(sides.get(side), "sales_before") for side in (1, 0)]
    lift = None if None in after else (after[0] - before[0]) - (after[1] - before[1])  # type: ignore[operator]
    return [issued, redeemed, share(redeemed, issued), people, took, discount, *after, *before, lift]


def _each(row: Any, name: str) -> float | None:
    return int(getattr(row, name)) / int(row.people) if row else None


_COLUMNS = [
    column("offer", "优惠", "offer", "text"),
    column("issued", "发出", "issued", "count"),
    column("redeemed", "核销", "redeemed", "count"),
    column("rate", "核销率", "redeemed of issued", "share"),
    column("people", "得券人数", "people who got one"),
    column("took", "用券人数", "people who used one"),
    column("discount", "抵扣", "taken off", "fen"),
    column("after_used", "用券者人均销售（后）", "sales after, of one who used it", "fen"),
    column("after_unused", "未用者人均销售（后）", "sales after, of one who did not", "fen"),
    column("before_used", "用券者人均销售（前）", "sales before, of one who used it", "fen"),
    column("before_unused", "未用者人均销售（前）", "sales before, of one who did not", "fen"),
    column("lift", "提升（双重差分）", "lift, difference of differences", "fen"),
]

COUPONS = Question(
    "coupons",
    both("券的核销与提升", "redemption and lift of coupons"),
    both(
        "每种优惠发出与核销了多少，得券的人在得券后与得券前同样天数里人均买了多少，用了与没用的分开看。",
        "How many coupons of each offer were issued and redeemed, and what one who got it has bought in the days after and in as many "
        "before, those who used it and those who did not apart.",
    ),
    (params.SINCE, params.UNTIL, Param("days", "span", "28d", "得券前后看多久", "how long to look, after and before")),
    _build,
    _finish,
)
