"""Between offers.yml and the form: what is typed, what is stored, and what stays as people wrote it."""

from __future__ import annotations

import pytest

from yutang.brand import tree
from yutang.offer.definition import read
from yutang.web.pages.messages.preview import parts_of
from yutang.web.pages.messages.variables import asked_for, unknown
from yutang.web.pages.offers import form
from yutang.web.pages.offers.cut import cut

FILE = """# all of ours
first:            # for whoever is new
  sort: coupon
  title: {zh: 首杯, en: First}
  discount: {percent: 15}
  value_fen: 300
# for the silent
second:
  sort: ladder
  title: {zh: 阶梯, en: Ladder}
  down: [85, 43]
  up: [58]
  basket_fen: 2000
  limits: {velocity: {uses: 3, minutes: 10}}
"""


@pytest.mark.parametrize("name", ["first", "second"])
def test_what_is_shown_and_not_touched_is_written_as_it_was(name: str) -> None:
    root = tree.read(FILE)
    assert form.write(root[name], form.shown(root[name])) == {}
    assert tree.write(root) == FILE


def test_an_entry_goes_without_the_comments_of_others() -> None:
    assert cut(FILE, "first") == FILE[FILE.index("# for the silent") :]
    assert cut(FILE, "second") == FILE[: FILE.index("# for the silent")]
    assert cut(FILE, "third") == FILE
    assert cut("{a: 1, b: 2}\n", "a") == "{b: 2}\n"


def test_what_is_emptied_goes_with_what_held_it() -> None:
    root = tree.read(FILE)
    typed = form.shown(root["second"]) | {"uses": "", "minutes": "", "stock": "1,000", "down": ["8.5", "4.3", "2.8"]}
    assert form.write(root["second"], typed) == {}
    assert "limits" not in root["second"]
    body = read(tree.write(root))["second"]
    assert (body["stock"], body["down"], body["limits"]["velocity"]) == (1000, [85, 43, 28], None)


@pytest.mark.parametrize(
    ("text", "fen"),
    [("12.5", 1250), ("¥1,200", 120_000), ("0", 0), ("3元", 300), ("1.234", None), ("-1", None), ("", None), (".5", None),
     ("1e3", None), ("１２", None), ("1.", None)],
)  # fmt: skip
def test_yuan_are_typed_and_fen_are_kept(text: str, fen: int | None) -> None:
    assert form.fen(text) == fen


@pytest.mark.parametrize(
    ("text", "pay"), [("8.5", 85), ("9折", 90), ("0.5", 5), ("10", 100), ("85", None), ("8.55", None), ("", None)]
)
def test_tenths_are_percents_to_pay(text: str, pay: int | None) -> None:
    assert form.percent(text) == pay


def test_a_text_message_counts_an_emoji_twice() -> None:
    assert (parts_of("字" * 66, "签名").characters, parts_of("字" * 66, "签名").parts) == (70, 1)
    assert parts_of("字" * 65 + "🙂", "签名").parts == 2


def test_what_a_template_asks_for_and_what_there_is_not() -> None:
    words = "{{ person.name }}{% set x = coupon %}{{ x.code }}\n{{ person['ctiy'] }}{{ cupon.code }}{{ range(3) }}{{ run.code }}"
    asked = asked_for(words)
    assert {str(one) for one in asked} == {"person.name", "coupon", "person.ctiy", "cupon.code", "run.code"}
    found = unknown(asked, {"person": ["name", "city"], "coupon": ["code"], "run": None})
    assert [(str(one.asked), one.near, one.asked.line) for one in found] == [
        ("person.ctiy", "person.city", 2), ("cupon.code", "coupon.code", 2),
    ]  # fmt: skip
    assert asked_for("{{ broken") == []
