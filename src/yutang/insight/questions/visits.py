"""Visits: how often people come by, and how deep they look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from yutang.insight.questions import params
from yutang.insight.questions.shape import Asked, Param, Parts, Question, Table, column, share
from yutang.insight.questions.tree import build
from yutang.why.words import both

BANDS = ("1", "2", "3-5", "6-10", "11+")
_MAP = """select person_id, visit, views, micros, case when views = 1 then '1' when views = 2 then '2' when views <= 5 then '3-5'
        when views <= 10 then '6-10' else '11+' end as band
    from (select person_id, visit, count(*) as views, max(t) - min(t) as micros from (
        select person_id, t, sum(case when t - coalesce(before, 0) > :gap then 1 else 0 end) over (
            partition by person_id order by t, event_id rows between unbounded preceding and current row) as visit
        from (
            select person_id, y_micros(at) as t, event_id, y_before(y_micros(at)) over (
                partition by person_id order by at, event_id rows between unbounded preceding and current row) as before
            from events where type in :types and day between :since and :until) as e) as v
    group by person_id, visit) as m"""
_AGGREGATE = """select band, count(*) as visits, sum(views) as all_views, sum(micros) as all_micros,
    sum(case when visit = 1 then 1 else 0 end) as people from map group by band"""


def _build(asked: Asked, dialect: str) -> Parts:
    gap = asked["gap"] // timedelta(microseconds=1)
    map = build(_MAP, dialect, gap=gap, types=asked["types"], since=asked["since"], until=asked["until"])
    return Parts(map, build(_AGGREGATE, dialect))


def _finish(rows: list[Any], _asked: Asked) -> Table:
    """One row per depth, then one for all; people are told apart only over all."""
    cells = {row.band: [int(row.visits), int(row.all_views), int(row.all_micros)] for row in rows}
    total = [sum(cell[n] for cell in cells.values()) for n in range(3)]
    people = sum(int(row.people) for row in rows)
    found = [[band, None, *_line(cells.get(band, [0, 0, 0]), total[0]), None] for band in BANDS]
    return Table(_COLUMNS, [*found, ["all", people, *_line(total, total[0]), share(total[0], people)]])


def _line(cell: list[int], visits: int) -> list[Any]:
    seconds = share(cell[2] / 1e6, cell[0])
    return [cell[0], share(cell[0], visits), cell[1], share(cell[1], cell[0]), seconds]


_COLUMNS = [
    column("depth", "深度（次浏览）", "views in a visit", "text"),
    column("people", "人数", "people"),
    column("visits", "访问", "visits", "count"),
    column("share", "占访问", "of all visits", "share"),
    column("views", "浏览", "views", "count"),
    column("views_each", "每次访问浏览", "views of one visit", "number"),
    column("seconds", "平均时长（秒）", "seconds of one visit", "seconds"),
    column("visits_each", "人均访问", "visits of one person", "number"),
]

SESSIONS = Question(
    "sessions",
    both("访问与深度", "visits and depth"),
    both(
        "隔一段时间没有浏览就算新的一次访问：共有多少次访问，每次看几页、多久。",
        "A pause begins a new visit: how many visits there were, and how many views and how long one has.",
    ),
    (
        Param("gap", "span", "30m", "多久没有动静算新访问", "the pause after which a visit is a new one"),
        Param("types", "names", "viewed", "哪些事件算浏览", "the events that count as views"),
        Param("since", "day", "30d", "从哪天起", "first day"),
        params.UNTIL,
    ),
    _build,
    _finish,
)
