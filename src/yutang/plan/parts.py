"""A brand as a list of definitions, each with its kind, name and body; and which of them have a part in what is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from yutang.brand import Brand
from yutang.brand.publish import kinds

Body = dict[str, Any]
Key = tuple[str, str]
"""Kind and name of a definition."""
Bodies = Mapping[Key, Body]

POND: Key = ("pond", "pond")
_NAMED = {
    "segment": "segment",
    "message": "message",
    "task": "message",
    "offer": "offer",
    "ladder": "offer",
    "journey": "journey",
    "store": "store",
}
"""Which key of a body names a definition, and of which kind."""
_NOT_OURS = ("where", "attachments", "set", "begun", "answer")
"""Below these stand the words of others."""
_SPEAKS = ("call", "task", "journey")
"""Lines that lead outside besides messages."""


def bodies_of(brand: Brand) -> dict[Key, Body]:
    """Every definition of a brand, in the order of publishing."""
    return {(kind, name): body for kind, bodies in kinds(brand).items() for name, body in bodies.items()}


def brand_of(bodies: Bodies, sources: Mapping[str, str], files: Mapping[str, str]) -> Brand:
    """The brand again."""
    of = {kind: {n: body for (k, n), body in bodies.items() if k == kind} for kind in set(_NAMED.values())}
    return Brand(
        bodies[POND], dict(sources), of["segment"], of["offer"], of["message"], of["journey"], of["store"], files
    )  # fmt: skip


def sending(bodies: Bodies) -> set[Key]:
    """The journeys that say something, whatever these name, and whatever that names; and the pond's settings."""
    found = reach(bodies, [key for key, body in bodies.items() if key[0] == "journey" and _speaks(body)])
    by_place = any(
        kind == "journey" and "near" in bodies[kind, name]["trigger"] for kind, name in found & bodies.keys()
    )
    return found | {POND} | {key for key in bodies if by_place and key[0] == "store"}


def reach(bodies: Bodies, begin: Iterable[Key]) -> set[Key]:
    """These, what they name, and so on."""
    found: set[Key] = set()
    ahead = list(begin)
    while ahead:
        key = ahead.pop()
        if key not in found:
            found.add(key)
            ahead += _names(bodies.get(key))
    return found


def _speaks(body: Body) -> bool:
    return any("message" in line or line["do"] in _SPEAKS for line in body["program"])


def _names(value: Any) -> Iterator[Key]:
    """Whatever a body names. A word too many does no harm here."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in _NAMED and isinstance(item, str):
                yield _NAMED[key], item
            elif key not in _NOT_OURS:
                yield from _names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)
