"""Does the pond grow by itself: how many each person invites, and how many of these come."""

from __future__ import annotations

from typing import Any

from yutang.insight.questions import params
from yutang.insight.questions.parts import by_who, named, with_split
from yutang.insight.questions.shape import Asked, Param, Parts, Question, Table, column, share
from yutang.insight.questions.tree import build
from yutang.why.words import both

_MAP = """select person_id, sum(invited) as n_invited, sum(joined) as n_joined from (
        select person_id, 0 as invited, 0 as joined from persons where valid_to is null and y_day(created_at, :zone) <= :until
        union all
        select person_id, case when type = :invited then 1 else 0 end as invited, case when type = :joined then 1 else 0 end as joined
        from events where type in :types and day between :since and :until) as u
    group by person_id"""
_AGGREGATE = """select who, count(*) as people, sum(case when n_invited > 0 then 1 else 0 end) as inviters,
    sum(n_invited) as invites, sum(n_joined) as joins from map group by who"""


def _build(asked: Asked, dialect: str) -> Parts:
    invited, joined = asked["invited"], asked["joined"]
    people = build(
        _MAP, dialect, zone=asked.zone, invited=invited, joined=joined, types=sorted({invited, joined}),
        since=asked["since"], until=asked["until"],
    )  # fmt: skip
    return Parts(with_split(people, asked["by"], dialect), build(_AGGREGATE, dialect))


def _finish(rows: list[Any], asked: Asked) -> Table:
    split, found = asked["by"] is not None, []
    for who, (row,) in by_who(rows).items():
        people, inviters, invites, joins = (int(getattr(row, n)) for n in ("people", "inviters", "invites", "joins"))
        line = [people, inviters, invites, joins, share(invites, people), share(joins, invites), share(joins, people)]
        found.append([who, *line] if split else line)
    return Table([*named(split), *_COLUMNS], found, [TYPES])


TYPES = both(
    "两种事件都记在邀请人名下；事件登记表里没有它们，由商城或裂变工具发来",
    "both events are the inviter's own; they are not in the event registry, your shop or referral tool sends them",
)
_COLUMNS = [
    column("people", "人数", "people"),
    column("inviters", "发出邀请的人", "people who invited"),
    column("invites", "邀请", "invitations", "count"),
    column("joins", "成功", "of them came", "count"),
    column("each", "人均邀请", "invitations of one", "number"),
    column("conversion", "邀请转化率", "came of the invited", "share"),
    column("k", "K 因子", "K-factor", "number"),
]

KFACTOR = Question(
    "kfactor",
    both("K 因子", "K-factor"),
    both(
        "人均发出多少邀请、多少邀请成功；两者之积即 K，达到 1 时鱼塘自己会长大。",
        "How many invitations one person sends and how many of them succeed; K is the product, and at 1 the pond grows by itself.",
    ),
    (
        Param("invited", "name", "invited", "邀请事件", "the event of an invitation"),
        Param("joined", "name", "invite_accepted", "邀请成功的事件", "the event of its success"),
        params.SINCE,
        params.UNTIL,
        params.SPLIT,
    ),
    _build,
    _finish,
)
