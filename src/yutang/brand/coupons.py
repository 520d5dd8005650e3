"""What the words say of a coupon: a message that prints it can only be said where an offer goes with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from yutang.brand.names import FREE, RULES
from yutang.deliver.asks import templates
from yutang.deliver.template import always_printed, environment
from yutang.source import Node, Said, SourceError


def check(journeys: Mapping[str, Node], messages: Mapping[str, dict[str, Any]]) -> None:
    """Raises SourceError for the first step whose message nobody could ever get, for want of the coupon that it prints."""
    printed = {name: next(_printed(body), None) for name, body in messages.items()}
    for journey in journeys.values():
        for kind, node in _bare(journey.mapping()["steps"]):
            if variable := printed[node.text()]:
                raise _no_offer(kind, node, variable)


def _printed(body: Mapping[str, Any]) -> Iterator[str]:
    """The variables of a coupon that every letter shows."""
    for text in templates(body):
        yield from (str(one) for one in always_printed(environment.parse(text)) if one.root == "coupon")


def _bare(node: Node) -> Iterator[tuple[str, Node]]:
    """The steps that say something and have no coupon: ``message`` or ``task``, and what they say. A ladder brings its own."""
    if node.is_list:
        offered = False
        for item in node.items():
            keys = item.mapping() if item.is_mapping else {}
            if not offered and "ladder" not in keys:
                yield from ((kind, keys[kind]) for kind in ("message", "task") if kind in keys)
            offered = "offer" in keys
            yield from _bare(item)
    elif node.is_mapping:
        for key, item in node.mapping().items():
            yield from _bare(item) if key not in (*RULES, *FREE) else ()


def _no_offer(kind: str, node: Node, variable: str) -> SourceError:
    fix = Said("在这一步前面加“- offer: …”，或", "add '- offer: …' right before this step, or ")
    zh, en = fix if kind == "message" else Said("", "")
    return node.fail(
        f"消息“{node.value}”用到“{variable}”，而这一步没有优惠券，永远发不出去：请{zh}在消息里先问“{{% if coupon %}}”。",
        f"the message '{node.value}' prints '{variable}', and there is no coupon here, so nobody could get it; "
        f"{en}ask '{{% if coupon %}}' in the message",
    )
