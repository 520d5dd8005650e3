"""TOML with the place of every key: the parser of the standard library keeps none, so the text is looked at once more."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from yutang.source import Node, Position, SourceError

_TABLE = re.compile(r"\s*\[\s*([\w.-]+)\s*\]")
_KEY = re.compile(r"""(\s*)["']?([\w.-]+)["']?\s*=""")
_AT = re.compile(r"\(at line (\d+), column (\d+)\)")

Path = tuple[str, ...]


def load(text: str, file_name: str) -> Node:
    """The document in `text`. Raises SourceError with file, line and column."""
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        place = Position(file_name, int(at[1]), int(at[2])) if at else Position(file_name)
        raise SourceError(
            place,
            "这不是 TOML，请检查引号和括号。",
            f"this is not TOML: {_AT.sub('', str(error)).strip()}; check quotes and brackets",
        ) from error
    return _node(value, (), _places(text, file_name), Position(file_name))


def _places(text: str, file_name: str) -> dict[Path, Position]:
    """Where each key stands; a key inside an inline table has none of its own."""
    found: dict[Path, Position] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = tuple(header[1].split("."))
            found[table] = Position(file_name, number, 1)
        elif key := _KEY.match(line):
            found[(*table, *key[2].split("."))] = Position(file_name, number, len(key[1]) + 1)
    return found


def _node(value: Any, path: Path, places: dict[Path, Position], above: Position) -> Node:
    """A value without a place of its own stands where the one around it stands."""
    here = places.get(path, above)
    if isinstance(value, dict):
        return Node({key: _node(item, (*path, key), places, here) for key, item in value.items()}, here, here)
    if isinstance(value, list):
        return Node([_node(item, path, places, here) for item in value], here, here)
    return Node(value if isinstance(value, str | int | float | bool) else str(value), here, here)
