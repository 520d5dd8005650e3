"""The keys of a journey's head, changed one by one in its text. Pure."""

from __future__ import annotations

from typing import Any

from ruamel.yaml.comments import CommentedMap

from yutang.brand import tree
from yutang.web.pages.editor.cuts import joined, plain
from yutang.web.pages.editor.outline import read

HEAD = (
    "title", "class", "trigger", "audience", "reentry", "holdout_percent", "value_fen", "deadline_days", "max_age_days", "goal",
    "exit_on", "exit_when", "exit_on_leave",
)  # fmt: skip
"""The keys of a head in the order in which they are written."""


def set_head(text: str, values: dict[str, Any]) -> str:
    """Other values of the head's keys; None takes a key away. What stays the same is not touched."""
    for name, value in values.items():
        outline = read(text, "journey")
        keys = outline.keys()
        node = outline.root.mapping().get(name)
        if value is None and node is not None:
            text = _without_key(text, *keys[name])
        elif value is not None and node is None:
            text = _with_key(text, keys, name, value)
        elif value is not None and node is not None and node.plain() != value:
            text = _changed_key(text, keys[name], name, value)
    return text


def _without_key(text: str, first: int, last: int) -> str:
    """A key with the comment above it, unless that is the comment of the whole file."""
    lines = text.splitlines()
    if first == 0:
        while first < last and lines[first].startswith("#"):
            first += 1
    return joined([*lines[:first], *lines[last:]])


def _with_key(text: str, keys: dict[str, tuple[int, int]], name: str, value: Any) -> str:
    """Behind the key that comes before it in the order of a head."""
    before = [keys[key][1] for key in HEAD[: HEAD.index(name)] if key in keys]
    lines = text.splitlines()
    line = max(before) if before else 0
    new = tree.write(CommentedMap({name: plain(value)})).splitlines()
    return joined([*lines[:line], *new, *lines[line:]])


def _changed_key(text: str, lines_of: tuple[int, int], name: str, value: Any) -> str:
    """Another value; the comment behind it stays."""
    first, last = lines_of
    lines = text.splitlines()
    root = tree.read("\n".join(lines[first:last]) + "\n")
    root[name] = plain(value)
    return joined([*lines[:first], *tree.write(root).splitlines(), *lines[last:]])
