"""What the files of a brand name: every reference with its place, checked against what there is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from yutang.journey.trigger import ANY
from yutang.segment import language
from yutang.source import Node, Position, Said, SourceError, suggest

RULES = ("rule", "audience", "if", "exit_when", "when")
SAID = ("begun", "answer")
"""What a branch may ask instead of a rule: what an event said."""
_KINDS = {
    "segment": "segment",
    "left": "segment",
    "message": "message",
    "offer": "coupon",
    "ladder": "ladder",
    "channel": "channel",
    "task": "task",
    "journey": "sub-journey",
}
"""Which key of a journey or a message names what."""
_CALLED = {
    "segment": "人群", "message": "消息", "task": "员工任务", "journey": "旅程", "sub-journey": "旅程", "offer": "优惠", "coupon": "优惠",
    "ladder": "优惠阶梯", "channel": "渠道", "store": "门店",
}  # fmt: skip
FREE = ("where", "attachments", "set", "call", "split")
"""Keys under which authors write words of their own."""


@dataclass(frozen=True)
class Reference:
    """`kind` as in ``known`` of `check`."""

    kind: str
    name: str
    position: Position


def references(node: Node) -> Iterator[Reference]:
    """Everything that a segment, a journey or a message names, in the order of writing."""
    for key, item in node.mapping().items():
        if key in RULES and item.is_mapping:
            yield from _asked(item)
        elif key in _KINDS and not item.is_mapping:
            yield from _named(_KINDS[key], item)
        elif key == "near":
            yield _store(item)
        elif key not in FREE:
            yield from _below(item)


def _asked(node: Node) -> Iterator[Reference]:
    if not node.mapping().keys() & set(SAID):
        yield from (Reference(*found) for found in language.references(language.parse(node)))


def _named(kind: str, node: Node) -> Iterator[Reference]:
    """One name, or several in the order in which they are to be tried; a list of steps under such a word names nothing itself."""
    items = node.items() if node.is_list else [node]
    if any(item.is_mapping or item.is_list for item in items):
        yield from _below(node)
    else:
        yield from (Reference(kind, str(item.value), item.position) for item in items)


def _store(node: Node) -> Reference:
    """Also where any store will do, there must be one."""
    store = node.mapping().get("store")
    return Reference("store", str(store.value), store.position) if store else Reference("store", ANY, node.position)


def _below(node: Node) -> Iterator[Reference]:
    if node.is_mapping:
        yield from references(node)
    elif node.is_list:
        for item in node.items():
            yield from _below(item)


def check(found: Iterator[Reference], known: Mapping[str, Collection[str]]) -> None:
    """Raises SourceError for the first name that there is not, with the nearest that there is."""
    for one in found:
        names = known[one.kind]
        if one.name not in names:
            raise _missing(one, names)


def _missing(one: Reference, names: Collection[str]) -> SourceError:
    called = _CALLED[one.kind]
    none = Said(f"还没有任何{called}，请先写一个。", f"there is no {one.kind} at all; write one")
    fix = suggest(one.name, names) if names else none
    return SourceError(
        one.position,
        f"没有名为“{one.name}”的{called}，{fix.zh}" if one.name not in ("", "None") else f"还没有选{called}，{fix.zh}",
        f"there is no {one.kind} '{one.name}'; {fix.en}",
    )


def check_circles(journeys: Mapping[str, Node]) -> None:
    """Raises SourceError where journeys begin each other in a circle: whoever entered one would never come out."""
    begins = {
        name: [one for one in references(node) if one.kind == "sub-journey"] for name, node in sorted(journeys.items())
    }
    done: set[str] = set()
    for name in begins:
        _walk(name, begins, done, ())


def _walk(name: str, begins: Mapping[str, list[Reference]], done: set[str], path: tuple[str, ...]) -> None:
    for one in () if name in done else begins.get(name, ()):
        if one.name in (*path, name):
            circle = " → ".join([*path, name, one.name])
            raise SourceError(
                one.position,
                f"旅程互相开始，成了环：{circle}。请去掉其中一步。",
                f"journeys begin each other in a circle: {circle}; take one of the steps out",
            )
        _walk(one.name, begins, done, (*path, name))
    done.add(name)
