"""Values on their way to ClickHouse (bound parameters) and back (the Python types that DuckDB gives)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from yutang.model import YutangError

Reader = Callable[[Any], Any]

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "'": "\\'"})


def kind_of(value: Any) -> str:
    """The ClickHouse type that a Python value is bound as. Raises YutangError for what has none."""
    if value is None:
        return "Nullable(String)"
    if isinstance(value, list | tuple | set | frozenset):
        kinds = {kind_of(one) for one in value} or {"String"}
        if len(kinds) > 1:
            raise YutangError(
                f"列表里混有 {'、'.join(sorted(kinds))}，不能用来查询，请只用一种值。 "
                f"a list of {' and '.join(sorted(kinds))} cannot be asked with; give it one kind of values"
            )
        return f"Array({kinds.pop()})"
    for type_, kind in _KINDS:
        if isinstance(value, type_):
            return kind
    raise YutangError(
        f"{type(value).__name__} 类型的值不能用来查询。 a value of type {type(value).__name__} cannot be asked with"
    )


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "Bool"),
    (int, "Int64"),
    (float, "Float64"),
    (Decimal, "Decimal(38, 6)"),
    (datetime, "DateTime64(6, 'UTC')"),
    (date, "Date"),
    (str, "String"),
)


def bound(value: Any) -> str:
    """The text of a parameter, in ClickHouse's escaped form."""
    if value is None:
        return "\\N"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ",".join(_inside(one) for one in value) + "]"
    return _text(value).translate(_ESCAPES)


def _inside(value: Any) -> str:
    """A value within a list."""
    if isinstance(value, str | date):
        return "'" + _text(value).translate(_ESCAPES) + "'"
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise YutangError(
                f"时间 {value} 没有时区，查询用的时间要带时区。 "
                f"the time {value} has no zone; times that are asked with need one"
            )
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return repr(value) if isinstance(value, float) else str(value)


def readers(kinds: Sequence[str]) -> list[Reader | None]:
    """For each ClickHouse type: what turns its JSON into the Python value DuckDB would give; None where it is that already."""
    return [_reader(kind) for kind in kinds]


def _reader(kind: str) -> Reader | None:
    for name in ("LowCardinality", "Nullable"):
        if kind.startswith(f"{name}("):
            return _reader(kind[len(name) + 1 : -1])
    if kind.startswith("Array("):
        one = _reader(kind[6:-1])
        return None if one is None else lambda value: [None if v is None else one(v) for v in value]
    if kind.startswith("Tuple("):
        ones = [_reader(part) for part in _parts(kind[6:-1])]
        return lambda value: tuple(v if r is None or v is None else r(v) for v, r in zip(value, ones, strict=True))
    for pattern, reader in _READERS:
        if pattern.match(kind):
            return reader
    return None


def _parts(text: str) -> list[str]:
    """Split at the commas that stand in no bracket; names of a tuple's parts fall away."""
    parts, depth, begun = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append(text[begun:place])
            begun = place + 1
    named = [part.strip() for part in (*parts, text[begun:])]
    return [re.sub(r"^`?\w+`? (?=[A-Z])", "", part) for part in named]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


_READERS: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (re.compile(r"DateTime"), _instant),
    (re.compile(r"Date"), date.fromisoformat),
    (re.compile(r"U?Int(128|256)"), int),
    (re.compile(r"B?Float"), float),
    (re.compile(r"Decimal"), lambda text: Decimal(str(text))),
    (re.compile(r"Bool"), bool),
)
