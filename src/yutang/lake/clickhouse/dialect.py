"""What SQLGlot leaves different between DuckDB and ClickHouse, and would be told only by wrong figures.

Each row of CHANGES takes a node of a tree that was authored for both and gives one that means on ClickHouse what it means on
DuckDB. What cannot mean the same is refused, with what to write in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from yutang.lake.clickhouse.values import kind_of
from yutang.model import YutangError

INSTANT = "DateTime64(6, 'UTC')"


def translated(tree: exp.Expression, params: Mapping[str, Any]) -> exp.Expression:
    """A copy of the tree for ClickHouse, each parameter with the type of its value. Raises YutangError for what differs."""
    made = tree.copy()
    for node in reversed(list(made.walk())):
        change = CHANGES.get(type(node))
        other = change(node) if change else _named(node)
        if isinstance(node, exp.Placeholder | exp.Parameter):
            other = _parameter(node, params)
        if other is not node:
            made = other if node is made else made
            node.replace(other)
    return made


def _parameter(node: exp.Expression, params: Mapping[str, Any]) -> exp.Expression:
    name = node.this if isinstance(node.this, str) else node.name
    if node.args.get("kind") is not None:
        return node
    if name not in params:
        raise YutangError(f"这个问题需要“{name}”的值。 the question needs a value for '{name}'")
    return exp.Placeholder(this=name, kind=exp.DataType.build(kind_of(params[name]), dialect="clickhouse"))


def call(name: str, *given: exp.Expression | str | int) -> exp.Expression:
    """A function by ClickHouse's own name."""
    return exp.Anonymous(this=name, expressions=[_given(one) for one in given])


def _given(one: exp.Expression | str | int) -> exp.Expression:
    return one.copy() if isinstance(one, exp.Expression) else exp.convert(one)


def _case(condition: exp.Expression, value: exp.Expression) -> exp.Expression:
    return exp.Case(ifs=[exp.If(this=condition.copy(), true=value.copy())])


def _filter(node: exp.Filter) -> exp.Expression:
    """agg(x) FILTER (WHERE c) is agg(CASE WHEN c THEN x END): what does not count is NULL, and nodes agree on the name."""
    aggregate, condition = node.this.copy(), node.expression.this
    inner = aggregate.this
    if isinstance(inner, exp.Distinct):
        inner.set("expressions", [_case(condition, one) for one in inner.expressions])
    elif inner is None or isinstance(inner, exp.Star):
        aggregate.set("this", _case(condition, exp.Literal.number(1)))
    elif aggregate.expressions or aggregate.args.get("expression") or isinstance(inner, exp.Order):
        raise _different("a FILTER on an aggregate of two arguments", "CASE WHEN … THEN … END inside it")
    else:
        aggregate.set("this", _case(condition, inner))
    return aggregate


def _cast(node: exp.Cast) -> exp.Expression:
    """SQLGlot makes whole seconds of a TIMESTAMP."""
    if not node.to.is_type("timestamptz", "timestamp", "datetime"):
        return node
    if node.to.args.get("expressions"):
        return node
    value = node.this
    if isinstance(value, exp.Literal) and value.is_string:
        at = datetime.fromisoformat(value.this)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return call("toDateTime64", at.strftime("%Y-%m-%d %H:%M:%S.%f"), 6, "UTC")
    return exp.Cast(this=value.copy(), to=exp.DataType.build(f"Nullable({INSTANT})", dialect="clickhouse"))


def _lag(node: exp.Expression) -> exp.Expression:
    """Where there is no row before, ClickHouse has 0 or 1970 unless the column may be NULL."""
    return type(node)(**{**node.args, "this": call("toNullable", node.this)})


def _quantile(node: exp.Expression) -> exp.Expression:
    """The exact one between two values, as DuckDB's quantile_cont; ClickHouse's own `quantile` is a sample's."""
    level = exp.Literal.number("0.5") if isinstance(node, exp.Median) else node.expression.copy()
    return exp.ParameterizedAgg(this="quantileExactInclusive", expressions=[level], params=[node.this.copy()])


def _round(node: exp.Round) -> exp.Expression:
    """Halves go away from zero; ClickHouse's own `round` takes them to the even neighbour."""
    value, digits = node.this, node.args.get("decimals")
    size = call("exp10", digits) if digits is not None else exp.Literal.number(1)
    scaled = call(
        "floor", exp.Add(this=exp.Mul(this=call("abs", value), expression=size), expression=exp.Literal.number("0.5"))
    )
    return exp.Paren(
        this=exp.Div(this=exp.Mul(this=call("sign", value), expression=scaled), expression=size.copy(), typed=False)
    )


def _array_agg(node: exp.ArrayAgg) -> exp.Expression:
    """list(x ORDER BY a, b): sorted after it was gathered, for each node gathers in its own order."""
    order = node.this
    if not isinstance(order, exp.Order):
        raise _different("list(x)", "list(x ORDER BY …) with an order that leaves no ties")
    keys = [one.this.copy() for one in order.expressions]
    if any(one.args.get("desc") for one in order.expressions):
        raise _different("list(x ORDER BY … DESC)", "ascending order")
    gathered = call("groupArray", exp.Tuple(expressions=[*keys, order.this.copy()]))
    pick = exp.Lambda(
        this=call("tupleElement", exp.to_identifier("p"), len(keys) + 1), expressions=[exp.to_identifier("p")]
    )
    return call("arrayMap", pick, call("arraySort", gathered))


def _arg_max(node: exp.Expression) -> exp.Expression:
    """Of two rows with the same key each engine, and each node, takes another."""
    key = node.expression
    if isinstance(key, exp.Column) and key.name not in {"event_id", "touch_id"}:
        raise _different(
            f"{node.sql_name().lower()}(x, {key.name}), which is open when two rows tie,",
            f"a key without ties: ({key.name}, event_id)",
        )
    return node


def _json_text(node: exp.JSONExtractScalar) -> exp.Expression:
    """What is not there is NULL and not ''."""
    if not isinstance(node.expression, exp.JSONPath):
        return node
    steps = [one for one in node.expression.expressions if not isinstance(one, exp.JSONPathRoot)]
    return call("JSONExtract", node.this, *(_step(one) for one in steps), "Nullable(String)")


def _step(step: exp.Expression) -> exp.Expression:
    """A name, or a place that counts from 1."""
    return exp.Literal.string(step.this) if isinstance(step, exp.JSONPathKey) else exp.Literal.number(step.this + 1)


def _range(node: exp.GenerateSeries) -> exp.Expression:
    """range(a, b) as a table."""
    start, end = node.args["start"], node.args["end"]
    if isinstance(node.parent, exp.Select | exp.Column) or node.args.get("step") is not None:
        return node
    last = exp.Sub(this=end.copy(), expression=start.copy())
    if not node.args.get("is_end_exclusive"):
        last = exp.Add(this=last, expression=exp.Literal.number(1))
    return call("numbers", start, last)


def _different(what: str, instead: str) -> YutangError:
    return YutangError(
        f"{what} 在各引擎上结果不一，请写成 {instead}。 {what} does not mean the same on every engine; write {instead}"
    )


def _never(what: str, instead: str) -> Callable[[exp.Expression], exp.Expression]:
    def refuse(_: exp.Expression) -> exp.Expression:
        raise _different(what, instead)

    return refuse


def _named(node: exp.Expression) -> exp.Expression:
    """Functions that SQLGlot knows by name only."""
    change = NAMES.get(node.name.lower()) if isinstance(node, exp.Anonymous) else None
    return change(node) if change else node


CHANGES: dict[type[exp.Expression], Callable[[Any], exp.Expression]] = {
    exp.Filter: _filter,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Lag: _lag,
    exp.Lead: _lag,
    exp.FirstValue: _lag,
    exp.LastValue: _lag,
    exp.NthValue: _lag,
    exp.Median: _quantile,
    exp.PercentileCont: _quantile,
    exp.Round: _round,
    exp.ArrayAgg: _array_agg,
    exp.ArgMax: _arg_max,
    exp.ArgMin: _arg_max,
    exp.JSONExtractScalar: _json_text,
    exp.GenerateSeries: _range,
    exp.IntDiv: lambda node: call("intDiv", node.this, node.expression),
    exp.BitwiseAnd: lambda node: call("bitAnd", node.this, node.expression),
    exp.BitwiseOr: lambda node: call("bitOr", node.this, node.expression),
    exp.BitwiseXor: lambda node: call("bitXor", node.this, node.expression),
    exp.LogicalOr: lambda node: call("max", node.this),
    exp.LogicalAnd: lambda node: call("min", node.this),
    exp.ApproxDistinct: _never("an approximate count", "count(DISTINCT x)"),
    exp.ApproxQuantile: _never("an approximate quantile", "quantile_cont(x, q)"),
    exp.PercentileDisc: _never("quantile_disc", "quantile_cont(x, q)"),
    exp.AnyValue: _never("any_value(x)", "min(x) or arg_min(x, event_id)"),
    exp.First: _never("first(x)", "arg_min(x, (at, event_id))"),
    exp.Last: _never("last(x)", "arg_max(x, (at, event_id))"),
    exp.GroupConcat: _never("string_agg", "list(x ORDER BY …)"),
}
NAMES: dict[str, Callable[[Any], exp.Expression]] = {
    "epoch_us": lambda node: call("toUnixTimestamp64Micro", *node.expressions),
    "epoch_ms": lambda node: call("toUnixTimestamp64Milli", *node.expressions),
    "hash": _never("hash(x)", "bucket, which is in every row"),
    "random": _never("random()", "bucket, to draw a sample"),
}
