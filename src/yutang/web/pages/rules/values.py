"""One field at a time: the text that stands in it, and the value that it means."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from yutang import source
from yutang.segment.language import LONGEST_WINDOW, Condition, parse
from yutang.segment.operators import PREDICTED_DAYS, PREDICTIONS, SCORES, SIDES, STAGES, Operator
from yutang.why.chain import Words
from yutang.why.words import both

NAMES = ("name", "segment", "offer", "journey", "text", "scalar", "scalars")
_PART = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,，、;；]+)\s*(?:[,，、;；]|$)')
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


class Wrong(Exception):
    """What stands in a field means nothing. words: what to write instead. missing: nothing stands there."""

    def __init__(self, words: Words, missing: bool = False) -> None:
        super().__init__(words["en"])
        self.words, self.missing = words, missing


def has_window(operator: Operator) -> bool:
    """May the condition look at some days only?"""
    return "days" in operator.options


def example(operator: Operator) -> Condition:
    """The operator's own example."""
    found = parse(source.load(operator.example, operator.key))
    assert isinstance(found, Condition)
    return found


def texts(kind: str, value: Any) -> tuple[str, ...]:
    """A value as the texts of its field."""
    if kind == "scalar":
        return (scalar_text(value),)
    if kind == "scalars":
        return ("、".join(scalar_text(one) for one in value),)
    if kind == "fen":
        return (f"{Decimal(value) / 100:f}",)
    if isinstance(value, tuple):
        return tuple(str(one) for one in value)
    return (str(value),)


def scalar_text(value: Any) -> str:
    """A scalar so that it comes back as the same: text that looks like something else stands in quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    plain = value and value == value.strip() and not re.search(r'["\\,，、;；]', value) and scalar(value) == value
    return value if plain else json.dumps(value, ensure_ascii=False)


def scalar(text: str, seen: Collection[Any] = ()) -> Any:
    """The scalar that a text means: a number, true or false where it looks so, unless the pond has only seen it as text."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    meant: Any = text
    if text in ("true", "false"):
        meant = text == "true"
    elif _NUMBER.fullmatch(text) and len(text) < 16:
        meant = float(text) if "." in text else int(text)
    return text if text in seen and not any(type(one) is type(meant) and one == meant for one in seen) else meant


def read(kind: str, given: Sequence[str], seen: Collection[Any] = ()) -> Any:
    """The value, in the JSON of rules. Raises Wrong."""
    given = [text.strip() for text in given]
    if kind in ("numbers", "wholes"):
        return _pair(kind, given)
    if kind == "stages":
        return [text for text in given if text in STAGES] or _nothing(
            both("至少选一个阶段", "choose at least one stage")
        )
    text = given[-1] if given else ""
    if not text:
        _nothing(both("请填写", "fill this in") if kind not in CHOSEN else both("请选择", "choose one"))
    if kind in ("scalar", "scalars"):
        return scalar(text, seen) if kind == "scalar" else [scalar(one, seen) for one in _PART.findall(text)]
    return _READ[kind](text)


def _nothing(words: Words) -> Any:
    raise Wrong(words, missing=True)


def _pair(kind: str, given: Sequence[str]) -> list[Any]:
    if len(given) < 2 or not all(given[:2]):
        _nothing(both("请填写两个数", "fill in both numbers"))
    low, high = (_READ["whole" if kind == "wholes" else "number"](text) for text in given[:2])
    if low > high:
        raise Wrong(both("前一个数要小于后一个数", "the first number must be the smaller one"))
    return [low, high]


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read_one(text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) < 16 and low <= int(text) <= high:
            return int(text)
        raise Wrong(both(f"请填 {low} 到 {high:,} 的整数", f"a whole number from {low} to {high:,}"))

    return read_one


def _number(text: str) -> int | float:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        value = math.nan
    if not abs(value) <= 10**15:
        raise Wrong(both("请填一个数", "a number is needed"))
    return int(value) if value.is_integer() else value


def _fen(text: str) -> int:
    """Yuan with at most two decimals, as fen."""
    try:
        value = Decimal(text.replace(",", "").removeprefix("¥")) * 100
    except InvalidOperation:
        value = Decimal(-1)
    if not 0 <= value <= 10**12 or value != int(value):
        raise Wrong(both("请填金额（元），最多两位小数", "an amount in yuan, with at most two decimals"))
    return int(value)


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Wrong(both("请填日期，如 2026-01-31", "a date such as 2026-01-31")) from None


def _one_of(words: Collection[str]) -> Callable[[str], str]:
    def read_one(text: str) -> str:
        return text if text in words else _nothing(both("请选择", "choose one"))

    return read_one


def _name(text: str) -> str:
    if len(text) > 200 or "\0" in text:
        raise Wrong(both("太长了", "too long"))
    return text


CHOSEN = ("segment", "offer", "journey", "score", "side", "prediction", "predicted_day")
_READ: dict[str, Callable[[str], Any]] = {
    "name": _name,
    "segment": _name,
    "offer": _name,
    "journey": _name,
    "text": _name,
    "number": _number,
    "whole": _whole(0, 10**9),
    "fen": _fen,
    "days": _whole(1, LONGEST_WINDOW),
    "year": _whole(1, 366),
    "rank": _whole(1, 5),
    "date": _date,
    "score": _one_of(SCORES),
    "side": _one_of(SIDES),
    "prediction": _one_of(PREDICTIONS),
    "predicted_day": _one_of(PREDICTED_DAYS),
}
