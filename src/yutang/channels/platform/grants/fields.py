"""The fields of a subscribe message: their names say what may stand in them (``thing1``, ``time3``). Pure.

The lengths are those of the platform's page on subscribe messages; the platform refuses a message with a longer field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LONGEST = {
    "thing": 20,
    "phrase": 5,
    "name": 20,
    "character_string": 32,
    "letter": 32,
    "number": 32,
    "symbol": 5,
    "phone_number": 17,
    "car_number": 8,
}
"""Characters per kind of field; kinds that are not here (time, date, amount) have a form of their own."""
WORDS = {"thing", "phrase", "name"}
"""Prose, which may be cut; a number cut short would be another number."""
LONGEST_CHINESE_NAME = 10

_NAME = re.compile(r"([a-z_]+?)\d+")
_TEMPLATED = re.compile(r"{{|{%")


def longest(name: str, value: str) -> int | None:
    """How many characters a field may have; None where only the form counts."""
    found = _NAME.fullmatch(name)
    kind = found[1] if found else ""
    if kind == "name" and not value.isascii():
        return LONGEST_CHINESE_NAME
    return LONGEST.get(kind)


def cut(name: str, value: str) -> str:
    """The value as the platform takes it: on one line, prose no longer than it may be."""
    value, found = " ".join(value.split()), _NAME.fullmatch(name)
    most = longest(name, value)
    if most is None or len(value) <= most or found is None or found[1] not in WORDS:
        return value
    return value[: most - 1] + "…"


def data_of(attachment: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The fields in the platform's shape."""
    return {name: {"value": cut(name, str(value))} for name, value in attachment["data"].items()}


def problems(attachment: Mapping[str, Any]) -> list[str]:
    """What the platform would refuse in a rendered attachment, each part named; empty: nothing."""
    if found := _shape(attachment):
        return found
    return [text for name, parts in data_of(attachment).items() for text in _too_long(name, parts["value"])]


def check(attachment: Mapping[str, Any]) -> list[str]:
    """What is wrong with an attachment of a message on this channel, each with its fix; empty: nothing.

    ``{"kind": "subscribe", "template", "data": {field: text}, "page"?}``. A text with template expressions is judged when
    it has been rendered; a fixed text must fit as it stands.
    """
    if found := _shape(attachment):
        return found
    fixed = ((name, str(value)) for name, value in attachment["data"].items() if not _TEMPLATED.search(str(value)))
    return [text for name, value in fixed for text in _too_long(name, value)]


def _shape(attachment: Mapping[str, Any]) -> list[str]:
    kind, data = attachment.get("kind"), attachment.get("data")
    if kind != "subscribe":
        return [f"小程序消息需要附件 subscribe，而不是 '{kind}'。 use subscribe here, not '{kind}'"]
    found = []
    if not attachment.get("template"):
        found.append("template: 填写后台的模板 ID。 write the template's id from the platform's console")
    if not isinstance(data, Mapping) or not data:
        return [*found, "data: 应为 {字段: 文字}。 it must be {field: text}"]
    wrong = [str(name) for name in data if not _NAME.fullmatch(str(name))]
    return found + [f"data.{name}: 字段名如 thing1、time3。 fields are named like thing1 or time3" for name in wrong]


def _too_long(name: str, value: str) -> list[str]:
    most = longest(name, value)
    if not value.strip():
        return [f"data.{name}: 不能为空。 it must not be empty"]
    if most is not None and len(value) > most:
        return [f"data.{name}: 最多 {most} 个字符，现有 {len(value)}。 at most {most} characters, not {len(value)}"]
    return []
