"""Rules as SQL: the only place that builds it. SQLGlot trees with bound values, never text pasted together.

A compiled rule is a condition on one person, ``p.bucket`` and ``p.person_id``, for use inside another statement; it
speaks of the instant ``%(now)s`` and the zone ``%(zone)s``, which the caller binds. For everybody, `evaluate` is faster.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

import sqlglot
from sqlglot import exp

from yutang.segment.language import And, Condition, Not, Rule, bounds, foretold

GLOBALS = ("now", "zone")
"""Parameters that every condition shares."""

TODAY = "CAST(%(now)s::timestamptz AT TIME ZONE %(zone)s::text AS date)"


@dataclass(frozen=True)
class Compiled:
    """SQL text in psycopg's form and the values bound in it; ``now`` and ``zone`` are for the caller to add."""

    text: str
    params: dict[str, Any]


def compile(rule: Rule, prefix: str = "p") -> Compiled:
    """A boolean expression about the person of alias ``p``; never NULL. `prefix` begins the names of its parameters,
    so that several rules fit into one statement."""
    builder = _Builder(prefix)
    return Compiled(builder.rule(rule).sql(dialect="postgres"), builder.params)


def persons(rule: Rule) -> Compiled:
    """The statement that finds everybody who satisfies a rule: rows (bucket, person_id)."""
    builder = _Builder("p")
    everybody = _tree(
        "SELECT p.bucket, p.person_id FROM profile AS p WHERE NOT EXISTS (SELECT FROM person AS q "
        "WHERE q.bucket = p.bucket AND q.person_id = p.person_id AND NOT q.merged_into IS NULL)"
    ).copy()
    assert isinstance(everybody, exp.Select)
    return Compiled(everybody.where(builder.rule(rule)).sql(dialect="postgres"), builder.params)


class _Builder:
    """Collects the bound values while the tree grows."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.params: dict[str, Any] = {}

    def rule(self, rule: Rule) -> exp.Expression:
        if isinstance(rule, Condition):
            return exp.Coalesce(this=self.condition(rule), expressions=[exp.false()])
        if isinstance(rule, Not):
            return exp.Not(this=exp.Paren(this=self.rule(rule.part)))
        parts: list[exp.Expression] = [exp.Paren(this=self.rule(part)) for part in rule.parts]
        if not parts:
            return exp.true() if isinstance(rule, And) else exp.false()
        node: type[exp.Expression] = exp.And if isinstance(rule, And) else exp.Or
        return reduce(lambda left, right: node(this=left, expression=right), parts)

    def condition(self, condition: Condition) -> exp.Expression:
        template, values = FEATURES[condition.row.feature](condition)
        found = self.bind(template, values)
        if condition.row.feature not in NUMBERS or condition.row.test == "side":
            return found
        low, high = bounds(condition)
        if low == high:
            return exp.EQ(this=found, expression=self.bind("%(value)s::bigint", {"value": low}))
        limits = [("%(low)s::bigint", "low", low, exp.GTE), ("%(high)s::bigint", "high", high, exp.LTE)]
        tests = [
            node(this=found.copy(), expression=self.bind(text, {name: value}))
            for text, name, value, node in limits
            if math.isfinite(value)
        ]
        return reduce(lambda left, right: exp.And(this=left, expression=right), tests)

    def bind(self, template: str, values: dict[str, Any]) -> exp.Expression:
        """A template's tree, each placeholder under a name of its own."""
        names: dict[str, str] = {}

        def rename(node: exp.Expression) -> exp.Expression:
            if not isinstance(node, exp.Placeholder) or node.name in GLOBALS:
                return node
            if node.name not in names:
                names[node.name] = f"{self.prefix}{len(self.params)}"
                self.params[names[node.name]] = values[node.name]
            return exp.Placeholder(this=names[node.name])

        return _tree(template).transform(rename)


@lru_cache(maxsize=256)
def _tree(template: str) -> exp.Expression:
    return sqlglot.parse_one(template, read="postgres")


Template = tuple[str, dict[str, Any]]
NUMBERS = ("count", "none", "sum", "active_days", "touches", "score", "redeemed", "ladder")
"""Features that are a number, to be compared with the condition's bounds."""


def _of(table: str, alias: str) -> str:
    return f"FROM {table} AS {alias} WHERE {alias}.bucket = p.bucket AND {alias}.person_id = p.person_id"


def _definition(kind: str) -> str:
    """The id behind a name: all versions of a definition share it."""
    return f"(SELECT d.definition_id FROM definition AS d WHERE d.kind = '{kind}' AND d.name = %(name)s::text LIMIT 1)"


def _cells(condition: Condition) -> tuple[str, str, dict[str, Any]]:
    """Where events are counted: (table and key, the column with how many events a row holds, values)."""
    values: dict[str, Any] = {"type": condition.subject}
    where, begin = condition.get("where"), condition.get("from_days") or condition.get("days")
    if where:
        source, n = _of("person_event", "a") + " AND a.props @> %(filter)s::jsonb", "1"
        values["filter"] = json.dumps(dict(where), ensure_ascii=False)
    elif begin or condition.row.feature == "active_days":
        source, n = _of("activity", "a"), "a.n"
    else:
        source, n = _of("tally", "a"), "a.n"
    if begin:
        source += f" AND a.day > {TODAY} - %(begin)s::int AND a.day <= {TODAY} - %(end)s::int"
        values |= {"begin": begin, "end": condition.get("to_days") or 0}
    return source + " AND a.type = %(type)s::text", n, values


def _total(condition: Condition) -> Template:
    source, n, values = _cells(condition)
    column = {"sum": "a.amount", "active_days": "1"}.get(condition.row.feature, n)
    return f"COALESCE((SELECT sum({column}) {source}), 0)", values


def _average(condition: Condition) -> Template:
    source, n, values = _cells(condition)
    sign = ">=" if condition.row.test == "at_least" else "<="
    test = f"(SELECT sum(a.amount) {sign} %(bound)s::bigint * sum({n}) {source} HAVING sum({n}) > 0)"
    return test, values | {"bound": condition.get(condition.row.test)}


def _touches(condition: Condition) -> Template:
    day = "CAST(d.at AT TIME ZONE %(zone)s::text AS date)"
    text = f"(SELECT count(*) {_of('decision', 'd')} AND d.verdict = 'send' AND {day} > {TODAY} - %(days)s::int AND {day} <= {TODAY})"
    return text, {"days": condition.get("days")}


def _ago(column: str) -> Callable[[Condition], Template]:
    def build(condition: Condition) -> Template:
        sign = ">" if condition.row.test == "within_days" else "<="
        day = f"CAST(t.{column} AT TIME ZONE %(zone)s::text AS date)"
        text = (
            f"EXISTS (SELECT {_of('tally', 't')} AND t.type = %(type)s::text AND {day} {sign} {TODAY} - %(days)s::int)"
        )
        return text, {"type": condition.subject, "days": condition.get(condition.row.test)}

    return build


_WORD = "(t.value #>> '{}')"
_NUMBER = f"CASE WHEN jsonb_typeof(t.value) = 'number' THEN {_WORD}::double precision END"
_IS_TEXT = "jsonb_typeof(t.value) = 'string'"
_IS_DATE = f"{_IS_TEXT} AND {_WORD} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'"
_NEXT_DAYS = f"(SELECT {TODAY} + i AS day FROM generate_series(0, %(value)s::int - 1) AS g(i)) AS n"
_ANNIVERSARY = (
    f"{_IS_TEXT} AND {_WORD} ~ '^([0-9]{{4}}-)?[0-9]{{2}}-[0-9]{{2}}$' AND right({_WORD}, 5) IN ("
    f"SELECT to_char(n.day, 'MM-DD') FROM {_NEXT_DAYS} UNION ALL SELECT '02-29' FROM {_NEXT_DAYS} "
    "WHERE to_char(n.day, 'MM-DD') = '02-28' AND to_char(n.day + 1, 'MM-DD') = '03-01')"
)
_ATTRIBUTE = {
    "is": "t.value = %(json)s::jsonb",
    "is_not": "t.value <> %(json)s::jsonb",
    "in": "%(json)s::jsonb @> t.value",
    "not_in": "NOT %(json)s::jsonb @> t.value",
    "contains": f"{_IS_TEXT} AND strpos({_WORD}, %(value)s::text) > 0",
    "starts_with": f"{_IS_TEXT} AND starts_with({_WORD}, %(value)s::text)",
    "more_than": f"{_NUMBER} > %(value)s::double precision",
    "less_than": f"{_NUMBER} < %(value)s::double precision",
    "at_least": f"{_NUMBER} >= %(value)s::double precision",
    "at_most": f"{_NUMBER} <= %(value)s::double precision",
    "between": f"{_NUMBER} >= %(low)s::double precision AND {_NUMBER} <= %(high)s::double precision",
    "before": f'{_IS_DATE} AND left({_WORD}, 10) < %(value)s::text COLLATE "C"',
    "after": f'{_IS_DATE} AND left({_WORD}, 10) > %(value)s::text COLLATE "C"',
    "known": "true",
    "anniversary": _ANNIVERSARY,
}


def _attribute(condition: Condition) -> Template:
    test = condition.row.test
    value = condition.get("within_days" if test == "anniversary" else test)
    values: dict[str, Any] = {"trait": condition.subject, "value": value}
    if test in ("is", "is_not", "in", "not_in"):
        values["json"] = json.dumps(value, ensure_ascii=False)
    if test == "between":
        values |= {"low": value[0], "high": value[1]}
    has = f"{_of('trait', 't')} AND t.name = %(trait)s::text"
    if test == "unknown":
        return f"NOT EXISTS (SELECT {has})", values
    return f"EXISTS (SELECT {has} AND {_ATTRIBUTE[test]})", values


def _tag(condition: Condition) -> Template:
    alive = f"{_of('tag', 't')} AND t.tag = %(tag)s::text AND COALESCE(t.expires_at, 'infinity') > %(now)s::timestamptz"
    if condition.row.test == "for_days":
        alive += f" AND CAST(t.at AT TIME ZONE %(zone)s::text AS date) <= {TODAY} - %(days)s::int"
    negation = "NOT " if condition.row.test == "lacks" else ""
    return f"{negation}EXISTS (SELECT {alive})", {"tag": condition.subject, "days": condition.get("for_days")}


def _consent(condition: Condition) -> Template:
    latest = f"{_of('consent', 'c')} AND c.channel IN (%(channel)s::text, '*') ORDER BY c.at DESC, c.given LIMIT 1"
    negation = "NOT " if condition.row.test == "withdrawn" else ""
    return f"(SELECT {negation}c.given {latest})", {"channel": condition.subject}


def _segment(condition: Condition) -> Template:
    member = f"{_of('membership', 'm')} AND m.segment_id = {_definition('segment')}"
    ended = f"CAST(m.until AT TIME ZONE %(zone)s::text AS date) > {TODAY} - %(days)s::int"
    test = "m.until IS NULL" if condition.row.test == "in_now" else f"(m.until IS NULL OR {ended})"
    return f"EXISTS (SELECT {member} AND {test})", {"name": condition.subject, "days": condition.get("within_days")}


def _score(condition: Condition) -> Template:
    return f"(SELECT r.{condition.subject} {_of('profile', 'r')})", {}


def _life_stage(condition: Condition) -> Template:
    return f"(SELECT r.life_stage = ANY(%(stages)s::text[]) {_of('profile', 'r')})", {"stages": list(condition.subject)}


def _predicted(condition: Condition) -> Template:
    test = condition.row.test
    value = condition.get(condition.row.mark or "")
    today = f"({TODAY} - DATE '2000-01-01')"
    said = {
        "at_least": "f.value >= %(value)s::double precision",
        "at_most": "f.value <= %(value)s::double precision",
        "day_within": f"f.value >= {today} AND f.value < {today} + %(value)s::int",
        "day_passed": f"f.value <= {today} - %(value)s::int",
    }[test]
    text = f"EXISTS (SELECT {_of('prediction', 'f')} AND f.name = %(name)s::text AND {said})"
    return text, {"name": foretold(condition), "value": value}


def _coupon(condition: Condition) -> Template:
    live = f"{_of('coupon', 'c')} AND c.state = 'issued' AND COALESCE(c.expires_at, 'infinity') > %(now)s::timestamptz"
    if condition.get("offer"):
        live += f" AND c.definition_id = {_definition('offer')}"
    if condition.row.test == "expiring":
        live += " AND c.expires_at <= %(now)s::timestamptz + %(days)s::int * INTERVAL '24 hours'"
    return f"EXISTS (SELECT {live})", {"name": condition.get("offer"), "days": condition.get("within_days")}


def _redeemed(condition: Condition) -> Template:
    done = f"{_of('redemption', 'r')} AND r.state = 'done'"
    of = f" AND c.definition_id = {_definition('offer')}" if condition.get("offer") else ""
    coupon = f"EXISTS (SELECT FROM coupon AS c WHERE c.code = r.code AND c.bucket = r.bucket{of})"
    return f"(SELECT count(*) {done} AND {coupon})", {"name": condition.get("offer")}


def _ladder(condition: Condition) -> Template:
    column = "l.side = %(side)s::text" if condition.row.test == "side" else "l.rung"
    text = f"(SELECT {column} {_of('ladder', 'l')} AND l.definition_id = {_definition('offer')})"
    return text, {"name": condition.subject, "side": condition.get("side")}


def _journey(condition: Condition) -> Template:
    entered = f"{_of('enrolment', 'e')} AND e.journey_id = {_definition('journey')}"
    test = condition.row.test
    text = (
        f"NOT EXISTS (SELECT {entered})"
        if test == "never"
        else f"EXISTS (SELECT {entered} AND e.state = %(state)s::text)"
    )
    return text, {"name": condition.subject, "state": test}


def _sequence(condition: Condition) -> Template:
    follower = condition.get("then") or condition.get("then_not")
    values = {
        "first": condition.subject,
        "next": follower,
        "within": condition.get("within_days"),
        "days": condition.get("days"),
    }
    first = f"{_of('person_event', 'a')} AND a.type = %(first)s::text"
    if condition.get("days"):
        first += f" AND a.day > {TODAY} - %(days)s::int"
    deadline = "a.at + %(within)s::int * INTERVAL '24 hours'"
    answer = f"{_of('person_event', 'b')} AND b.type = %(next)s::text AND b.at > a.at AND b.at <= {deadline}"
    if condition.row.test == "then":
        return f"EXISTS (SELECT {first} AND EXISTS (SELECT {answer} AND b.at <= %(now)s::timestamptz))", values
    silent = f"{deadline} <= %(now)s::timestamptz AND NOT EXISTS (SELECT {answer})"
    return f"EXISTS (SELECT {first} AND {silent})", values


FEATURES: dict[str, Callable[[Condition], Template]] = {
    "attribute": _attribute,
    "tag": _tag,
    "consent": _consent,
    "segment": _segment,
    "count": _total,
    "none": _total,
    "sum": _total,
    "active_days": _total,
    "average": _average,
    "touches": _touches,
    "last": _ago("last_at"),
    "first": _ago("first_at"),
    "sequence": _sequence,
    "score": _score,
    "life_stage": _life_stage,
    "predicted": _predicted,
    "coupon": _coupon,
    "redeemed": _redeemed,
    "ladder": _ladder,
    "journey": _journey,
}
"""The SQL of every feature: a template of our own words, and the values bound in it."""
