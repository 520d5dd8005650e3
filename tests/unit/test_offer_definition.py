"""offers.yml: what is accepted becomes one form; what is not names its place and the fix."""

from __future__ import annotations

import pytest

from yutang.offer.definition import read
from yutang.source import SourceError

HEAD = "tea:\n  sort: coupon\n  title: {zh: 茶, en: Tea}\n"
STEPS = "wake:\n  sort: ladder\n  title: {zh: 梯, en: Ladder}\n  down: [85, 43, 28]\n  up: [43, 58, 95]\n  basket_fen: 2000\n"


def test_a_coupon_in_full_form() -> None:
    assert read(HEAD + "  discount: {percent: 15}\n  value_fen: 300\n") == {
        "tea": {
            "sort": "coupon",
            "title": {"zh": "茶", "en": "Tea"},
            "minimum_fen": 0,
            "stock": None,
            "budget_fen": None,
            "valid_days": 14,
            "pay_percent": 85,
            "off_fen": None,
            "per_person": 1,
            "stackable": False,
            "value_fen": 300,
        }
    }
    assert read(HEAD + "  discount: {off_fen: 500}\n  stock: 9\n")["tea"]["value_fen"] == 500


def test_the_luckin_ladder_is_what_a_ladder_is_without_more_words() -> None:
    body = read(STEPS)["wake"]
    assert (body["silence_days"], body["wait_days"], body["again_days"], body["patience"]) == (30, 7, None, 0)
    assert (body["down"], body["up"], body["valid_days"]) == ([85, 43, 28], [43, 58, 95], 7)


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        (HEAD + "  discount: {percent: 15}\n", "2:3", "'value_fen' is missing"),
        (HEAD + "  discount: {percent: 15, off_fen: 5}\n", "4:13", "one of {percent: 15}"),
        (HEAD + "  discount: {percent: 150}\n", "4:23", "from 1 to 100"),
        (HEAD + "  discount: {off_fen: 5}\n  stok: 3\n", "5:3", "did you mean 'stock'?"),
        (HEAD + "  discount: {off_fen: 5}\n  stock: -1\n", "5:10", "from 0 to"),
        ("tea:\n  sort: cupon\n", "2:9", "did you mean 'coupon'?"),
        ("tea:\n  title: x\n", "2:3", "'sort' is missing"),
        (STEPS.replace("[43, 58, 95]", "[]"), "5:7", "1 to 100 rungs"),
        (STEPS.replace("43, 28", "430"), "4:14", "from 1 to 100"),
        (STEPS + "  wait_days: 0\n", "7:14", "from 1 to"),
        (STEPS + "  cool_down_days: 8\n", "7:19", "at most wait_days (7)"),
    ],
)
def test_a_mistake_names_its_place_and_the_fix(text: str, place: str, fix: str) -> None:
    with pytest.raises(SourceError) as error:
        read(text)
    assert str(error.value).startswith(f"offers.yml:{place}: ")
    assert fix in str(error.value)
