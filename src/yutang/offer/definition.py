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
new_year:
  sort: red_packet
  title: {zh: 新年红包, en: New Year's red packet}
  amount_fen: {from: 100, to: 2000}
  budget_fen: 100000
cup:
  sort: gift
  title: {zh: 马克杯, en: A mug}
  sku: MUG-1
  value_fen: 1500                # what one costs

docs/offers.md explains every field.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from yutang.source import MOST, Node, load, suggest

_COMMON = ("sort", "title", "stock", "budget_fen", "valid_days", "limits")
_ON_ORDERS = ("minimum_fen", "stackable", "stack", "excludes", "margin_floor_percent", "margin_left_percent")
_COUPON = (*_COMMON, *_ON_ORDERS, "discount", "per_person", "value_fen")
_LADDER = (
    *(*_COMMON, *_ON_ORDERS, "silence_days", "wait_days", "again_days", "down", "up", "cool_down_days", "basket_fen"),
    *("patience", "existing"),
)
_RED_PACKET = (*_COMMON, "amount_fen", "per_person")
_GIFT = (*_COMMON, *_ON_ORDERS, "sku", "hand_over", "value_fen", "per_person")
_LIMITS = ("per_day", "device", "phone", "uses_per_day", "velocity")
LONGEST = 3650
"""Most days that anything here may last."""

NO_LIMITS: dict[str, Any] = dict.fromkeys(_LIMITS)
PLAIN: dict[str, Any] = {
    "stackable": False,
    "stack": None,
    "excludes": [],
    "minimum_fen": 0,
    "margin_floor_percent": 0,
    "margin_left_percent": None,
    "limits": NO_LIMITS,
    "existing": "recent",
}
"""What holds where a body says nothing: one of a sort that has no such field, or one published before there was one."""


def read(source: Path | str, file_name: str = "offers.yml") -> dict[str, dict[str, Any]]:
    """The bodies of the offers in a file (Path) or a text, by name. Raises SourceError with file, line, column and fix."""
    return parse(load(source, file_name))


def parse(root: Node) -> dict[str, dict[str, Any]]:
    """The bodies by name, ready to publish as definitions of kind ``offer``. Raises SourceError."""
    nodes = root.mapping()
    bodies = {name: _offer(node) for name, node in nodes.items()}
    known = bodies.keys() | {body["stack"] for body in bodies.values() if body.get("stack")}
    for node in nodes.values():
        for other in node.mapping()["excludes"].items() if "excludes" in node.mapping() else ():
            if other.text() not in known:
                name, fix = other.text(), suggest(other.text(), known)
                raise other.fail(
                    f"没有名为“{name}”的优惠或叠加组，{fix.zh}", f"there is no offer and no group '{name}'; {fix.en}"
                )
    return bodies


def _offer(node: Node) -> dict[str, Any]:
    return _SORTS[node.mapping(required=["sort"])["sort"].choice(tuple(_SORTS))](node)


def _coupon(node: Node) -> dict[str, Any]:
    fields = node.mapping(_COUPON, ("title", "discount"))
    discount = _discount(fields["discount"])
    if "value_fen" not in fields and discount["off_fen"] is None:
        raise node.fail(
            "缺少“value_fen”，请写一张券预计的成本（分）。",
            "'value_fen' is missing; write what one coupon is expected to cost, in fen",
        )
    return {
        "sort": "coupon",
        **_common(fields, valid_days=14),
        **_on_orders(fields),
        **discount,
        "per_person": _whole(fields, "per_person", 1, low=1, high=MOST),
        "value_fen": _whole(fields, "value_fen", discount["off_fen"]),
    }


def _discount(node: Node) -> dict[str, int | None]:
    """One of three ways to write it; kept as the percent to pay, or as fen off."""
    fields = node.mapping(("percent", "pay_percent", "off_fen"))
    if len(fields) != 1:
        raise node.fail(
            "折扣是其中一种：{percent: 15}、{pay_percent: 85} 或 {off_fen: 500}。",
            "a discount is one of {percent: 15}, {pay_percent: 85} or {off_fen: 500}",
        )
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
            f"冷却 {cool_down_days} 天，第一档之后每一档都发不出，最多写 wait_days（{wait_days}）。",
            f"a cool-down of {cool_down_days} days would refuse every rung after the first; write at most wait_days ({wait_days})",
        )
    return {
        "sort": "ladder",
        **_common(fields, valid_days=7),
        **_on_orders(fields),
        "silence_days": _days(fields, "silence_days", 30),
        "wait_days": wait_days,
        "again_days": _whole(fields, "again_days", None, low=1, high=LONGEST),
        "down": _rungs(fields["down"]),
        "up": _rungs(fields["up"]),
        "cool_down_days": cool_down_days,
        "basket_fen": fields["basket_fen"].whole(1),
        "patience": _whole(fields, "patience", 0, high=1000),
        "existing": fields["existing"].choice(("recent", "all", "none")) if "existing" in fields else "recent",
    }


def _rungs(node: Node) -> list[int]:
    """Percents to pay, one for each rung."""
    found = [item.whole(1, 100) for item in node.items()]
    if not 1 <= len(found) <= 100:
        raise node.fail(
            f"阶梯每一侧有 1 到 100 档，现在是 {len(found)} 档，例如 [85, 43, 28]。",
            f"a ladder has 1 to 100 rungs on each side, found {len(found)}; write for example [85, 43, 28]",
        )
    return found


def _red_packet(node: Node) -> dict[str, Any]:
    fields = node.mapping(_RED_PACKET, ("title", "amount_fen", "budget_fen"))
    least, most = _amounts(fields["amount_fen"])
    body = {
        "sort": "red_packet",
        **_common(fields, valid_days=1),
        "per_person": _whole(fields, "per_person", 1, low=1, high=MOST),
        "least_fen": least,
        "most_fen": most,
    }
    count, budget = body["stock"], fields["budget_fen"].whole(least)
    if count is not None and not count * least <= budget <= count * most:
        raise fields["budget_fen"].fail(
            f"{count} 个红包，每个 {least} 到 {most} 分，共 {count * least} 到 {count * most} 分，请把预算写在两者之间。",
            f"{count} packets of {least} to {most} fen share out {count * least} to {count * most} fen; write a budget in between",
        )
    return body


def _amounts(node: Node) -> tuple[int, int]:
    """One amount for all, or the limits between which chance decides."""
    if not node.is_mapping:
        fen = node.whole(1)
        return fen, fen
    ends = node.mapping(("from", "to"), ("from", "to"))
    least = ends["from"].whole(1)
    return least, ends["to"].whole(least)


def _gift(node: Node) -> dict[str, Any]:
    fields = node.mapping(_GIFT, ("title", "sku", "value_fen"))
    return {
        "sort": "gift",
        **_common(fields, valid_days=30),
        **_on_orders(fields),
        "sku": fields["sku"].text(),
        "hand_over": fields["hand_over"].choice(("pick_up", "with_order")) if "hand_over" in fields else "pick_up",
        "per_person": _whole(fields, "per_person", 1, low=1, high=MOST),
        "value_fen": fields["value_fen"].whole(0),
    }


_SORTS = {"coupon": _coupon, "ladder": _ladder, "red_packet": _red_packet, "gift": _gift}
SORTS = tuple(_SORTS)


def _common(fields: dict[str, Node], valid_days: int) -> dict[str, Any]:
    title = fields["title"].mapping(("zh", "en"), ("zh", "en"))
    return {
        "title": {language: text.text() for language, text in title.items()},
        "stock": _whole(fields, "stock", None),
        "budget_fen": _whole(fields, "budget_fen", None),
        "valid_days": _days(fields, "valid_days", valid_days),
        "limits": _limits(fields["limits"]) if "limits" in fields else NO_LIMITS,
    }


def _limits(node: Node) -> dict[str, Any]:
    fields = node.mapping(_LIMITS)
    found: dict[str, Any] = {
        name: _whole(fields, name, None, low=1, high=MOST) for name in _LIMITS if name != "velocity"
    }
    if "velocity" in fields:
        speed = fields["velocity"].mapping(("uses", "minutes"), ("uses", "minutes"))
        return found | {"velocity": {"uses": speed["uses"].whole(1, MOST), "minutes": speed["minutes"].whole(1, 1440)}}
    return found | {"velocity": None}


def _on_orders(fields: dict[str, Node]) -> dict[str, Any]:
    """How it stands beside other coupons on an order, and what must be left."""
    stack = fields["stack"].text() if "stack" in fields else None
    stackable = fields["stackable"].flag() if "stackable" in fields else stack is not None
    for name in ("stack", "excludes"):
        if name in fields and not stackable:
            raise fields[name].fail(
                f"“{name}”说的是和别的券怎样叠加，请同时写“stackable: true”。",
                f"'{name}' says how it goes together with others; write 'stackable: true' as well",
            )
    return {
        "minimum_fen": _whole(fields, "minimum_fen", 0),
        "stackable": stackable,
        "stack": stack,
        "excludes": [other.text() for other in fields["excludes"].items()] if "excludes" in fields else [],
        "margin_floor_percent": _whole(fields, "margin_floor_percent", 0, high=100),
        "margin_left_percent": _whole(fields, "margin_left_percent", None, high=100),
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
