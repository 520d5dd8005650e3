"""How far people get: steps in order, within a window from the first.

Every engine has a form of its own. They mean the same: a person has reached step k if there are events e1 … ek, each not earlier than
the one before, and later than it where the same type of event was a step already (so that one event is never two steps), with ek
at most `within` after e1. Only e1 has to lie in the days that are asked about.
"""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from typing import Any

from sqlglot import exp

from yutang.insight.questions import params
from yutang.insight.questions.params import Step
from yutang.insight.questions.parts import by_who, holds, named, steps_taken, with_split
from yutang.insight.questions.shape import Asked, Param, Parts, Question, Table, column, share
from yutang.insight.questions.tree import CLICKHOUSE, build
from yutang.why.words import both

SLOTS = 64
"""In ClickHouse an instant has so many places, so that steps at the same instant come in an order of our choosing."""
MIDDLE = 24


def _again(steps: tuple[Step, ...], n: int) -> bool:
    """Step `n` must be later than the one before, for its type was a step already."""
    return steps[n].type in {step.type for step in steps[:n]}


def _build(asked: Asked, dialect: str) -> Parts:
    levels = _clickhouse(asked) if dialect == CLICKHOUSE else _duckdb(asked)
    by = asked["by"]
    people = _first(asked, levels, dialect) if by and by.kind == "first" else with_split(levels, by, dialect)
    map = build("select person_id, who, level from :people as p", dialect, people=people.subquery())
    return Parts(map, build("select who, level, count(*) as people from map group by who, level", dialect))


def _first(asked: Asked, levels: exp.Expression, dialect: str) -> exp.Expression:
    """Split by what the first event of each person that begins the funnel says."""
    text = """select l.person_id, l.level, f.who from :levels as l left join (
        select person_id, who from (
            select person_id, y_text(props, :name) as who, row_number() over (partition by person_id order by at, event_id) as n
            from events where :begins and day between :since and :until) as e
        where n = 1) as f on l.person_id = f.person_id"""
    begins = holds(asked["steps"][0], dialect)
    return build(
        text, dialect, levels=levels.subquery(), name=asked["by"].name, begins=begins, since=asked["since"],
        until=asked["until"],
    )  # fmt: skip


def _last_day(asked: Asked) -> Any:
    """The last day on which a step can be taken."""
    return asked["until"] + timedelta(days=asked["within"].days + 2)


def _duckdb(asked: Asked) -> exp.Expression:
    """A chain of ASOF joins: from each beginning to the next event of each step. Of beginnings that meet in one event the last counts."""
    steps, micros = asked["steps"], asked["within"] // timedelta(microseconds=1)
    days = {"since": asked["since"], "until": asked["until"], "last": _last_day(asked)}
    begun = """select person_id, y_micros(at) as began, y_micros(at) as t from :taken as e
        where day between :since and :until"""
    texts = [build(begun, "duckdb", taken=steps_taken(steps[0], "duckdb"), **days)]
    for n in range(1, len(steps)):
        op = "<" if _again(steps, n) else "<="
        text = f"""select c.person_id, max(c.began) as began, e.t from c{n - 1} as c asof join (
            select person_id, y_micros(at) as t from :taken as s where day between :since and :last) as e
            on c.person_id = e.person_id and c.t {op} e.t
            where e.t <= c.began + :micros group by c.person_id, e.t"""
        texts.append(build(text, "duckdb", taken=steps_taken(steps[n], "duckdb"), micros=micros, **days))
    reached = [build(f"select distinct person_id, {n + 1} as level from c{n}", "duckdb") for n in range(len(steps))]
    chain = build("select person_id, max(level) as level from :all as r group by person_id", "duckdb",
                  all=reduce(lambda a, b: exp.union(a, b, distinct=False), reached).subquery())  # fmt: skip
    return reduce(lambda tree, n: tree.with_(f"c{n}", texts[n], copy=False), range(len(steps)), chain)


def _clickhouse(asked: Asked) -> exp.Expression:
    """`windowFunnel` over rows that are each one step; a row's time is its instant and a place within it: steps that must be later
    come first and backwards, so that they cannot follow at the same instant; all others after them, in their order."""
    steps, micros = asked["steps"], asked["within"] // timedelta(microseconds=1)
    places = [MIDDLE - n if _again(steps, n) else MIDDLE + n for n in range(len(steps))]
    window = micros * SLOTS + max(places) - places[0]
    days = {"since": asked["since"], "until": asked["until"], "last": _last_day(asked)}
    tests = [holds(step, CLICKHOUSE) for step in steps]
    tests[0] = build(":holds and day <= :until", CLICKHOUSE, holds=tests[0], **days)
    is_step = ", ".join(f"step = {n + 1}" for n in range(len(steps)))
    hits = exp.Array(expressions=[_hit(test, n + 1) for n, test in enumerate(tests)])
    text = f"""select person_id, toInt64(windowFunnel({window})(slot, {is_step})) as level from (
        select person_id, toUInt64(y_micros(at) * {SLOTS} + {places}[step]) as slot, step from (
            select person_id, at, arrayJoin(arrayFilter(x -> x > 0, :hits)) as step from events
            where day between :since and :last and type in :types) as e) as s
        group by person_id having level > 0"""
    return build(
        text, CLICKHOUSE, CLICKHOUSE, hits=hits, types=sorted({step.type for step in steps}), since=days["since"],
        last=days["last"],
    )  # fmt: skip


def _hit(test: exp.Expression, n: int) -> exp.Expression:
    return exp.Anonymous(this="if", expressions=[test, exp.Literal.number(n), exp.Literal.number(0)])


def _finish(rows: list[Any], asked: Asked) -> Table:
    """For each split, each step: who got at least there, of those at the first step, and of those at the step before."""
    steps, split, found = asked["steps"], asked["by"] is not None, []
    for who, mine in by_who(rows).items():
        reached = [sum(int(row.people) for row in mine if row.level > n) for n in range(len(steps))]
        for n, step in enumerate(steps):
            before = reached[n - 1] if n else reached[0]
            line = [n + 1, step.text, reached[n], share(reached[n], reached[0]), share(reached[n], before)]
            found.append([who, *line] if split else line)
    if not found and not split:
        found = [[n + 1, step.text, 0, None, None] for n, step in enumerate(steps)]
    columns = [
        *named(split), column("step", "步", "step", "number"), column("event", "事件", "event", "text"),
        column("people", "人数", "people"), column("of_first", "占第一步", "of the first", "share"),
        column("of_before", "占上一步", "of the one before", "share"),
    ]  # fmt: skip
    return Table(columns, found)


FUNNEL = Question(
    "funnel",
    both("漏斗", "funnel"),
    both(
        "从第一步开始，在时限内依次走到每一步的人有多少。第一步须落在所选日期内；同一事件不算作两步。",
        "How many people take each step in its order, within a span from the first. The first step lies in the days asked about; "
        "no event counts as two steps.",
    ),
    (
        Param("steps", "steps", None, "步骤", "the steps"),
        Param("within", "span", "7d", "从第一步起的时限", "the span, from the first step on"),
        params.SINCE,
        params.UNTIL,
        Param("by", "beginning", "", "按什么拆分", "what to split people by"),
    ),
    _build,
    _finish,
    {"steps": "viewed,ordered"},
)
