"""Rules that keep staff from writing certain words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import need, number
from yutang.emulator.errors import CityError

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

SEMANTICS = {1, 2, 3}
LISTS = ("user_list", "department_list")


@dataclass
class Rules:
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)


def _checked(city: City, rule: dict[str, Any], rule_id: str = "") -> None:
    limits, words = city.settings.intercept, rule["word_list"]
    if not 0 < len(rule["rule_name"]) <= limits.name_chars or rule["intercept_type"] not in (1, 2):
        raise CityError(40058, "rule_name or intercept_type")
    if any(one["rule_name"] == rule["rule_name"] for key, one in city.part(Rules).rules.items() if key != rule_id):
        raise CityError(41077)
    if not 0 < len(words) <= limits.words:
        raise CityError(41068)
    if any(not 0 < len(word) <= limits.word_chars for word in words):
        raise CityError(41083)
    if set(rule["extra_rule"]["semantics_list"]) - SEMANTICS:
        raise CityError(41084)
    if len(rule["applicable_range"]["user_list"]) > limits.users:
        raise CityError(41076)


def _range(given: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: list(given.get(name) or []) for name in LISTS}


def add(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/add_intercept_rule."""
    kept = city.part(Rules)
    if len(kept.rules) >= city.settings.intercept.rules:
        raise CityError(41069)
    rule = {
        "rule_name": need(given, "rule_name"), "word_list": need(given, "word_list", 41068),
        "extra_rule": {"semantics_list": given.get("semantics_list") or []},
        "intercept_type": number(given, "intercept_type"), "applicable_range": _range(need(given, "applicable_range")),
    }  # fmt: skip
    _checked(city, rule)
    rule_id = city.new_id("R")
    kept.rules[rule_id] = {"rule_id": rule_id, "create_time": city.stamp()} | rule
    return {"rule_id": rule_id}


def _rule(city: City, given: dict[str, Any]) -> dict[str, Any]:
    rule = city.part(Rules).rules.get(need(given, "rule_id", 41070))
    if rule is None:
        raise CityError(41070)
    return rule


def listing(city: City, _: App, __: dict[str, Any]) -> dict[str, Any]:
    """GET externalcontact/get_intercept_rule_list."""
    names = ("rule_id", "rule_name", "create_time")
    return {"rule_list": [{name: one[name] for name in names} for one in city.part(Rules).rules.values()]}


def get(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_intercept_rule."""
    return {"rule": _rule(city, given)}


def update(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/update_intercept_rule: the range by what to add and what to remove."""
    rule = _rule(city, given)
    more, less = _range(given.get("add_applicable_range") or {}), _range(given.get("remove_applicable_range") or {})
    before = rule["applicable_range"]
    after = {name: [one for one in before[name] + more[name] if one not in less[name]] for name in LISTS}
    changes = {
        name: given[name] for name in ("rule_name", "word_list", "extra_rule", "intercept_type") if name in given
    }
    changed = rule | changes | {"applicable_range": after}
    _checked(city, changed, rule["rule_id"])
    rule.update(changed)
    return {}


def delete(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/del_intercept_rule."""
    del city.part(Rules).rules[_rule(city, given)["rule_id"]]
    return {}
