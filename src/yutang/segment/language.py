"""The rule language: YAML or JSON in, a typed tree inside, JSON out. It knows no database.

A rule is ``{all: [rule, …]}``, ``{any: [rule, …]}``, ``{not: rule}`` or one condition such as
``{count: ordered, at_least: 3, days: 90}``; `operators.OPERATORS` lists the conditions.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from yutang import source
from yutang.segment.operators import (
    BY_KEY,
    HEADS,
    OPERATORS,
    PREDICTED_DAYS,
    PREDICTIONS,
    SCORES,
    SIDES,
    STAGES,
    Operator,
)
from yutang.source import Node, Position, SourceError, one_of, suggest

LONGEST_WINDOW = 3660
GROUPS = ("all", "any", "not")
_NOWHERE = Position("rule")
_KINDS = {"segment": "segment", "offer": "offer", "journey": "journey"}


@dataclass(frozen=True)
class And:
    """Every part holds; without parts it holds for everybody."""

    parts: tuple[Rule, ...]

    def to_json(self) -> dict[str, Any]:
        return {"all": [part.to_json() for part in self.parts]}


@dataclass(frozen=True)
class Or:
    """At least one part holds; without parts it holds for nobody."""

    parts: tuple[Rule, ...]

    def to_json(self) -> dict[str, Any]:
        return {"any": [part.to_json() for part in self.parts]}


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Rule

    def to_json(self) -> dict[str, Any]:
        return {"not": self.part.to_json()}


@dataclass(frozen=True)
class Condition:
    """One operator with its values: text, numbers, tuples of these; `where` is a tuple of (name, value)."""

    operator: str
    params: tuple[tuple[str, Any], ...] = field(compare=False)
    position: Position = field(default=_NOWHERE, compare=False)
    written: str = field(init=False, repr=False)
    """The condition as text: what makes two of them equal. (As values, 1 and true would be.)"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "written", json.dumps(self.params, sort_keys=True))

    @property
    def row(self) -> Operator:
        return BY_KEY[self.operator]

    @property
    def subject(self) -> Any:
        """The value behind the head: the event, attribute, tag … that is asked about."""
        return self.get(self.row.head)

    def get(self, name: str) -> Any:
        """A value, or None when the key was left out."""
        return dict(self.params).get(name)

    def to_json(self) -> dict[str, Any]:
        return {name: _thaw(name, value) for name, value in self.params}


Rule = And | Or | Not | Condition


def parse(node: Node) -> Rule:
    """The rule in a document's node. Raises SourceError with the place, the nearest right spelling and an example."""
    keys = node.mapping()
    group = [name for name in GROUPS if name in keys]
    if group:
        node.mapping(known=group[:1])
        return _group(group[0], keys[group[0]])
    return _condition(node, keys)


def from_json(body: Mapping[str, Any], name: str = "rule") -> Rule:
    """The rule in plain JSON, as `to_json` gave it; `name` stands for the file in errors."""
    return parse(source.plain(body, name))


def segment(node: Node) -> dict[str, Any]:
    """The body of a segment definition, ``{"title": {"zh", "en"}, "rule": …}``, from its file."""
    keys = node.mapping(known=("title", "rule"), required=("title", "rule"))
    title = keys["title"].mapping(known=("zh", "en"), required=("zh", "en"))
    return {"title": {name: title[name].text() for name in ("zh", "en")}, "rule": parse(keys["rule"]).to_json()}


def conditions(rule: Rule) -> Iterator[Condition]:
    """Every condition of a rule, in the order of writing."""
    if isinstance(rule, Condition):
        yield rule
    elif isinstance(rule, Not):
        yield from conditions(rule.part)
    else:
        for part in rule.parts:
            yield from conditions(part)


def bounds(condition: Condition) -> tuple[float, float]:
    """The lowest and the highest number that satisfy a numeric condition, ends included; infinite where there is none."""
    row = condition.row
    if row.test == "none":
        return 0, 0
    value = condition.get(row.head if row.feature == "touches" else row.test)
    if row.test == "between":
        return value
    if row.test == "exactly":
        return value, value
    return (value, math.inf) if row.test.endswith("at_least") else (-math.inf, value)


def foretold(condition: Condition) -> str:
    """The name under which a prediction is kept."""
    category = condition.get("category")
    return f"{condition.subject}:{category}" if category else condition.subject


def references(rule: Rule) -> list[tuple[str, str, Position]]:
    """What a rule names: (kind of definition, name, where it is written), for the loader to check."""
    found = []
    for condition in conditions(rule):
        for name, kind in condition.row.params.items():
            if kind in _KINDS and condition.get(name) is not None:
                found.append((_KINDS[kind], condition.get(name), condition.position))
    return found


def check(rules: Mapping[str, Rule]) -> list[str]:
    """Like `order`; raises SourceError for a segment that is named and does not exist, too."""
    for rule in rules.values():
        for kind, name, position in references(rule):
            if kind == "segment" and name not in rules:
                fix = suggest(name, rules)
                raise SourceError(
                    position, f"没有名为“{name}”的人群，{fix.zh}", f"there is no segment '{name}'; {fix.en}"
                )
    return order(rules)


def order(rules: Mapping[str, Rule]) -> list[str]:
    """The names of segments so that each comes after those it names. Raises SourceError for a circle."""
    found: list[str] = []
    for name in sorted(rules):
        _visit(name, rules, found, ())
    return found


def _visit(name: str, rules: Mapping[str, Rule], found: list[str], path: tuple[str, ...]) -> None:
    if name in found:
        return
    for kind, other, position in references(rules[name]):
        if kind != "segment" or other not in rules:
            continue
        if other in (*path, name):
            circle = " → ".join([*path, name, other])
            raise SourceError(
                position,
                f"人群互相引用，成了环：{circle}。请去掉其中一个。",
                f"segments name each other in a circle: {circle}; take one out",
            )
        _visit(other, rules, found, (*path, name))
    found.append(name)


def _group(name: str, node: Node) -> Rule:
    if name == "not":
        return Not(parse(node))
    parts = tuple(parse(item) for item in node.items())
    return And(parts) if name == "all" else Or(parts)


def _condition(node: Node, keys: dict[str, Node]) -> Condition:
    heads = [key for key in keys if key in HEADS]
    if not heads:
        first = next(iter(keys), "")
        fix = suggest(first, (*HEADS, *GROUPS))
        raise node.fail(f"不认识的条件“{first}”，{fix.zh}", f"unknown condition '{first}'; {fix.en}")
    # A subject's name may also be a second key elsewhere (none), so the first key written decides.
    operator = _pick(node, keys, heads[0])
    node.mapping(known=operator.params)
    values = []
    for name, kind in operator.params.items():
        if name in keys:
            values.append((name, _TYPES[kind](keys[name])))
        elif name not in operator.options:
            raise node.fail(
                f"缺少“{name}”，例如 {operator.example}。", f"'{name}' is missing; for example {operator.example}"
            )
    found = Condition(operator.key, tuple(values), node.position)
    _check_window(node, found)
    return found


def _pick(node: Node, keys: dict[str, Node], head: str) -> Operator:
    """The operator of a family that the second key (or the fixed word) points at."""
    family = [operator for operator in OPERATORS if operator.head == head]
    if family[0].word:
        word = keys[head].choice([operator.word or "" for operator in family])
        return next(operator for operator in family if operator.word == word)
    marked = [operator for operator in family if operator.mark in keys]
    if len(marked) > 1:
        zh = "和".join(f"“{operator.mark}”" for operator in marked)
        en = " and ".join(f"'{operator.mark}'" for operator in marked)
        raise node.fail(
            f"一个条件里不能同时有{zh}，请在“all”下写成两个条件。",
            f"{en} in one condition; write two conditions under 'all'",
        )
    plain = [operator for operator in family if operator.mark is None]
    if marked or plain:
        return (marked or plain)[0]
    marks = [operator.mark or "" for operator in family]
    extra = [key for key in keys if key not in family[0].params]
    fix, example = suggest(extra[0], marks) if extra else one_of(marks), family[0].example
    raise node.fail(
        f"“{head}”要有比较{f'，不是“{extra[0]}”' if extra else ''}：{fix.zh}例如 {example}。",
        f"'{head}' needs a comparison{f', not {extra[0]!r}' if extra else ''}; {fix.en}; for example {example}",
    )


def _check_window(node: Node, condition: Condition) -> None:
    days, begin, end = (condition.get(name) for name in ("days", "from_days", "to_days"))
    if days is not None and (begin is not None or end is not None):
        raise node.fail(
            "一个条件里不能同时有“days”和“from_days”，请写“days: 30”，或“from_days: 60, to_days: 30”。",
            "'days' and 'from_days' in one condition; write 'days: 30', or 'from_days: 60, to_days: 30'",
        )
    if (begin is None) != (end is None):
        raise node.fail(
            "“from_days”和“to_days”要一起写，例如“from_days: 60, to_days: 30”。",
            "'from_days' and 'to_days' belong together; write 'from_days: 60, to_days: 30'",
        )
    if begin is not None and begin <= end:
        raise node.fail(
            f"from_days（{begin}）必须大于 to_days（{end}）：它是更早的一端。",
            f"from_days ({begin}) must be more than to_days ({end}): it is the older end",
        )


def _pair(node: Node, one: Callable[[Node], Any]) -> tuple[Any, Any]:
    items = node.items()
    if len(items) != 2:
        raise node.fail(
            "这里要两个值：下限和上限，例如 [1, 5]。", "expected two values, the lower and the upper end; write [1, 5]"
        )
    low, high = one(items[0]), one(items[1])
    if low > high:
        raise node.fail(
            f"下限 {low} 大于上限 {high}，请对调。", f"the lower end {low} is above the upper end {high}; swap them"
        )
    return low, high


def _some(node: Node, one: Callable[[Node], Any]) -> tuple[Any, ...]:
    items = node.items() if node.is_list else [node]
    if not items:
        raise node.fail("列表是空的，请至少写一个值。", "the list is empty; write at least one value")
    return tuple(one(item) for item in items)


def _name(node: Node) -> str:
    """A name; a number or a date may be one, too."""
    text = str(node.scalar())
    if not re.search(r"\S", text) or "\0" in text:
        raise node.fail("这里要写一个名称。", "expected a name")
    return text


_TYPES: dict[str, Callable[[Node], Any]] = {
    "name": _name,
    "segment": _name,
    "offer": _name,
    "journey": _name,
    "word": lambda node: node.text(),
    "text": _name,
    "scalar": lambda node: node.scalar(),
    "scalars": lambda node: _some(node, Node.scalar),
    "number": lambda node: node.number(),
    "numbers": lambda node: _pair(node, Node.number),
    "whole": lambda node: node.whole(0, 10**9),
    "wholes": lambda node: _pair(node, lambda item: item.whole(0, 10**9)),
    "fen": lambda node: node.whole(0, 10**12),
    "days": lambda node: node.whole(1, LONGEST_WINDOW),
    "year": lambda node: node.whole(1, 366),
    "rank": lambda node: node.whole(1, 5),
    "date": Node.date,
    "stages": lambda node: _some(node, lambda item: item.choice(STAGES)),
    "score": lambda node: node.choice(SCORES),
    "side": lambda node: node.choice(SIDES),
    "prediction": lambda node: node.choice(PREDICTIONS),
    "predicted_day": lambda node: node.choice(PREDICTED_DAYS),
    "filter": lambda node: tuple((name, value.scalar()) for name, value in sorted(node.mapping().items())),
}


def _thaw(name: str, value: Any) -> Any:
    if name == "where":
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
