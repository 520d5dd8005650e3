"""Messages of the platforms, XML or JSON, as plain dicts."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, ParseError

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from yutang.model import YutangError

DEEPEST = 16
REPEATED = {"Item", "item", "List"}
"""Elements that stand for one of several, even where there is only one."""


class Unreadable(YutangError):
    """The text is neither the XML nor the JSON of a platform, or it holds what is only sent to do harm."""


def read(text: str) -> dict[str, Any]:
    """The fields of a message. Raises Unreadable.

    Of XML, each value is text, exactly as it stands there; an element with elements inside is a dict, one that holds only
    ``Item`` (or ``List``) elements a list, and so is a field that comes more than once. JSON is given as it is.
    """
    text = text.lstrip("\ufeff \t\r\n")
    return _json(text) if text.startswith("{") else _xml(text)


def _json(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise _unreadable("JSON 格式不对", "this is not the JSON of a message") from None


def _xml(text: str) -> dict[str, Any]:
    try:
        root = fromstring(text, forbid_dtd=True)
    except DefusedXmlException:
        raise _unreadable("XML 不可含 DTD 或实体", "XML with a DTD or entities is refused") from None
    except (ParseError, ValueError, LookupError):
        raise _unreadable("XML 格式不对", "this is not well-formed XML") from None
    found = _value(root, 0)
    if not isinstance(found, dict):
        raise _unreadable("XML 里没有字段", "the XML holds no fields")
    return found


def _value(element: Element, depth: int) -> Any:
    if depth > DEEPEST:
        raise _unreadable("XML 嵌套过深", "the XML is nested too deeply")
    parts = [(part.tag, _value(part, depth + 1)) for part in element]
    if not parts:
        return element.text or ""
    if {tag for tag, _ in parts} <= REPEATED:
        return [value for _, value in parts]
    grouped: dict[str, list[Any]] = {}
    for tag, value in parts:
        grouped.setdefault(tag, []).append(value)
    return {tag: values if len(values) > 1 else values[0] for tag, values in grouped.items()}


def _unreadable(zh: str, en: str) -> Unreadable:
    return Unreadable(f"{zh}。 {en}")
