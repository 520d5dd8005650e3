"""The types of free cells: a CSV keeps every number as text, and a workbook makes a number of an order's number.

What the mapping says of a column holds; then the catalogue's type of the field; any other cell is told by its looks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from yutang.ingest import cells as read
from yutang.ingest.catalog import CATALOG

MOST_DIGITS = 15
"""Digits of a number; what is longer is an id, and spreadsheets and browsers would round it."""
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_BETWEEN = re.compile(r"\s*[,，、;；]\s*")
_TRUTHS = {"true": True, "是": True, "false": False, "否": False}


def by_looks(cell: Any) -> Any:
    """Text that is a plain number or ``true``/``false`` as such; ids with leading zeros, mobile numbers and the like stay text."""
    if isinstance(cell, list):
        return [part if isinstance(part, list) else by_looks(part) for part in cell]
    plain = cell.strip() if isinstance(cell, str) else ""
    if plain.lower() in ("true", "false"):
        return plain.lower() == "true"
    if not _NUMBER.fullmatch(plain) or _MOBILE.fullmatch(plain) or len(plain.strip("-").replace(".", "")) > MOST_DIGITS:
        return cell
    return float(plain) if "." in plain else int(plain)


def by_word(word: str, cell: Any) -> Any:
    """A cell as a type of ``WORDS``. Raises ValueError when it is none."""
    return WORDS[word](cell)


def by_catalog(type: str, name: str, cell: Any, zone: ZoneInfo) -> Any:
    """A cell as the catalogue types this field of a known type of event; a time without a zone is read in `zone`.

    What cannot be read so stays as it is: the door refuses it and says why. Raises KeyError for a field that is not listed.
    """
    word = _FIELDS[type][name]
    try:
        return read.instant(cell, zone).isoformat() if word == "time" else _READERS.get(word, _same)(cell)
    except (ValueError, RecursionError):
        return cell


def listed(type: str, name: str) -> bool:
    """Does the catalogue know this field of this type of event?"""
    return name in _FIELDS.get(type, {})


def _same(cell: Any) -> Any:
    return cell


def _text(cell: Any) -> str:
    return str(cell).lower() if isinstance(cell, bool) else read.text(cell)


def _truth(cell: Any) -> bool:
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, str) and cell.strip().lower() in _TRUTHS:
        return _TRUTHS[cell.strip().lower()]
    raise ValueError("不是真假值，请写 true、false、是 或 否。 neither true nor false; write true, false, 是 or 否")


def _list(cell: Any) -> list[str]:
    parts = [_text(part) for part in cell] if isinstance(cell, list) else _BETWEEN.split(_text(cell))
    return [part for part in parts if part]


def _json(cell: Any) -> Any:
    return msgspec.json.decode(cell) if isinstance(cell, str) else cell


WORDS: dict[str, Callable[[Any], Any]] = {"text": _text, "number": read.number, "boolean": _truth, "list": _list}
"""What a mapping may say of a free column, behind a colon."""
_READERS: dict[str, Callable[[Any], Any]] = {
    "key": _text,
    "text": _text,
    "fen": read.whole,
    "count": read.whole,
    "uses": read.whole,
    "whole": read.whole,
    "number": read.number,
    "latitude": read.number,
    "longitude": read.number,
    "flag": _truth,
    "keys": _list,
    "items": _json,
    "traits": _json,
}
"""By the words for field types in the catalogue."""
_FIELDS = {known.name: {field.name: field.type for field in known.fields} for known in CATALOG}
NAMES = {name for fields in _FIELDS.values() for name in fields}
"""The fields of all known types of events."""
