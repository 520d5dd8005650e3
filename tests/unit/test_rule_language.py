"""The rule language: what is accepted, what an error says and where it points."""

from __future__ import annotations

import random

import pytest

from faults import english
from unit.naive_rules import some_rule
from yutang import source
from yutang.segment.compile import compile
from yutang.segment.language import And, Condition, Not, Or, check, from_json, order, parse, references, segment
from yutang.segment.operators import OPERATORS
from yutang.segment.reference import reference
from yutang.segment.wording import sentence
from yutang.source import SourceError

FILE = """\
title: {zh: 沉睡客, en: Sleepers}
rule:
  all:
    - {count: ordered, at_least: 3}
    - {none: ordered, days: 30}
    - any: [{tag: vip}, {segment: loyal}]
    - not: {coupon: held, offer: welcome}
"""


def read(text: str) -> object:
    return parse(source.load(text, "rule.yml"))


def test_a_file_becomes_a_tree_and_goes_through_json_unchanged() -> None:
    body = segment(source.load(FILE, "sleepers.yml"))
    rule = from_json(body["rule"])
    assert body["title"] == {"zh": "沉睡客", "en": "Sleepers"}
    assert isinstance(rule, And)
    assert [type(part) for part in rule.parts] == [Condition, Condition, Or, Not]
    assert rule.to_json() == body["rule"]
    assert [
        (kind, name, str(place))
        for kind, name, place in references(parse(source.load(FILE, "f.yml").mapping()["rule"]))
    ] == [
        ("segment", "loyal", "f.yml:6:25"),
        ("offer", "welcome", "f.yml:7:12"),
    ]


def test_random_rules_go_through_json_unchanged() -> None:
    dice = random.Random(7)
    for _ in range(300):
        rule = some_rule(dice, ["s1"])
        assert from_json(rule.to_json()) == rule


def test_every_operator_has_an_example_that_picks_it_and_a_sentence_without_gaps() -> None:
    assert len(OPERATORS) >= 50
    assert len({operator.key for operator in OPERATORS}) == len(OPERATORS)
    for operator in OPERATORS:
        rule = read(operator.example)
        assert isinstance(rule, Condition)
        assert rule.operator == operator.key
        for language in ("zh", "en"):
            text = sentence(rule, language)
            assert "{" not in text
            assert "None" not in text
            assert f"`{operator.example}`" in reference(language)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{cuont: ordered, at_least: 3}", "rule.yml:1:1: unknown condition 'cuont'; did you mean 'count'?"),
        (
            "all:\n  - {count: ordered, atleast: 3}",
            "rule.yml:2:5: 'count' needs a comparison, not 'atleast'; did you mean 'at_least'?",
        ),
        (
            "{count: ordered, at_least: three}",
            "rule.yml:1:28: expected a whole number from 0 to 1000000000, found 'three'",
        ),
        ("{tag: vip, fordays: 3}", "rule.yml:1:12: unknown key 'fordays'; write one of: tag"),
        ("{coupon: helt}", "rule.yml:1:10: 'helt' is not possible here; did you mean 'held'?"),
        ("{life_stage: dormnt}", "rule.yml:1:14: 'dormnt' is not possible here; did you mean 'dormant'?"),
        ("{predicted: [p_alive], at_least: 1}", "rule.yml:1:13: a list is not possible here; write one of: "),
        ("{coupon: expiring}", "'within_days' is missing; for example {coupon: expiring"),
        (
            "{count: ordered, at_least: 1, at_most: 2}",
            "'at_least' and 'at_most' in one condition; write two conditions",
        ),
        ("{count: ordered, at_least: 1, days: 3, from_days: 4, to_days: 1}", "'days' and 'from_days' in one condition"),
        ("{count: ordered, at_least: 1, from_days: 4}", "'from_days' and 'to_days' belong together"),
        ("{none: ordered, from_days: 4, to_days: 9}", "from_days (4) must be more than to_days (9)"),
        ("{none: ordered, days: 0}", "expected a whole number from 1 to 3660, found '0'"),
        ("{attribute: age, between: [9, 3]}", "the lower end 9 is above the upper end 3; swap them"),
        ("{attribute: birthday, before: 2026-13-01}", "'2026-13-01' is no date; write it as 2026-01-31"),
        ("{attribute: city, in: []}", "the list is empty"),
        ("{all: [{tag: a}], any: []}", "rule.yml:1:19: unknown key 'any'; write one of: all"),
        ("{tag: a, tag: b}", "rule.yml:1:10: 'tag' is written twice; keep one"),
        ("all: {tag: a}", "rule.yml:1:6: expected a list, found keys and values"),
        ("[", "this is not YAML"),
        ("&a [*a]", "nested too deeply"),
        ("", "rule.yml: the file is empty"),
        ('{tag: "a\\0b"}', "NUL"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_the_fix(text: str, error: str) -> None:
    with pytest.raises(SourceError) as raised:
        read(text)
    assert error in english(raised.value)
    assert str(raised.value).startswith("rule.yml")


def test_times_and_words_stay_text() -> None:
    node = source.load("a: 22:00\nb: on\nc: 2026-01-31\nd: 0x1f\ne: 1.5\nf: true\ng: ~\n", "x")
    assert node.plain() == {"a": "22:00", "b": "on", "c": "2026-01-31", "d": "0x1f", "e": 1.5, "f": True, "g": None}


def test_one_and_true_are_different_conditions() -> None:
    assert from_json({"attribute": "a", "is": 1}) != from_json({"attribute": "a", "is": True})


def test_segments_come_after_those_they_name_and_circles_are_refused() -> None:
    rules = {"a": from_json({"segment": "b"}), "b": from_json({"not": {"segment": "c"}}), "c": from_json({"tag": "x"})}
    assert check(rules) == ["c", "b", "a"]
    with pytest.raises(SourceError, match="there is no segment 'c'"):
        check({"b": rules["b"]})
    with pytest.raises(SourceError, match="in a circle: a → b → a"):
        order({"a": rules["a"], "b": from_json({"segment": "a", "within_days": 3})})


def test_golden_sql() -> None:
    found = compile(from_json({"not": {"count": "ordered", "at_least": 3}}))
    assert found.text == (
        "NOT (COALESCE(COALESCE((SELECT SUM(a.n) FROM tally AS a WHERE a.bucket = p.bucket AND a.person_id = p.person_id "
        "AND a.type = CAST(%(p0)s AS TEXT)), 0) >= CAST(%(p1)s AS BIGINT), FALSE))"
    )
    assert found.params == {"p0": "ordered", "p1": 3}
    found = compile(from_json({"any": [{"tag": "vip"}, {"known": "city"}]}), prefix="q")
    assert found.text == (
        "(COALESCE(EXISTS(SELECT FROM tag AS t WHERE t.bucket = p.bucket AND t.person_id = p.person_id "
        "AND t.tag = CAST(%(q0)s AS TEXT) AND COALESCE(t.expires_at, 'infinity') > CAST(%(now)s AS TIMESTAMPTZ)), FALSE)) OR "
        "(COALESCE(EXISTS(SELECT FROM trait AS t WHERE t.bucket = p.bucket AND t.person_id = p.person_id "
        "AND t.name = CAST(%(q1)s AS TEXT) AND TRUE), FALSE))"
    )


def test_values_never_reach_the_text() -> None:
    nasty = "x'); drop table person; -- %(p0)s"
    for body in (
        {"tag": nasty},
        {"attribute": nasty, "is": nasty},
        {"count": nasty, "at_least": 1, "where": {nasty: nasty}},
        {"segment": nasty},
    ):
        found = compile(from_json(body))
        assert "drop" not in found.text
        assert any(nasty in str(value) or "drop" in str(value) for value in found.params.values())
