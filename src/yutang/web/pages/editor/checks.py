"""What is wrong with the brand as it would be, and at which step of this journey that stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from yutang.brand import read_brand
from yutang.brand.hints import Hint
from yutang.journey.definition import journey
from yutang.source import Node, SourceError
from yutang.web.pages.editor.outline import Outline
from yutang.why.chain import Words
from yutang.why.words import both

FIELDS = {
    "message": ("消息", "message"), "ladder": ("阶梯", "ladder"), "offer": ("优惠", "offer"), "task": ("任务", "task"),
    "journey": ("旅程", "journey"), "segment": ("人群", "segment"), "left": ("人群", "segment"), "event": ("事件", "event"),
    "wait_for": ("事件", "event"), "tag": ("标签", "tag"), "untag": ("标签", "tag"), "url": ("地址", "address"), "if": ("条件", "condition"),
    "when": ("条件", "condition"), "of": ("周年", "anniversary"), "at": ("时间", "time"), "from": ("从", "from"), "to": ("到", "to"),
    "zh": ("名称", "title"), "en": ("英文名称", "title in English"), "days": ("天", "days"), "hours": ("小时", "hours"),
    "minutes": ("分钟", "minutes"), "holdout_percent": ("对照组", "holdout"), "value_fen": ("预计带来", "value"),
    "deadline_days": ("触达最多等", "deadline"), "max_age_days": ("事件多旧", "age of a cause"), "within_m": ("多少米内", "metres"),
    "set": ("属性", "attribute"), "split": ("分流", "split"), "because": ("原因", "because"), "audience": ("受众", "audience"),
}  # fmt: skip
"""What people call the keys of a file."""


@dataclass(frozen=True)
class Fault:
    """at: the path of a step, ``head``, or None where it stands in another file. key: of the head."""

    file: str
    line: int
    words: Words
    at: str | None = None
    key: str | None = None


def brand(files: Mapping[str, str]) -> SourceError | None:
    """The first thing that is wrong with the whole brand; asked again for the same files it is remembered."""
    found = _read(tuple(sorted(files.items())))
    return found if isinstance(found, SourceError) else None


def hints(files: Mapping[str, str]) -> tuple[Hint, ...]:
    """What is surely not meant in a brand of which nothing is wrong."""
    found = _read(tuple(sorted(files.items())))
    return () if isinstance(found, SourceError) else found


@lru_cache(maxsize=8)
def _read(files: tuple[tuple[str, str], ...]) -> SourceError | tuple[Hint, ...]:
    try:
        return read_brand(dict(files)).hints
    except SourceError as error:
        return error


def fault(error: SourceError | Hint, path: str, outline: Outline | None, root: Node | None = None) -> Fault:
    """An error or a hint of the loader, with its place in the journey at `path`; root: the part of it that was read."""
    file, line, column = error.position.file, error.position.line, error.position.column
    words = both(*error.said)
    if file != path:
        return Fault(file, line, words)
    words = _named(words, root or (outline.root if outline else None), line, column)
    at, key = _at(outline, line, column) if outline is not None else (None, None)
    return Fault(file, line, words, at, key)


def _named(words: Words, root: Node | None, line: int, column: int) -> Words:
    """With the field that it is about, where the place is that of a value."""
    key = _key_at(root, line, column) if root is not None else None
    label = FIELDS.get(key or "")
    return both(f"{label[0]}：{words['zh']}", f"{label[1]}: {words['en']}") if label else words


def _key_at(node: Node, line: int, column: int) -> str | None:
    """The key whose value stands at a place; of several the innermost."""
    parts = (
        node.value.items()
        if isinstance(node.value, dict)
        else ((None, item) for item in node.value)
        if isinstance(node.value, list)
        else ()
    )
    for key, item in parts:
        deeper = _key_at(item, line, column)
        if deeper or (key and (item.position.line, item.position.column) == (line, column)):
            return deeper or key
    return None


def _at(outline: Outline, line: int, column: int) -> tuple[str, str | None]:
    if (step := outline.at(line, column)) is not None:
        return step.path, None
    key = next((name for name, (first, last) in outline.keys().items() if first < line <= last), None)
    return "head", key


def own(outline: Outline, path: str) -> Fault | None:
    """What is wrong with this journey by itself, whatever the others say."""
    try:
        journey(outline.root)
    except SourceError as error:
        return fault(error, path, outline)
    return None
