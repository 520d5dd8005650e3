"""offers.yml: the offers of a brand, by name, as people write them; checked, and brought into one form.

first_cup:
  sort: coupon
  title: {zh: 首杯八五折, en: 15% off the first cup}
  discount: {percent: 15}        # 15 % off; or {pay_percent: 85}, or {off_fen: 500}
  value_fen: 300                 # what one is expected to cost; off_fen when left out
  valid_days: 14
wake_up:
  sort: ladder
  title: {zh: 阶梯券, en: Ladder}
  down: [85, 43, 28]             # percent of the price to pay: 8.5折, 4.3折, 2.8折
  up: [43, 58, 95]
  basket_fen: 2000               # a typical order before the coupon
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from yutang.source import Node, load

_COMMON = ("sort", "title", "minimum_fen", "stock", "budget_fen", "valid_days")
_COUPON = (*_COMMON, "discount", "per_person", "stackable", "value_fen")
_LADDER = (
    *_COMMON,
    *(
        "silence_days",
        "wait_days",
        "again_days",
        "down",
        "up",
        "cool_down_days",
        "margin_floor_percent",
        "basket_fen",
        "patience",
    ),
)
LONGEST = 3650
"""Most days that anything here may last."""


def read(source: Path | str, file_name: str = "offers.yml") -> dict[str, dict[str, Any]]:
    """The bodies of the offers in a file (Path) or a text, by name. Raises SourceError with file, line, column and fix."""
    return parse(load(source, file_name))


def parse(root: Node) -> dict[str, dict[str, Any]]:
    """The bodies by name, ready to publish as definitions of kind ``offer``. Raises SourceError."""
    return {name: _offer(node) for name, node in root.mapping().items()}


def _offer(node: Node) -> dict[str, Any]:
    sort = node.mapping(required=["sort"])["sort"].choice(("coupon", "ladder"))
    return _coupon(node) if sort == "coupon" else _ladder(node)


def _coupon(node: Node) -> dict[str, Any]:
    fields = node.mapping(_COUPON, ("title", "discount"))
    discount = _discount(fields["discount"])
    if "value_fen" not in fields and discount["off_fen"] is None:
        raise node.fail("'value_fen' is missing; write what one coupon is expected to cost, in fen")
    return {
        "sort": "coupon",
        **_common(fields, valid_days=14),
        **discount,
        "per_person": _whole(fields, "per_person", 1, low=1),
        "stackable": fields["stackable"].flag() if "stackable" in fields else False,
        "value_fen": _whole(fields, "value_fen", discount["off_fen"]),
    }


def _discount(node: Node) -> dict[str, int | None]:
    """One of three ways to write it; kept as the percent to pay, or as fen off."""
    fields = node.mapping(("percent", "pay_percent", "off_fen"))
    if len(fields) != 1:
        raise node.fail("a discount is one of {percent: 15}, {pay_percent: 85} or {off_fen: 500}")
    if "off_fen" in fields:
        return {"pay_percent": None, "off_fen": fields["off_fen"].whole(1)}
    pay = 100 - fields["percent"].whole(1, 100) if "percent" in fields else fields["pay_percent"].whole(0, 99)
    return {"pay_percent": pay, "off_fen": None}


def _ladder(node: Node) -> dict[str, Any]:
    fields = node.mapping(_LADDER, ("title", "down", "up", "basket_fen"))
    wait_days = _days(fields, "wait_days", 7)
    cool_down_days = _whole(fields, "cool_down_days", 0, high=LONGEST)
    if cool_down_days > wait_days:
        raise fields["cool_down_days"].fail(
            f"a cool-down of {cool_down_days} days would refuse every rung after the first; write at most wait_days ({wait_days})"
        )
    return {
        "sort": "ladder",
        **_common(fields, valid_days=7),
        "silence_days": _days(fields, "silence_days", 30),
        "wait_days": wait_days,
        "again_days": _whole(fields, "again_days", None, low=1, high=LONGEST),
        "down": _rungs(fields["down"]),
        "up": _rungs(fields["up"]),
        "cool_down_days": cool_down_days,
        "margin_floor_percent": _whole(fields, "margin_floor_percent", 0, high=100),
        "basket_fen": fields["basket_fen"].whole(1),
        "patience": _whole(fields, "patience", 0, high=1000),
    }


def _rungs(node: Node) -> list[int]:
    """Percents to pay, one for each rung."""
    found = [item.whole(1, 100) for item in node.items()]
    if not 1 <= len(found) <= 100:
        raise node.fail(f"a ladder has 1 to 100 rungs on each side, found {len(found)}; write for example [85, 43, 28]")
    return found


def _common(fields: dict[str, Node], valid_days: int) -> dict[str, Any]:
    title = fields["title"].mapping(("zh", "en"), ("zh", "en"))
    return {
        "title": {language: text.text() for language, text in title.items()},
        "minimum_fen": _whole(fields, "minimum_fen", 0),
        "stock": _whole(fields, "stock", None),
        "budget_fen": _whole(fields, "budget_fen", None),
        "valid_days": _days(fields, "valid_days", valid_days),
    }


def _days(fields: dict[str, Node], name: str, default: int) -> int:
    days = _whole(fields, name, default, low=1, high=LONGEST)
    assert days is not None
    return days


def _whole(fields: dict[str, Node], name: str, default: int | None, low: int = 0, high: int = 10**15) -> Any:
    """A whole number, the default when it is left out; ``null`` where the default is null."""
    node = fields.get(name)
    if node is None or (node.value is None and default is None):
        return default
    return node.whole(low, high)
