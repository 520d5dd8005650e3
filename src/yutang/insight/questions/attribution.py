"""Which touches stand before orders, and what each may take the credit for.

A person's touches and orders in their order fall into paths: each order ends one, and what comes after the last order is a path
that led nowhere. A path holds the touches of its last `within`. Removal effect: Anderl, Becker, von Wangenheim and Schumann, "Mapping
the customer journey" (2016), a Markov chain of first order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from yutang.insight.questions import params
from yutang.insight.questions.shape import Asked, Param, Parts, Question, Table, column
from yutang.insight.questions.touching import BY_TITLE, label
from yutang.insight.questions.tree import LINK, build
from yutang.why.words import both

START, ORDER, NOTHING = "", "order", "nothing"
_MAP = """with steps as (
        select person_id, sent_at as moment, 0 as is_order, touch_id as number, coalesce(:label, '–') as label,
            cast(0 as bigint) as net, y_day(sent_at, :zone) as on_day
        from touches where sent_at is not null and y_day(sent_at, :zone) between :early and :until
        union all
        select person_id, at as moment, 1 as is_order, event_id as number, '' as label,
            amount - coalesce(refunded, 0) as net, day as on_day
        from orders where day between :early and :until),
    numbered as (
        select person_id, moment, is_order, number, label, net, on_day, sum(is_order) over (
            partition by person_id order by moment, is_order, number rows between unbounded preceding and current row)
            - is_order as path_no from steps),
    ended as (
        select person_id, moment, is_order, number, label, net, path_no,
            max(y_micros(moment)) over (partition by person_id, path_no) as end_micros,
            max(on_day) over (partition by person_id, path_no) as end_day from numbered)
    select person_id, path_no, y_path(moment, number, label) as path, max(is_order) as ordered, sum(net) as sales from (
        select person_id, path_no, moment, is_order, case when is_order = 1 then :last else number end as number, label, net from ended
        where end_day >= :since and (is_order = 1 or end_micros - y_micros(moment) <= :within)) as p
    group by person_id, path_no"""
_AGGREGATE = "select path, ordered, count(*) as paths, sum(sales) as total from map group by path, ordered"


def _build(asked: Asked, dialect: str) -> Parts:
    within = asked["within"]
    map = build(
        _MAP, dialect, label=label(asked["by"], asked.zone, dialect), zone=asked.zone, since=asked["since"],
        early=asked["since"] - timedelta(days=within.days + 1), until=asked["until"], last=2**62,
        within=within // timedelta(microseconds=1),
    )  # fmt: skip
    return Parts(map, build(_AGGREGATE, dialect))


def _finish(rows: list[Any], asked: Asked) -> Table:
    """One row per label, the greatest removal effect first, and one for the orders that nothing came before."""
    paths: dict[tuple[tuple[str, ...], bool], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        touched = tuple(part for part in row.path.split(LINK) if part)
        cell = paths[touched, bool(row.ordered)]
        cell[0], cell[1] = cell[0] + int(row.paths), cell[1] + int(row.total)
    won = {touched: (n, sales) for (touched, ordered), (n, sales) in paths.items() if ordered}
    orders = {touched: n for touched, (n, _) in won.items() if touched}
    lost = {touched: n for (touched, ordered), (n, _) in paths.items() if not ordered}
    credits = _credits({t: s for t, s in won.items() if t}, removal_shares(orders, lost))
    seen = Counter[str]()
    for (touched, _), (n, _sales) in paths.items():
        seen.update(dict.fromkeys(touched, n))
    found = [[name, seen[name], *credits[name]] for name in sorted(seen, key=lambda s: (-credits[s][3], s))]
    alone, sales = won.get((), (0, 0))
    found.append([None, 0, *[alone] * 4, *[sales] * 4])
    return Table([column("who", *BY_TITLE[asked["by"]], "text"), *_COLUMNS], found, [ALONE])


def _credits(
    won: Mapping[tuple[str, ...], tuple[int, int]], shares: Mapping[str, float]
) -> defaultdict[str, list[float]]:
    """Per label: orders by first, last, linear and removal, then sales by the same."""
    found: defaultdict[str, list[float]] = defaultdict(lambda: [0.0] * 8)
    for touched, (n, sales) in won.items():
        for place, name in ((0, touched[0]), (1, touched[-1])):
            found[name][place] += n
            found[name][4 + place] += sales
        for name, times in Counter(touched).items():
            found[name][2] += n * times / len(touched)
            found[name][6] += sales * times / len(touched)
    for name, part in shares.items():
        found[name][3] = part * sum(n for n, _ in won.values())
        found[name][7] = part * sum(sales for _, sales in won.values())
    return found


def removal_shares(won: Mapping[tuple[str, ...], int], lost: Mapping[tuple[str, ...], int]) -> dict[str, float]:
    """Each label's part of the orders, by how many fewer there would be if whoever comes to it were lost. The parts add up to 1.

    won, lost: how many paths of each sort ended in an order, and in nothing.
    """
    moves: Counter[tuple[str, str]] = Counter()
    for paths, end in ((won, ORDER), (lost, NOTHING)):
        for path, n in paths.items():
            if path:
                stops = [START, *("t" + name for name in path), end]
                for pair in pairwise(stops):
                    moves[pair] += n
    names = sorted({name for path in (*won, *lost) for name in path})
    base = _chance(moves, names)
    if not base:
        return {}
    effects = {name: 1 - _chance(moves, names, name) / base for name in names}
    return {name: effect / sum(effects.values()) for name, effect in effects.items()}


def _chance(moves: Mapping[tuple[str, str], int], names: Sequence[str], removed: str | None = None) -> float:
    """With what chance a walk from the start ends in an order when `removed` leads to nothing: x = Q x + r, solved."""
    states = [START, *("t" + name for name in names if name != removed)]
    place = {state: n for n, state in enumerate(states)}
    inner, ordered, left = np.zeros((len(states),) * 2), np.zeros(len(states)), np.zeros(len(states))
    for (here, there), n in moves.items():
        if here not in place:
            continue
        left[place[here]] += n
        if there == ORDER:
            ordered[place[here]] += n
        elif there in place:
            inner[place[here], place[there]] += n
    scale = np.where(left > 0, left, 1)
    return float(np.linalg.solve(np.eye(len(states)) - inner / scale[:, None], ordered / scale)[0])


ALONE = both(
    "最后一行是时限内没有任何触达的订单；数据驱动一列是马尔可夫链的移除效应，描述先后，不证明因果",
    "the last row: orders with no touch in the span before. Data-driven is the removal effect of a Markov chain: it tells of order, not "
    "of cause",
)
_MODELS = (
    ("first", "首次", "first"),
    ("last", "末次", "last"),
    ("linear", "平均", "linear"),
    ("removal", "数据驱动", "data-driven"),
)
_COLUMNS = [
    column("paths", "路径", "paths", "count"),
    *[column(f"orders_{key}", f"订单（{zh}）", f"orders, {en}", "number") for key, zh, en in _MODELS],
    *[column(f"sales_{key}", f"销售（{zh}）", f"sales, {en}", "fen") for key, zh, en in _MODELS],
]

ATTRIBUTION = Question(
    "attribution",
    both("触点归因", "attribution to touches"),
    both(
        "下单之前时限内收到的触达，按首次、末次、平均分摊与数据驱动（马尔可夫移除效应）各得多少订单与销售。",
        "The touches in the span before orders, and the orders and sales each takes by first touch, last touch, in equal parts, and "
        "data-driven by the removal effect of a Markov chain.",
    ),
    (
        Param("by", "choice", "channel", "按什么归因", "what takes the credit", ("channel", "journey", "message")),
        Param("within", "span", "30d", "下单前多久", "the span before an order"),
        params.SINCE,
        params.UNTIL,
    ),
    _build,
    _finish,
)
