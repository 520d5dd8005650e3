"""What is surely not meant in a brand whose parts fit together: said beside it, and refused by nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from yutang.brand.names import FREE, RULES, SAID, references
from yutang.ingest import catalog
from yutang.offer.definition import PLAIN
from yutang.offer.terms import least_pay
from yutang.segment import language
from yutang.segment.operators import role_of
from yutang.source import Node, Position, Said, nearest

_EVENTS = ("event", "wait_for")
"""Keys of a journey under which types of events stand."""
_ALIKE = 0.75
"""How like a known type another one must be to be taken for a slip: brands have events of their own, too."""


@dataclass(frozen=True)
class Hint:
    """event: the type that it is about, if it is about one; a pond that gets such events knows better."""

    position: Position
    said: Said
    event: str = ""

    def __str__(self) -> str:
        return f"{self.position}: {self.said.zh} {self.said.en}"


def unknown_events(nodes: Iterable[Node]) -> Iterator[Hint]:
    """Types that begin, end or wake a run, or that a rule asks about, which the catalogue has under a name that is nearly the same."""
    for node in (found for asking in nodes for found in _types(asking)):
        name = str(node.value)
        near = None if name in catalog.BY_NAME else nearest(name, catalog.BY_NAME, _ALIKE)
        if near:
            said = Said(
                f"事件目录里没有“{name}”，是不是想写“{near}”？若是自己上报的事件，可不理会。",
                f"the catalogue has no event '{name}'; did you mean '{near}'? leave it if it is an event of your own",
            )
            yield Hint(node.position, said, name)


def _types(node: Node) -> Iterator[Node]:
    for key, item in node.mapping().items():
        if key in _EVENTS:
            named = item.items() if item.is_list else [item]
            yield from (one for one in named if not one.is_mapping)
            yield from (found for one in named if one.is_mapping for found in _types(one))
        elif key in RULES and item.is_mapping:
            yield from () if item.mapping().keys() & set(SAID) else _asked(item)
        elif key not in FREE:
            below = item.items() if item.is_list else [item]
            yield from (found for one in below if one.is_mapping for found in _types(one))


def _asked(rule: Node) -> Iterator[Node]:
    """The types that the conditions of a rule are about."""
    keys, found = rule.mapping(), language.parse(rule)
    if isinstance(found, language.Condition):
        yield from (item for name, item in keys.items() if role_of(found.row, name) == "event")
    else:
        below = next(iter(keys.values()))
        for part in below.items() if below.is_list else [below]:
            yield from _asked(part)


def used(nodes: Iterable[Node]) -> set[tuple[str, str]]:
    """All that rules and journeys name: kind and name."""
    return {(one.kind, one.name) for node in nodes for one in references(node)}


def never_said(used: set[tuple[str, str]], messages: Mapping[str, Node]) -> Iterator[Hint]:
    """Messages that no journey tells."""
    for name, head in messages.items():
        if not used & {("message", name), ("task", name)}:
            said = Said(
                f"没有旅程会发消息“{name}”：请在旅程里用上它，或删去这个文件。",
                f"no journey says the message '{name}'; name it in one, or remove the file",
            )
            yield Hint(head.position, said)


def never_given(used: set[tuple[str, str]], offers: Mapping[str, Node]) -> Iterator[Hint]:
    """Offers that no journey gives and no rule asks about."""
    for name, node in offers.items():
        if not used & {(kind, name) for kind in ("offer", "coupon", "ladder")}:
            said = Said(
                f"没有旅程发放优惠“{name}”：请在旅程里用上它，或删去；若由别的系统发放，可不理会。",
                f"no journey gives the offer '{name}'; name it in one, or remove it; leave it if another system gives it out",
            )
            yield Hint(node.key or node.position, said)


def below_floor(offers: Mapping[str, Node], bodies: Mapping[str, dict[str, Any]]) -> Iterator[Hint]:
    """Rungs and coupons under the floor of their own offer: `offer` refuses to give them out."""
    for name, node in offers.items():
        body = PLAIN | bodies[name]
        for place, pay in _pays(node.mapping(), body):
            if pay is not None and pay < body["margin_floor_percent"]:
                yield Hint(place.position, _too_low(pay, body["margin_floor_percent"]))


def _pays(keys: Mapping[str, Node], body: dict[str, Any]) -> Iterator[tuple[Node, int | None]]:
    if body["sort"] == "ladder":
        yield from ((item, item.whole()) for side in ("down", "up") for item in keys[side].items())
    elif "discount" in keys:
        yield keys["discount"], least_pay(body)


def _too_low(pay: int, floor: int) -> Said:
    return Said(
        f"顾客只付 {pay}%，低于 margin_floor_percent（{floor}%），不会发给任何人：请提高这一档，或调低下限。",
        f"who pays {pay} percent pays less than margin_floor_percent ({floor}), so nobody is given it; raise it, or lower the floor",
    )
