"""Phone numbers in a column that nobody has named: they may not be kept in the clear beside what customers did."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from yutang.ingest.keys import Refusal
from yutang.ingest.mapping import IGNORE, Mapping
from yutang.ingest.readers import Row
from yutang.model import Reason, YutangError

_PHONE = re.compile(r"(?:\+?86)?1[3-9][0-9]{9}")
SHORTEST, LONGEST = 11, 30
"""Characters of a cell that is worth a look; a file has many cells."""
_BETWEEN = re.compile(r"[\s\-'=\"]|\.0$")


def ask(mapping: Mapping, rows: Iterable[Row]) -> None:
    """Look at the first rows before any is taken in. Raises YutangError, which names the column."""
    for row in rows:
        if (column := _found(mapping, row.cells)) is not None:
            zh, en = _advice(column)
            raise YutangError(f"“{column}”这一列像是手机号，{zh}。 column '{column}' looks like phone numbers; {en}")


def check(mapping: Mapping, cells: dict[str, Any]) -> None:
    """Raises Refusal for a row that holds one."""
    if (column := _found(mapping, cells)) is not None:
        zh, en = _advice(column)
        raise Refusal(Reason.BAD_SHAPE, f"column '{column}': 像是手机号，{zh}。 looks like a phone number; {en}")


def _advice(column: str) -> tuple[str, str]:
    ways = f"--map {column}=phone", f"--map {column}={IGNORE}", f"--map {column}=props.{column}:text"
    return (
        f"请指明它的含义：{ways[0]}；不要这一列：{ways[1]}；确实要按原样保留：{ways[2]}",
        f"say what it means: {ways[0]}; leave it out: {ways[1]}; keep it as it is: {ways[2]}",
    )


def _found(mapping: Mapping, cells: dict[str, Any]) -> str | None:
    """The first column kept under its own name, without a type, that holds a whole phone number."""
    return next((column for column, cell in cells.items() if _is_loose(mapping, column) and _is_phone(cell)), None)


def _is_loose(mapping: Mapping, column: str) -> bool:
    return mapping.fields.get(column, f"props.{column}") == f"props.{column}"


def _is_phone(cell: Any) -> bool:
    if isinstance(cell, list):
        return any(map(_is_phone, cell))
    if not isinstance(cell, str | int | float) or not SHORTEST <= len(text := str(cell)) <= LONGEST:
        return False
    return _PHONE.fullmatch(_BETWEEN.sub("", text)) is not None
