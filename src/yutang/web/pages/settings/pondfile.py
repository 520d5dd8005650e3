"""pond.toml as a form: the values that it shows, and the file with other values; what is not in the form stays, comments too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import tomlkit
from tomlkit.items import Table

from yutang.definitions import POND
from yutang.web.forms import text_of, texts_of

FILE = "pond.toml"
NUMBERS = (
    ("holdout_percent",),
    ("margin_percent",),
    ("budget", "window_days"),
    ("budget", "marketing"),
    ("budget", "companion"),
    ("budget", "service"),
    ("budget", "total"),
)
TEXTS = (("title", "zh"), ("title", "en"), ("time_zone",), ("quiet", "from"), ("quiet", "to"))
BY_CHANNEL = ("price", "cost_fen")
HOLIDAYS = ("quiet", "holidays")
APPROVAL = ("approval", "required")
ONE = {"price": 1, "cost_fen": 0}
"""What a channel has that is not named."""

Path = tuple[str, ...]


def field(path: Path) -> str:
    """The name of a value in the form."""
    return ".".join(path)


def shown(text: str, channels: Iterable[str]) -> dict[str, str]:
    """The form's fields as the file says them, over the defaults; channels: those that have a line of their own."""
    document = tomlkit.parse(text).unwrap()
    found = {field(path): _plain(_at(document, path)) for path in (*NUMBERS, *TEXTS)}
    found[field(HOLIDAYS)] = "\n".join(str(day) for day in _at(document, HOLIDAYS) or ())
    found[field(APPROVAL)] = "on" if _at(document, APPROVAL) else ""
    for part in BY_CHANNEL:
        known = document.get(part, {})
        found |= {f"{part}.{name}": _plain(known.get(name)) for name in {*channels, *known}}
    return found


def typed(data: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """The form's fields as somebody sent them; holidays also between commas or in several fields."""
    found = {name: text_of(data, name) for name in names}
    days = re.split(r"[\s,，、;；]+", " ".join(texts_of(data, field(HOLIDAYS))))
    return found | {field(HOLIDAYS): "\n".join(sorted({day for day in days if day}))}


def wrong(said: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Fields that hold no number, or no day; all else the brand's own check says, with its place."""
    found = {}
    numbers = {field(path) for path in NUMBERS} | {name for name in said if name.partition(".")[0] in BY_CHANNEL}
    for name in numbers:
        if said.get(name) and not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", said[name]):
            found[name] = {"zh": "写一个数字。", "en": "Write a number."}
    if any(not re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in said[field(HOLIDAYS)].split()):
        found[field(HOLIDAYS)] = {
            "zh": "日期写成 2026-10-01，一行一个。",
            "en": "Write days as 2026-10-01, one a line.",
        }
    return found


def written(text: str, said: Mapping[str, str], before: Mapping[str, str]) -> str:
    """The file with these values, where they are other than `before`."""
    document = tomlkit.parse(text)
    for name, value in said.items():
        if value != before.get(name, ""):
            _set(document, tuple(name.split(".", 1)), _value(name, value))
    return tomlkit.dumps(document)


def _value(name: str, text: str) -> Any:
    """None where the value is taken away, so that the default holds again."""
    if name == field(APPROVAL):
        return bool(text)
    if name == field(HOLIDAYS):
        return [tomlkit.date(day) for day in text.split()] or None
    if not text:
        return None
    if name in map(field, TEXTS):
        return text
    return float(text) if "." in text else int(text)


def _set(document: Any, path: Path, value: Any) -> None:
    """A table that is missing is made at the end of the file."""
    *tables, key = path
    here = document
    for name in tables:
        if name not in here:
            if value is None:
                return
            here[name] = tomlkit.table()
        here = here[name]
    if value is None:
        here.pop(key, None)
    elif isinstance(here, Table) and key not in here and _ends_open(here):
        _add_line(here, key, value)
    else:
        here[key] = value


def _ends_open(table: Table) -> bool:
    """Does the table end with an empty line, which belongs before the next heading?"""
    return table.as_string().endswith("\n\n")


def _add_line(table: Table, key: str, value: Any) -> None:
    """A new key stands with the others, above that empty line."""
    last = [name for name, _ in table.value.body if name is not None]
    if last:
        table.value._insert_after(last[-1], tomlkit.key(key), tomlkit.item(value))
    else:
        table[key] = value


def _at(document: Mapping[str, Any], path: Path) -> Any:
    """A value of the file, else of the defaults."""
    for source in (document, POND):
        here: Any = source
        for name in path:
            here = here.get(name) if isinstance(here, Mapping) else None
        if here is not None:
            return here
    return None


def _plain(value: Any) -> str:
    return "" if value is None else str(value)
