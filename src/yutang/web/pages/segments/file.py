"""The file of a segment, changed as people would: what has not changed keeps its comments and its form."""

from __future__ import annotations

from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from yutang.brand import tree
from yutang.segment.language import GROUPS


def write(before: str | None, title: dict[str, str], rule: dict[str, Any]) -> str:
    """The text of a segment with this title and rule; `before`: the file as it is."""
    try:
        whole = tree.read(before or "")
    except YAMLError:
        whole = CommentedMap()
    if not _same(whole.get("title"), title):
        whole["title"] = _flow(title)
    if not _same(whole.get("rule"), rule):
        whole["rule"] = _merged(whole.get("rule"), rule)
    return tree.write(whole)


def _merged(old: Any, new: dict[str, Any]) -> Any:
    """The new rule, made of the old one's parts where they say the same."""
    if _same(old, new):
        return old
    group = next((name for name in GROUPS if name in new), None)
    if group is None:
        return _flow(new)
    below = old.get(group) if isinstance(old, dict) else None
    found = old if below is not None else CommentedMap()
    found[group] = _merged(below, new[group]) if group == "not" else _parts(below, new[group])
    return found


def _parts(old: Any, new: list[dict[str, Any]]) -> Any:
    left = list(old) if isinstance(old, list) else []
    parts = []
    for n, part in enumerate(new):
        same = next((one for one in left if _same(one, part)), None)
        if same is not None:
            left.remove(same)
        place = old[n] if same is None and isinstance(old, list) and n < len(old) and old[n] in left else None
        parts.append(same if same is not None else _merged(place, part))
    if isinstance(old, CommentedSeq) and len(old) == len(parts):
        for n, part in enumerate(parts):
            old[n] = part
        return old
    return CommentedSeq(parts)


def _flow(values: dict[str, Any]) -> CommentedMap:
    """A condition on one line, as they are written by hand."""
    found = CommentedMap(values)
    found.fa.set_flow_style()
    return found


def _same(old: Any, new: Any) -> bool:
    """Equal as JSON: 1 and true differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in new)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return isinstance(old, bool) == isinstance(new, bool) and old == new
