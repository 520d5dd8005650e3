"""offers.yml: what is accepted becomes one form; what is not names its place and the fix."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from faults import english
from yutang.offer.definition import read
from yutang.source import SourceError

HEAD = "tea:\n  sort: coupon\n  title: {zh: 茶, en: Tea}\n"
STEPS = "wake:\n  sort: ladder\n  title: {zh: 梯, en: Ladder}\n  down: [85, 43, 28]\n  up: [43, 58, 95]\n  basket_fen: 2000\n"
PACKET = "luck:\n  sort: red_packet\n  title: {zh: 红包, en: Luck}\n  amount_fen: 500\n  budget_fen: 50000\n"


def test_a_coupon_in_full_form() -> None:
    assert read(HEAD + "  discount: {percent: 15}\n  value_fen: 300\n") == {
        "tea": {
            "sort": "coupon",
            "title": {"zh": "茶", "en": "Tea"},
            "stock": None,
            "budget_fen": None,
            "valid_days": 14,
            "limits": {"per_day": None, "device": None, "phone": None, "uses_per_day": None, "velocity": None},
            "minimum_fen": 0,
            "stack": None,
            "excludes": [],
            "margin_floor_percent": 0,
            "margin_left_percent": None,
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
    assert (body["down"], body["up"], body["valid_days"], body["existing"]) == ([85, 43, 28], [43, 58, 95], 7, "recent")


def test_red_packets_gifts_and_how_things_go_together() -> None:
    found = read(
        PACKET.replace("500\n", "{from: 100, to: 900}\n")
        + "mug:\n  sort: gift\n  title: {zh: 杯, en: Mug}\n  sku: M1\n  value_fen: 9\n"
        "  stack: shop\n  excludes: [tea]\n"
        + HEAD
        + "  discount: {off_fen: 5}\n  limits: {device: 1, velocity: {uses: 2, minutes: 9}}\n"
    )
    packet, mug, tea = found["luck"], found["mug"], found["tea"]
    assert (packet["least_fen"], packet["most_fen"], packet["budget_fen"], packet["valid_days"]) == (
        100,
        900,
        50_000,
        1,
    )
    assert (mug["stackable"], mug["stack"], mug["excludes"], mug["hand_over"]) == (True, "shop", ["tea"], "pick_up")
    assert tea["limits"] == {
        "per_day": None,
        "device": 1,
        "phone": None,
        "uses_per_day": None,
        "velocity": {"uses": 2, "minutes": 9},
    }


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
        (STEPS + "  existing: some\n", "7:13", "write one of: all, none, recent"),
        (HEAD + "  discount: {off_fen: 5}\n  stackable: false\n  stack: a\n", "6:10", "write 'stackable: true'"),
        (HEAD + "  discount: {off_fen: 5}\n  stackable: true\n  excludes: [tee]\n", "6:14", "did you mean 'tea'?"),
        (HEAD + "  discount: {off_fen: 5}\n  limits: {velocity: {uses: 3}}\n", "5:22", "'minutes' is missing"),
        (PACKET.replace("500\n", "{from: 9, to: 8}\n"), "4:29", "from 9 to"),
        (PACKET + "  stock: 99\n", "5:15", "share out 49500 to 49500 fen"),
        (PACKET.replace("  budget_fen: 50000\n", ""), "2:3", "'budget_fen' is missing"),
        ("mug:\n  sort: gift\n  title: {zh: 杯, en: Mug}\n  value_fen: 9\n", "2:3", "'sku' is missing"),
    ],
)
def test_a_mistake_names_its_place_and_the_fix(text: str, place: str, fix: str) -> None:
    with pytest.raises(SourceError) as error:
        read(text)
    assert str(error.value).startswith(f"offers.yml:{place}: ")
    assert fix in english(error.value)


def test_every_example_of_the_page_is_an_offer() -> None:
    text = (Path(__file__).parents[2] / "docs" / "offers.md").read_text("utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    sorts, limits = read(examples[0]), read(HEAD + "  discount: {off_fen: 5}\n" + examples[1])["tea"]["limits"]
    assert {body["sort"] for body in sorts.values()} == {"coupon", "ladder", "red_packet", "gift"}
    assert None not in limits.values(), "each limit is shown"
