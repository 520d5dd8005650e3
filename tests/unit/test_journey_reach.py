"""What a journey's file and the editor's forms say of best hours and of values that are reckoned for each person."""

from __future__ import annotations

import pytest
from ruamel.yaml.comments import CommentedMap

from yutang import journey, source
from yutang.source import SourceError
from yutang.web.pages.editor import headform, stepform
from yutang.why.lines import line

HEAD = "title: {zh: 甲, en: A}\ntrigger: {event: registered}\n"


def read(text: str) -> dict:
    return journey.journey(source.load(HEAD + text, "welcome.yml"))


def step(text: str) -> dict:
    return read(f"steps:\n  - until: {text}\n  - message: hello\n")["program"][0]


def test_a_best_hour_stands_beside_one_for_those_who_have_none():
    found = step('{time: best, otherwise: "10:30", weekday: [sat, sun]}')
    assert {key: found[key] for key in ("time", "best", "weekdays", "where", "date")} == {
        "time": "10:30", "best": True, "weekdays": [6, 7], "where": "pond", "date": None,
    }  # fmt: skip
    assert found["id"] == "until:6-7-best"
    assert "best" not in step('"10:30"'), "files that say nothing of it mean what they meant"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{time: best}", "not everybody has a best hour"),
        ('{time: "10:00", otherwise: "11:00"}', "'otherwise' goes with 'time: best'"),
        ("{time: best, otherwise: ten}", "'ten' is not a time of day"),
    ],
)
def test_a_wrong_best_hour_is_told(text, fault):
    with pytest.raises(SourceError, match=fault):
        step(text)


def test_a_value_may_be_reckoned_for_each_person():
    body = read("value_fen: {expected: true, otherwise: 300}\nsteps: [{message: hello}]")
    assert (body["value_fen"], body["value_trait"], body["value_expected"]) == (300, None, True)
    assert "value_expected" not in read("value_fen: 300\nsteps: [{message: hello}]")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{expected: true}", "'otherwise' is missing"),
        ("{expected: false, otherwise: 1}", "write 'expected: true'"),
        ("{expected: true, trait: worth, otherwise: 1}", "by a trait or expected"),
        ("{otherwise: 1}", "by a trait or expected"),
    ],
)
def test_a_wrong_value_is_told(text, fault):
    with pytest.raises(SourceError, match=fault):
        read(f"value_fen: {text}\nsteps: [{{message: hello}}]")


@pytest.mark.parametrize(
    ("form", "until"),
    [
        ({"when": "time", "time": "10:00"}, "10:00"),
        ({"when": "time", "time": "10:00", "best": "1"}, {"time": "best", "otherwise": "10:00"}),
        (
            {"when": "weekday", "weekday": ["sat", "sun"], "time": "10:00", "best": "1", "where": "person"},
            {"weekday": ["sat", "sun"], "time": "best", "otherwise": "10:00", "where": "person"},
        ),
    ],
)
def test_the_form_of_a_step_writes_what_it_shows(form, until):
    item = CommentedMap({"until": "09:00"})
    stepform.write("until", form)(item)
    assert item["until"] == until
    shown = stepform._show_until(dict(item))
    assert (shown["best"], shown["time"]) == ("best" in form, "10:00")


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"value": "3"}, 300),
        ({"value": "3", "value_expected": "1"}, {"expected": True, "otherwise": 300}),
        ({"value": "", "value_expected": "1"}, {"expected": True, "otherwise": 0}),
        ({"value": "3", "value_trait": "worth"}, {"trait": "worth", "otherwise": 300}),
    ],
)
def test_the_form_of_a_head_writes_what_it_shows(fields, value):
    form = {
        "title_zh": "甲",
        "trigger": "event",
        "event": "registered",
        "reentry": "never",
        "class": "marketing",
    } | fields
    assert headform.values(form, {})["value_fen"] == value
    shown = headform.fields({"value_fen": value})
    assert shown["value_expected"] == ("value_expected" in fields)
    assert shown["value"] == (fields["value"] or "0")


def test_the_step_in_words():
    said = line(step('{time: best, otherwise: "10:30", where: person}'), lambda _kind, name: {"zh": name, "en": name})
    assert said["zh"] == "等到 本人最常在的时刻（未知则 10:30（顾客当地时间））"
    assert (
        said["en"]
        == "wait until the hour at which they are most likely there (10:30 where they live where none is known)"
    )
