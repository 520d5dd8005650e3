"""TOML with the place of every value: the parser of the standard library keeps none, so the text is walked once more."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import Any

from yutang.source import Node, Position, SourceError, refuse_nul

_AT = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")
_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_QUOTED = r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
_NAME = re.compile(rf"[ \t]*({_QUOTED}|[\w-]+)[ \t]*")
_SCALAR = re.compile(rf'"""(?:\\.|[^\\])*?"""(?!")|\'\'\'.*?\'\'\'(?!\')|{_QUOTED}|[^,\]}}#\n]+', re.DOTALL)

Path = tuple[str | int, ...]


def load(text: str, file_name: str) -> Node:
    """The document in `text`. Raises SourceError with file, line and column."""
    try:
        value = tomllib.loads(text)
        places = _Walk(text, file_name).places
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(error, text, file_name) from error
    except RecursionError as error:
        raise SourceError(
            Position(file_name), "嵌套太深，请改简单些。", "nested too deeply; write it flatter"
        ) from error
    return _node(value, (), places, Position(file_name, 1, 1))


def _no_toml(error: tomllib.TOMLDecodeError, text: str, file_name: str) -> SourceError:
    """What ends too soon is wrong at its end."""
    said, at = str(error), _AT.search(str(error))
    line, column = (at[1], at[2]) if at else (None, None)
    last = text.split("\n")
    place = Position(file_name, int(line or len(last)), int(column or len(last[-1]) + 1))
    return SourceError(
        place,
        "这不是 TOML，请检查引号和括号。",
        f"this is not TOML: {_AT.sub('', said).strip()}; check quotes and brackets",
    )


class _Walk:
    """Goes through a text that the parser has accepted; `places`: of each value, by its path, its key's place and its own."""

    def __init__(self, text: str, file_name: str) -> None:
        self.text, self.file_name, self.at = text, file_name, 0
        self.lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self.places: dict[Path, tuple[Position, Position]] = {}
        table: Path = ()
        while self._next():
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _next(self) -> str:
        """The next character that says something; empty at the end."""
        self.at = _BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]
        return self.text[self.at : self.at + 1]

    def _here(self) -> Position:
        line = bisect_right(self.lines, self.at)
        return Position(self.file_name, line, self.at - self.lines[line - 1] + 1)

    def _header(self) -> Path:
        """``[a.b]``, or ``[[a.b]]``, of which every value stands where the first of these headers stands."""
        here = self._here()
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        path = self._names(())
        self.at += brackets
        for n in range(len(path)):
            self.places.setdefault(path[: n + 1], (here, here))
        return path if brackets == 1 else (*path, "")

    def _names(self, table: Path) -> Path:
        """A key with all its dots; each part of it is noted where the whole stands."""
        names = []
        while True:
            found = _NAME.match(self.text, self.at)
            assert found is not None
            names.append(found[1] if found[1][0] not in "\"'" else tomllib.loads(f"key = {found[1]}")["key"])
            self.at = found.end()
            if not self.text.startswith(".", self.at):
                return (*table, *names)
            self.at += 1

    def _pair(self, table: Path) -> None:
        key = self._here()
        path = self._names(table)
        for n in range(len(table) + 1, len(path)):
            self.places.setdefault(path[:n], (key, key))
        self.at += 1
        self._value(path, key)

    def _value(self, path: Path, key: Position | None = None) -> None:
        opens, here = self._next(), self._here()
        self.places[path] = (key or here, here)
        if opens in ("[", "{"):
            self._many(path, opens)
        else:
            self.at = _SCALAR.match(self.text, self.at).end()  # type: ignore[union-attr]

    def _many(self, path: Path, opens: str) -> None:
        """A list or an inline table."""
        self.at += 1
        n = 0
        while self._next() not in "]}":
            if self.text[self.at] == ",":
                self.at += 1
            elif opens == "{":
                self._pair(path)
            else:
                self._value((*path, n))
                n += 1
        self.at += 1


def _node(value: Any, path: Path, places: dict[Path, tuple[Position, Position]], above: Position) -> Node:
    """A value whose place is not known stands where the one around it stands."""
    key, here = places.get(path, (above, above))
    refuse_nul(path[-1] if path else "", key)
    refuse_nul(value, here)
    if isinstance(value, dict):
        return Node({name: _node(item, (*path, name), places, here) for name, item in value.items()}, here, key)
    if isinstance(value, list):
        return Node([_node(item, (*path, n), places, here) for n, item in enumerate(value)], here, key)
    return Node(value if isinstance(value, str | int | float | bool) else str(value), here, key)
