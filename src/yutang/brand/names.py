"""What the files of a brand name: every reference with its place, checked against what there is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from yutang.segment import language
from yutang.source import Node, Position, SourceError, suggest

_RULES = ("rule", "audience", "if")
_KINDS = {"segment": "segment", "message": "message", "offer": "coupon", "ladder": "ladder", "channel": "channel"}
"""Which key of a journey or a message names what."""


@dataclass(frozen=True)
class Reference:
    """`kind` as in ``known`` of `check`."""

    kind: str
    name: str
    position: Position


def references(node: Node) -> Iterator[Reference]:
    """Everything that a segment, a journey or a message names, in the order of writing."""
    for key, item in node.mapping().items():
        if key in _RULES:
            yield from (Reference(*found) for found in language.references(language.parse(item)))
        elif key in _KINDS:
            yield Reference(_KINDS[key], str(item.value), item.position)
        elif key not in ("where", "attachments"):
            yield from _below(item)


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
            fix = suggest(one.name, names) if names else f"there is no {one.kind} at all; write one"
            raise SourceError(f"{one.position}: there is no {one.kind} '{one.name}'; {fix}")
