"""Files that people write: YAML 1.2 with the place of every value, and errors that name file, line, column and the fix."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from yutang.model import YutangError

DEEPEST = 50
"""How deep a document may nest; an anchor that holds itself ends here too."""
LARGEST = 100_000
"""How many values one document may unfold to."""

MOST = 1_000_000
"""The highest of what is counted, in days, orders or pieces: beyond it nobody means a number, and the database counts in four bytes."""

Scalar = str | int | float | bool | None


class Said(NamedTuple):
    """The same words in both languages; a sentence brings its own stop in Chinese."""

    zh: str
    en: str


_NO_FIX = Said("", "")


@dataclass(frozen=True)
class Position:
    """Where a value stands; lines and columns count from 1, and are 0 for what came from no file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class SourceError(YutangError):
    """FILE:LINE:COLUMN: what is wrong; what to write instead. Chinese first, English beside it."""

    def __init__(self, position: Position, zh: str, en: str) -> None:
        super().__init__(f"{position}: {zh} {en}")
        self.position, self.said = position, Said(zh, en)


@dataclass(frozen=True)
class Node:
    """One value of a document: a scalar, a list of nodes, or nodes by key. Every accessor raises SourceError."""

    value: Scalar | list[Node] | dict[str, Node]
    position: Position
    key: Position | None = None
    """Where the key of this value stands, when it has one."""

    def fail(self, zh: str, en: str) -> SourceError:
        """The error to raise about this value: what is wrong and what to write, in both languages."""
        return SourceError(self.position, zh, en)

    def misnamed(self, zh: str, en: str) -> SourceError:
        """The error to raise about the key of this value."""
        return SourceError(self.key or self.position, zh, en)

    def expected(self, zh: str, en: str, fix: Said = _NO_FIX) -> SourceError:
        """The error where something else ought to stand; `fix`: how to write it."""
        found = self.describe()
        said = f"这里还没有填。请填{zh}。" if self.value in (None, "") else f"请填{zh}，现在是{found.zh}。{fix.zh}"
        return self.fail(said, f"expected {en}, found {found.en}{fix.en}")

    @property
    def _in_toml(self) -> bool:
        """There, advice in the words of YAML would mend nothing."""
        return self.position.file.endswith(".toml")

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    def mapping(self, known: Collection[str] | None = None, required: Iterable[str] = ()) -> dict[str, Node]:
        """The nodes by key. With `known`, any other key is an error; a missing one of `required` is, too."""
        if not isinstance(self.value, dict):
            raise self.expected("“键 = 值”" if self._in_toml else "“键: 值”", "keys and values")
        for key, node in self.value.items():
            if known is not None and key not in known:
                fix = suggest(key, known)
                raise node.misnamed(f"不认识的键“{key}”，{fix.zh}", f"unknown key '{key}'; {fix.en}")
        missing = [key for key in required if key not in self.value]
        if missing:
            sign = " =" if self._in_toml else ":"
            raise self.fail(
                f"缺少“{missing[0]}”，请写上“{missing[0]}{sign} …”。",
                f"'{missing[0]}' is missing; write '{missing[0]}{sign} …'",
            )
        return self.value

    def items(self) -> list[Node]:
        """The nodes of a list."""
        if not isinstance(self.value, list):
            lines = Said("每项单独一行，以“- ”开头。", "; write each entry on a line of its own after '- '")
            raise self.expected(
                "列表", "a list", Said("请写成 [a, b]。", "; write it as [a, b]") if self._in_toml else lines
            )
        return self.value

    def scalar(self) -> str | int | float | bool:
        """A text, a number, true or false."""
        if isinstance(self.value, list | dict) or self.value is None:
            raise self.expected("一个值", "one value")
        refuse_nul(self.value, self.position)
        return self.value

    def text(self) -> str:
        """A text that is not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            quoted = isinstance(self.value, int | float)
            raise self.expected("文字", "a text", Said("请加引号。", "; put it in quotes") if quoted else _NO_FIX)
        return self.value

    def number(self) -> int | float:
        """A number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not abs(self.value) <= 10**15:
            raise self.expected("数字", "a number")
        return self.value

    def whole(self, low: int = 0, high: int = 10**15) -> int:
        """A whole number from `low` to `high`."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not low <= self.value <= high:
            raise self.expected(f" {low} 到 {high} 之间的整数", f"a whole number from {low} to {high}")
        return self.value

    def flag(self) -> bool:
        """true or false."""
        if not isinstance(self.value, bool):
            raise self.expected(" true 或 false", "true or false")
        return self.value

    def choice(self, options: Collection[str]) -> str:
        """One of a few words."""
        if not isinstance(self.value, str) or self.value not in options:
            found, fix = self.describe(), suggest(str(self.value), options)
            raise self.fail(f"这里不能写{found.zh}，{fix.zh}", f"{found.en} is not possible here; {fix.en}")
        return str(self.value)

    def date(self) -> str:
        """A day, ``2026-01-31``."""
        try:
            return date.fromisoformat(str(self.scalar())).isoformat()
        except ValueError:
            found = self.describe()
            raise self.fail(
                f"{found.zh}不是日期，请写成 2026-01-31。", f"{found.en} is no date; write it as 2026-01-31"
            ) from None

    def percent(self) -> int | float:
        """A share in percent."""
        if not 0 <= self.number() <= 100:
            raise self.fail("比例在 0 到 100 之间。", "a share lies between 0 and 100")
        return self.number()

    def plain(self) -> Any:
        """The value without positions, as JSON would hold it."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        return [node.plain() for node in self.value] if isinstance(self.value, list) else self.value

    def describe(self) -> Said:
        """What the value is, for an error."""
        if isinstance(self.value, dict):
            return Said("“键 = 值”" if self._in_toml else "“键: 值”", "keys and values")
        if isinstance(self.value, list):
            return Said("列表", "a list")
        word = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return Said("空值", "nothing") if self.value is None else Said(f"“{word}”", f"'{word}'")


def nearest(word: str, known: Iterable[str], alike: float = 0.6) -> str | None:
    """The right word that a misspelt one is likely to be; alike: how much of the two must be the same, 1 is all."""
    near = get_close_matches(word, list(known), n=1, cutoff=alike)
    return near[0] if near else None


def suggest(word: str, known: Collection[str]) -> Said:
    """The fix for a misspelt word: the nearest right one, else all of them."""
    near = nearest(word, known)
    return meant(near) if near else one_of(sorted(known))


def meant(near: str) -> Said:
    """The fix for a word that is likely to be meant for this one."""
    return Said(f"是不是想写“{near}”？", f"did you mean '{near}'?")


def one_of(known: Iterable[str]) -> Said:
    """All that may be written."""
    words = list(known)
    return Said(f"可写：{'、'.join(words)}。", f"write one of: {', '.join(words)}")


def load(source: Path | str, file_name: str) -> Node:
    """The document in a file (Path) or in a text, read as YAML 1.2. Raises SourceError."""
    try:
        text = source.read_text("utf-8-sig") if isinstance(source, Path) else source
        root = YAML(pure=True).compose(text)
    except UnicodeDecodeError as error:
        raise not_utf8(file_name, error) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(file_name, mark.line + 1, mark.column + 1) if mark else Position(file_name)
        raise SourceError(
            place,
            "这不是 YAML，请检查缩进和引号。",
            f"this is not YAML: {error.problem or error.context}; check indentation and quotes",
        ) from error
    except YAMLError as error:
        fault = str(error).splitlines()[0]
        raise SourceError(
            Position(file_name), "文件里有 YAML 不允许的字符，请删去。", f"this is not YAML: {fault}; remove it"
        ) from error
    if root is None:
        raise SourceError(Position(file_name), "文件是空的。", "the file is empty")
    return _Reader(file_name).read(root, 0)


def refuse_nul(value: Any, position: Position) -> None:
    """Raises SourceError for a text that the database could not keep."""
    if isinstance(value, str) and "\0" in value:
        raise SourceError(position, "文字里有 NUL 字符，请删去。", "the text holds a NUL character; remove it")


def not_utf8(file_name: str, error: UnicodeDecodeError) -> SourceError:
    """The error about a file in another encoding."""
    above = error.object[: error.start].decode("utf-8").split("\n")
    return SourceError(
        Position(file_name, len(above), len(above[-1]) + 1),
        f"第 {error.start} 个字节不是 UTF-8，请把文件存成 UTF-8。",
        f"not UTF-8 at byte {error.start}; save the file as UTF-8",
    )


def plain(value: Any, file_name: str) -> Node:
    """A node tree from plain JSON values, for what came from no file."""
    position = Position(file_name)
    if isinstance(value, dict):
        return Node({str(key): plain(item, file_name) for key, item in value.items()}, position)
    if isinstance(value, list | tuple):
        return Node([plain(item, file_name) for item in value], position)
    return Node(value, position)


class _Reader:
    """Turns ruamel's nodes into ours, and counts them: aliases can unfold a small file into a huge one."""

    def __init__(self, file_name: str) -> None:
        self.file_name = file_name
        self.count = 0

    def read(self, node: Any, depth: int) -> Node:
        position = Position(self.file_name, node.start_mark.line + 1, node.start_mark.column + 1)
        self.count += 1
        if depth > DEEPEST or self.count > LARGEST:
            raise SourceError(
                position, "嵌套太深或内容太多，请拆成几个文件。", "nested too deeply or too large; split the file"
            )
        if isinstance(node, ScalarNode):
            refuse_nul(node.value, position)
            return Node(_scalar(node), position)
        if isinstance(node, SequenceNode):
            return Node([self.read(item, depth + 1) for item in node.value], position)
        assert isinstance(node, MappingNode)
        return Node(self._mapping(node, depth), position)

    def _mapping(self, node: Any, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key_node, value_node in node.value:
            key, value = self.read(key_node, depth + 1), self.read(value_node, depth + 1)
            if isinstance(key.value, list | dict):
                raise key.fail("键只能是一个词。", "a key must be one word")
            name = key_node.value
            if name in found:
                raise key.fail(f"“{name}”写了两次，请留一个。", f"'{name}' is written twice; keep one")
            place = key.position if value.value is None and not value_node.value else value.position
            found[name] = replace(value, position=place, key=key.position)
        return found


_INT = re.compile(r"[-+]?[0-9]+")


def _scalar(node: Any) -> Scalar:
    """YAML 1.2's plain values; dates, times and words such as `on` stay text."""
    kind, text = str(node.tag).rsplit(":", 1)[-1], node.value
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int" and _INT.fullmatch(text):
        return int(text)
    if kind == "float":
        return float(text) if re.search(r"[0-9]", text) else text
    return text
