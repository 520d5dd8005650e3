"""Lines of YAML and the trees of them: what the edits of a journey are made of. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from yutang.brand import tree
from yutang.web.pages.editor.outline import FORKS, STEPS_KEY, Address


def plain(value: Any) -> Any:
    """Plain values as a tree that is written in one line, but for lists of steps."""
    if isinstance(value, dict):
        made = CommentedMap((key, plain(item)) for key, item in value.items())
        made.fa.set_flow_style()
        return made
    if isinstance(value, list | tuple):
        some = CommentedSeq(plain(item) for item in value)
        some.fa.set_flow_style()
        return some
    return value


def spliced(text: str, first: int, last: int, column: int, change: Callable[[Any], Any]) -> str:
    """The lines of one entry, read as a tree, changed, and written back."""
    lines = text.splitlines()
    inner = indented(dedented(lines[first:last], column), 2)
    root = tree.read("\n".join([f"{STEPS_KEY}:", *inner]) + "\n")
    change(root[STEPS_KEY][0])
    new = dedented(tree.write(root).splitlines()[1:], 2)
    return joined([*lines[:first], *indented(new, column), *lines[last:]])


def lines_of(items: list[Any]) -> list[str]:
    written = tree.write(CommentedMap({STEPS_KEY: CommentedSeq(opened(item) for item in items)}))
    return dedented(written.splitlines()[1:], 2)


def opened(item: Any) -> Any:
    made = plain(item)
    if isinstance(made, CommentedMap):
        made.fa.set_block_style()
    return made


def opened_up(node: Any) -> Any:
    """Steps, and what holds steps, on lines of their own."""
    if isinstance(node, CommentedSeq):
        node.fa.set_block_style()
        for item in node:
            opened_up(item)
    elif isinstance(node, CommentedMap):
        node.fa.set_block_style()
        for key in ("then", "else", "branch"):
            if isinstance(node.get(key), CommentedSeq | CommentedMap):
                opened_up(node[key])
        if isinstance(node.get("then"), CommentedMap):
            for arm in node["then"].values():
                opened_up(arm)
    return node


def hang(item: CommentedMap, address: Address, new: CommentedSeq) -> None:
    """Put a list into a step at an address, with the mappings on the way there."""
    for key in address[:-1]:
        if isinstance(key, int):
            item = item[key]
        else:
            if item.get(key) is None:
                item[key] = CommentedMap()
            item = item[key]
        item.fa.set_block_style()
    item[address[-1]] = new


def without_ids(lines: list[str], column: int) -> list[str]:
    """The lines of a step at column 0, without any id."""
    inner = indented(dedented(lines, column), 2)
    root = tree.read("\n".join([f"{STEPS_KEY}:", *inner]) + "\n")
    drop_ids(root[STEPS_KEY])
    return dedented(tree.write(root).splitlines()[1:], 2)


def drop_ids(node: Any) -> None:
    """Of steps alone: other mappings may have a key of that name."""
    if isinstance(node, CommentedSeq):
        for item in node:
            drop_ids(item)
    elif isinstance(node, CommentedMap):
        node.pop("id", None)
        for key in (
            *(("then", "else") if any(kind in node for kind in (*FORKS, "when")) or "else" in node else ()),
            "branch",
        ):
            drop_ids(node.get(key))
        if "split" in node and isinstance(node.get("then"), CommentedMap):
            for arm in node["then"].values():
                drop_ids(arm)


def closed(line: str) -> str:
    """``then:`` as ``then: []``, also with a comment behind it."""
    for n, letter in enumerate(line):
        rest = line[n + 1 :].strip()
        if letter == ":" and (not rest or rest.startswith("#")):
            return f"{line[: n + 1]} []{line[n + 1 :]}"
    return line


def scalar(value: str) -> str:
    return tree.write(CommentedMap(x=value))[3:].rstrip("\n")


def dedented(lines: list[str], by: int) -> list[str]:
    return [line[by:] if line[:by].strip() == "" else line.lstrip() for line in lines]


def indented(lines: list[str], by: int) -> list[str]:
    return [" " * by + line if line.strip() else "" for line in lines]


def joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
