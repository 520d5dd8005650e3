"""Queries are written once, as text in DuckDB's words, and become SQLGlot trees for the dialect of the lake.

Values stand as ``:name``. What the engines say differently stands as a function of ours (``y_…``), one row of `FORMS` each. The texts
keep to what means the same everywhere: no FILTER (``case`` inside the aggregate instead: ClickHouse's ``minIf`` makes 1970 of
nothing), no outer join whose missing side is a NOT NULL column, no alias that is also a column under an aggregate, no division
(rates are made in Python from whole numbers), no distinct counts over the map, no order.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any

from sqlglot import exp, parse_one

from yutang.insight.questions.shape import Parts

Form = Callable[..., exp.Expression]
CLICKHOUSE = "clickhouse"
LINK = "\x1f"
"""Stands between the texts of a path."""


def build(text: str, dialect: str, read: str = "duckdb", **values: Any) -> exp.Expression:
    """The tree of `text` for `dialect`, with the values in their places: a tree, a scalar, a day, or a list of scalars after ``in``."""
    made = exp.Paren(this=_parsed(text, read).copy())
    for place in list(made.find_all(exp.Placeholder)):
        _fill(place, values[place.name])
    for call in reversed(list(made.find_all(exp.Anonymous))):
        if form := FORMS.get(call.name.lower()):
            call.replace(form[dialect == CLICKHOUSE](*call.expressions))
    return made.this.pop()


@lru_cache(512)
def _parsed(text: str, read: str) -> exp.Expression:
    return parse_one(text, dialect=read)


def whole(parts: Parts, seam: Callable[[exp.Expression], exp.Expression] | None = None) -> exp.Expression:
    """One query: the aggregate over the map, which stands as a subquery where the lake has no better place for it."""
    place = seam(parts.map) if seam else parts.map.subquery("map")
    return parts.aggregate.transform(
        lambda node: place if isinstance(node, exp.Table) and node.name == "map" and not node.db else node
    )


def value(said: Any) -> exp.Expression:
    """A Python value as a literal."""
    if isinstance(said, exp.Expression):
        return said.copy()
    if isinstance(said, date):
        return exp.cast(exp.Literal.string(said.isoformat()), exp.DataType.build("date"))
    if isinstance(said, list | tuple):
        return exp.Tuple(expressions=[value(one) for one in said])
    return exp.convert(said)


def _fill(place: exp.Placeholder, said: Any) -> None:
    asks = place.parent
    if isinstance(asks, exp.In) and asks.args.get("field") is place:
        asks.set("field", None)
        asks.set("expressions", [value(one) for one in said])
    else:
        place.replace(value(said))


def _call(name: str, *rest: exp.Expression | str | int) -> Form:
    """`name` of the arguments, and of what comes after them."""
    return lambda *args: exp.Anonymous(
        this=name, expressions=[*args, *(one if isinstance(one, exp.Expression) else exp.convert(one) for one in rest)]
    )


def _text(text: str, read: str) -> Form:
    """An expression in the words of one dialect; ``a``, ``b``, ``c`` are the arguments."""
    tree = parse_one(text, dialect=read)

    def form(*args: exp.Expression) -> exp.Expression:
        known = dict(zip("abc", args, strict=False))
        return tree.copy().transform(
            lambda node: known[node.name].copy() if isinstance(node, exp.Column) and node.name in known else node
        )

    return form


FORMS: dict[str, tuple[Form, Form]] = {
    "y_micros": (_call("epoch_us"), _call("toUnixTimestamp64Micro")),
    "y_text": (
        _text("json_extract_string(a, b)", "duckdb"),
        _text(
            "if(JSONType(a, b) = 'String', JSONExtractString(a, b), nullIf(nullIf(JSONExtractRaw(a, b), ''), 'null'))",
            CLICKHOUSE,
        ),
    ),
    "y_number": (_text("try_cast(a as double)", "duckdb"), _call("toFloat64OrNull")),
    "y_day": (_text("cast(timezone(b, a) as date)", "duckdb"), _call("toDate")),
    "y_hour": (_text("hour(timezone(b, a))", "duckdb"), _call("toHour")),
    "y_week": (_text("cast(date_trunc('week', a) as date)", "duckdb"), _call("toMonday")),
    "y_month": (_text("cast(date_trunc('month', a) as date)", "duckdb"), _call("toStartOfMonth")),
    "y_days": (_text("date_diff('day', a, b)", "duckdb"), _text("dateDiff('day', a, b)", CLICKHOUSE)),
    "y_months": (_text("date_diff('month', a, b)", "duckdb"), _text("dateDiff('month', a, b)", CLICKHOUSE)),
    "y_before": (_call("lag"), _call("lagInFrame")),
    "y_path": (
        _text("string_agg(c, '\x1f' order by a, b)", "duckdb"),
        _text("arrayStringConcat(arrayMap(x -> x.3, arraySort(groupArray((a, b, c)))), '\x1f')", CLICKHOUSE),
    ),
}
"""Our functions: in DuckDB's words, in ClickHouse's.

y_micros(instant): microseconds since 1970. y_text(json, key): the value as text, NULL where there is none. y_number(text): as a
number, NULL where it is none. y_day, y_hour(instant, zone): on the clock of `zone`. y_week(day): its Monday; y_month(day): its first.
y_days, y_months(from, to): how many midnights, or firsts of a month, lie between. y_before(x): that of the row before, NULL or 0
where there is none; over a frame up to the current row. y_path(instant, id, text): the texts in the order of the first two, with U+001F
between them; an aggregate.
"""
