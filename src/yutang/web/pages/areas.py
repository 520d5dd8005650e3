"""The areas of the console, in the order of its menu."""

from __future__ import annotations

from typing import NamedTuple

from yutang.users import Right


class Area(NamedTuple):
    """An area: where it begins, its word in the catalogue, and who may see it: whoever has one of the rights (all, where none).

    also: what else belongs to it, though its address begins otherwise.
    """

    path: str
    word: str
    rights: tuple[Right, ...]
    also: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Is this address one of the area?"""
        return path == self.path or path.startswith((f"{self.path}/", *self.also))


AREAS: tuple[tuple[Area, ...], ...] = (
    (Area("/", "home", ()), Area("/tasks", "tasks", ("tasks",)), Area("/counter", "counter", ("tasks",))),
    (Area("/persons", "people", ("people",)), Area("/segments", "segments", ("look",))),
    (
        Area("/journeys", "journeys", ("look",)),
        Area("/offers", "offers", ("look",)),
        Area("/messages", "messages", ("look",)),
        Area("/plans", "plans", ("look",), ("/rehearsals",)),
    ),
    (
        Area("/calendar", "calendar", ("look",)),
        Area("/deliveries", "deliveries", ("look",)),
        Area("/codes", "codes", ("codes",)),
    ),
    (Area("/insight", "insight", ("look",)), Area("/predictions", "predictions", ("look",))),
    (Area("/data", "data", ("data", "look"), ("/schema",)), Area("/settings", "settings", ("settings",))),
)
"""Groups, a line between each two."""
