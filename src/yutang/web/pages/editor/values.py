"""The texts of a form and the values of the file: what was typed goes into the file as it is, and what is wrong with it is then
said where it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from ruamel.yaml.comments import CommentedMap

from yutang.brand import tree
from yutang.model import YutangError
from yutang.web.forms import text_of, texts_of
from yutang.web.pages.editor.cuts import plain

SPAN = ("days", "hours", "minutes")


class Unreadable(YutangError):
    """What was typed is no YAML, so it cannot go into the file."""


def scalar(text: str) -> Any:
    """A number, true, false or a text, as YAML would read it; nothing for an empty one."""
    text = text.strip()
    if not text:
        return None
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", text):
        return int(text)
    if re.fullmatch(r"-?\d+\.\d+", text):
        return float(text)
    return text


def shown(value: Any) -> str:
    """A value as its field shows it."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def whole(text: str) -> Any:
    """A whole number; whatever else was typed stays text, so that the check can say what is wrong with it."""
    found = scalar(text)
    return found if isinstance(found, int) and not isinstance(found, bool) else (text.strip() or None)


def span(form: Mapping[str, Any]) -> dict[str, Any]:
    """Days, hours and minutes, those that are filled in."""
    found = {unit: whole(text_of(form, unit)) for unit in SPAN}
    return {unit: value for unit, value in found.items() if value not in (None, 0)}


def fen(text: str) -> Any:
    """Yuan as they are typed, in fen."""
    try:
        amount = Decimal(text.strip().replace(",", "").removeprefix("¥")) * 100
    except InvalidOperation:
        return text.strip() or None
    return int(amount) if amount == int(amount) else text.strip()


def yuan(value: Any) -> str:
    """Fen as people type yuan."""
    if not isinstance(value, int):
        return shown(value)
    return f"{value // 100}" if value % 100 == 0 else f"{value / 100:.2f}"


def pairs(text: str) -> dict[str, Any]:
    """``store: S1, page: menu``, also with ``=``. Raises Unreadable."""
    text = text.strip().strip("{}").replace("：", ":").replace("，", ",")
    if not text:
        return {}
    text = re.sub(r"\s*=\s*", ": ", text) if ":" not in text else re.sub(r":(?=\S)", ": ", text)
    found = yaml("{" + text + "}")
    if not isinstance(found, dict):
        raise Unreadable(f"{text}：请写成 属性: 值，多项用逗号隔开。 write property: value, with commas between")
    return found


def pairs_shown(value: Any) -> str:
    """The opposite of `pairs`."""
    if not isinstance(value, dict) or not value:
        return "" if not value else shown(value)
    written = tree.write(plain({"x": bare(value)})).strip()
    return written.removeprefix("{x: {").removesuffix("}}").replace("\n", " ")


def rows(form: Mapping[str, Any], first: str, second: str) -> dict[str, str]:
    """Two columns of fields as names and texts; rows without a name are left out."""
    names, values = texts_of(form, first), texts_of(form, second)
    return {name.strip(): values[n] if n < len(values) else "" for n, name in enumerate(names) if name.strip()}


def yaml(text: str) -> Any:
    """Whatever was written in YAML, as plain values. Raises Unreadable."""
    if not text.strip():
        return None
    try:
        found = tree.read("value:\n" + "\n".join(f"  {line}" for line in text.splitlines()) + "\n")["value"]
    except Exception as error:
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise Unreadable(f"看不懂这段 YAML，请检查缩进和引号。 this is not YAML: {said}") from None
    return bare(found)


def yaml_shown(value: Any) -> str:
    """A value as YAML, in one line where it is short."""
    return "" if value is None else tree.write(bare(value)).removesuffix("...\n").strip()


def bare(value: Any) -> Any:
    """Without what the parser remembers of the text."""
    if isinstance(value, Mapping):
        return {str(key): bare(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [bare(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return str(value)


def put(item: CommentedMap, key: str, value: Any) -> None:
    """Another value of a key, if it is another; None takes the key away. Steps inside come last."""
    if value is None:
        item.pop(key, None)
    elif key not in item and "then" in item:
        item.insert(list(item).index("then"), key, plain(value))
    elif key not in item or bare(item[key]) != value:
        if item.get(key) == "":
            item[key] = None  # else the quotes of the empty text would be kept
        item[key] = plain(value)
