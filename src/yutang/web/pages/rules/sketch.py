"""A rule as it stands in a form: groups and conditions whose values are still text, half-written ones among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from yutang.segment.language import And, Condition, Not, Rule, from_json
from yutang.segment.operators import BY_KEY, Operator, role_of
from yutang.web.forms import text_of, texts_of
from yutang.web.pages.rules import values

Texts = Mapping[str, tuple[str, ...]]
DEEPEST = 12
"""Groups within groups; nobody reads more."""
MOST = 200
"""Parts of one group."""
START = {"days": ("30",), "from_days": ("60",), "to_days": ("30",)}
"""What a window says until somebody says otherwise."""


@dataclass(frozen=True)
class Asked:
    """One condition. values: the texts of each field; besides the operator's own keys ``window`` (ever, days, range)."""

    operator: str
    values: Texts
    negated: bool = False

    @property
    def row(self) -> Operator:
        return BY_KEY[self.operator]


@dataclass(frozen=True)
class Group:
    """All or any of its parts, or the opposite of that. find: what is typed into the search for another condition."""

    kind: Literal["all", "any"] = "all"
    parts: tuple[Sketch, ...] = ()
    negated: bool = False
    find: str = field(default="", compare=False)


Sketch = Group | Asked


def of(body: Mapping[str, Any] | None) -> Group:
    """The sketch of a rule as files hold it; the root is always a group. Raises SourceError where it is no rule."""
    if not body:
        return Group()
    found = of_rule(from_json(body))
    return found if isinstance(found, Group) else Group("all", (found,))


def of_rule(rule: Rule) -> Sketch:
    """The sketch of a rule."""
    if isinstance(rule, Condition):
        return Asked(rule.operator, _texts(rule))
    if isinstance(rule, Not):
        return _opposite(of_rule(rule.part))
    return Group("all" if isinstance(rule, And) else "any", tuple(of_rule(part) for part in rule.parts))


def fresh(operator: Operator) -> Asked:
    """A new condition, filled as the operator's example is, but for names that may mean nothing here."""
    example = values.example(operator)
    kept = {name: text for name, text in _texts(example).items() if not _is_foreign(operator, name)}
    return Asked(operator.key, _blank(operator) | kept)


def from_form(form: Mapping[str, Any], path: str, depth: int = 0) -> Sketch | None:
    """What the fields below `path` say; None where there are none."""
    if (kind := text_of(form, f"{path}.kind")) in BY_KEY:
        negated = text_of(form, f"{path}.not") == "1"
        return Asked(kind, _completed(BY_KEY[kind], _fields(form, f"{path}.v.")), negated)
    kind, _, negation = text_of(form, f"{path}.both").partition(":")
    if kind not in ("all", "any") or depth > DEEPEST:
        return None
    parts: list[Sketch] = []
    while len(parts) < MOST and (part := from_form(form, f"{path}.{len(parts)}", depth + 1)) is not None:
        parts.append(part)
    return Group("all" if kind == "all" else "any", tuple(parts), negation == "1", text_of(form, f"{path}.find"))


def is_empty(sketch: Sketch) -> bool:
    """Is nothing asked at all?"""
    return isinstance(sketch, Group) and all(is_empty(part) for part in sketch.parts)


def _opposite(sketch: Sketch) -> Sketch:
    if sketch.negated:
        return Group("all", (sketch,), True)
    if isinstance(sketch, Asked):
        return Asked(sketch.operator, sketch.values, True)
    return Group(sketch.kind, sketch.parts, True)


def _texts(condition: Condition) -> dict[str, tuple[str, ...]]:
    """The fields of a condition that is written."""
    row = condition.row
    found = {name: values.texts(row.params[name], value) for name, value in condition.params if name != "where"}
    if "where" in row.params:
        pairs = condition.get("where") or ()
        found["where.name"] = tuple(name for name, _ in pairs)
        found["where.value"] = tuple(values.scalar_text(value) for _, value in pairs)
    if values.has_window(row):
        found["window"] = ("range" if condition.get("from_days") else "days" if condition.get("days") else "ever",)
    return found


def _blank(operator: Operator) -> dict[str, tuple[str, ...]]:
    return {name: ("",) for name, kind in operator.params.items() if kind in values.NAMES}


def _is_foreign(operator: Operator, name: str) -> bool:
    """Examples name segments, offers, tags … that this pond may not have; events are everywhere the same."""
    kind = operator.params.get(name)
    if operator.head == "anniversary":
        return False
    return kind in ("segment", "offer", "journey", "scalar", "scalars", "text") or (
        kind == "name" and role_of(operator, name) != "event"
    )


def _fields(form: Mapping[str, Any], start: str) -> dict[str, tuple[str, ...]]:
    return {name[len(start) :]: tuple(texts_of(form, name)) for name in form if name.startswith(start)}


def _completed(operator: Operator, found: dict[str, tuple[str, ...]]) -> Texts:
    """The fields of this operator. Whoever has just chosen it keeps what the last one had in the same place."""
    known = set(operator.params) | {"window", "where.name", "where.value"}
    left = [texts for name, texts in found.items() if name not in known]
    whole = {name: texts for name, texts in found.items() if name in known}
    for name, kind in operator.params.items():
        if name in whole or name in operator.options or kind in ("word", "filter"):
            continue
        start = fresh(operator).values.get(name, ("",))
        carried = left.pop(0) if left else start
        whole[name] = carried if len(carried) == len(start) else start
    if values.has_window(operator):
        whole.setdefault("window", ("ever",))
        chosen = {"days": ("days",), "range": ("from_days", "to_days")}.get(whole["window"][-1], ())
        for name in chosen:
            whole.setdefault(name, START[name])
    return whole
