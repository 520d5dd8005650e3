"""What msgspec says of a text that has not the shape it should have, with the path as the sender knows it, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from yutang.handles import BY_NAME

_KINDS = {
    "int": "整数",
    "float": "数字",
    "str": "文本",
    "bool": "真假值",
    "array": "列表",
    "object": "对象",
    "null": "空值",
    "datetime": "时间",
}
_BOUNDS = {">=": "不小于", "<=": "不大于", ">": "大于", "<": "小于"}
_SAID: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"Object missing required field `(.+)`"), lambda found: f"缺少字段 {found[1]}"),
    (re.compile(r"Object contains unknown field `(.+)`"), lambda found: f"没有字段 {found[1]}，请去掉或改正拼写"),
    (re.compile(r"Expected `(.+)`, got `(.+)`"), lambda found: f"应为{_kinds(found[1])}，收到{_kinds(found[2])}"),
    (re.compile(r"Expected `(.+)` of length (\S+) (.+)"), lambda found: f"长度应{_BOUNDS[found[2]]} {found[3]}"),
    (re.compile(r"Expected `(.+)` ([<>]=?) (.+)"), lambda found: f"应{_BOUNDS[found[2]]} {found[3]}"),
    (re.compile(r"Expected `datetime` .*"), lambda _: "时间要带时区，例如 2026-01-31T09:30:00+08:00"),
    (re.compile(r"Invalid .* datetime"), lambda _: "不是时间，请写成例如 2026-01-31T09:30:00+08:00"),
    (re.compile(r"Number out of range"), lambda _: "数字太大，请写小一些的数，或写成文本"),
    (re.compile(r"Invalid enum value (.+)"), lambda found: f"没有 {found[1]} 这个值，请见接口文档"),
    (re.compile(r"(JSON is malformed|Input data was truncated).*"), lambda _: "不是合法的 JSON"),
    (re.compile(r".*"), lambda _: "格式不对，请对照接口文档"),
)
"""The messages and how they are said in Chinese, the last for all others."""
_BREAKS = (
    ("object keys", "名称要用双引号括起来", "write names in double quotes"),
    ("trailing comma", "多了一个逗号，请去掉", "remove the comma"),
    (
        "trailing characters",
        "后面还有多余的内容，请去掉，或检查前面是否少了逗号",
        "remove them, or put the comma before them",
    ),
    ("expected", "少了逗号、冒号或括号，请补上", "put it there"),
    ("invalid number", "数字写得不对，请写成例如 12.5", "write for example 12.5"),
    ("escape", "反斜杠后面的字符不对，反斜杠本身请写两个", "write a backslash twice"),
    (
        "",
        "有不该出现的字符，文本要用双引号，里面的换行写成 \\n",
        "text needs double quotes, and a line break in it is \\n",
    ),
)
"""Where JSON breaks: what the decoder's word holds, and what to do, in both languages; the last for all others."""
_BYTE = re.compile(r"\(byte (\d+)\)")
_NAN = re.compile(rb"-?(nan|inf(inity)?)\b", re.IGNORECASE)
_OF_A_NAME = "key` in `"
_PLAIN_NAME = re.compile(r"(?!.*\d{5})[^\W\d][\w.:-]{0,59}")


def where(root: str, message: str) -> str:
    """A message about a shape, its path first: ``root.items[0].amount_fen: …``."""
    text, _, path = message.partition(" - at ")
    path = path.strip("`")
    if path.startswith(_OF_A_NAME):
        path = path.removeprefix(_OF_A_NAME)
        return f"{path.replace('$', root, 1)}: 其中一个名称{_in_chinese(text)}。 a name in it: {text[:1].lower()}{text[1:]}"
    path = path.replace("$", root, 1) if path else root
    fix = "; write for example 2026-01-31T09:30:00+08:00" if "datetime" in text else ""
    return f"{path}: {_in_chinese(text)}。 {text[:1].lower()}{text[1:]}{fix}"


def named(message: str, text: bytes, objects: Mapping[str, Any]) -> str:
    """The message with the field's name where the decoder wrote ``[...]``.

    objects: the paths in `text` (``$``, ``$.traits``) where objects with names of the sender's own lie, and the type of their values.
    """
    for path, type in objects.items():
        if f"`{path}[...]" in message:
            return message.replace(f"{path}[...]", path + _culprit(text, path, type), 1)
    return message


def _culprit(text: bytes, path: str, type: Any) -> str:
    try:
        found = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        if inner := path.removeprefix("$").removeprefix("."):
            found = msgspec.json.decode(found[inner], type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):  # the text breaks further on
        return "[...]"
    return next((field(name) for name, value in found.items() if not _fits(value, type)), "[...]")


def _fits(value: msgspec.Raw, type: Any) -> bool:
    try:
        msgspec.json.decode(value, type=type)
    except (ValueError, RecursionError):
        return False
    return True


def field(name: str) -> str:
    """A sender's own name for a field as part of a path; one that may be personal data itself is not repeated."""
    kind, at, _ = name.partition("@")
    if at and kind in BY_NAME:
        return f".{kind}@…"
    return f".{name}" if _PLAIN_NAME.fullmatch(name) else "[...]"


def malformed(message: str, text: bytes) -> str:
    """Where a text ceases to be JSON, and what to do. Bytes count from 0, as the decoder counts them."""
    if not text.strip():
        return "内容是空的，请发 JSON。 empty; send JSON"
    place = _BYTE.search(message)
    if place is None:
        return (
            f"JSON 没有写完，到第 {len(text)} 字节就断了，请补全后重发。 "
            f"ends too early, after {len(text)} bytes; send the whole text"
        )
    at = int(place[1])
    if any(
        found.start() <= at - max(0, at - 9) <= found.end() + 1
        for found in _NAN.finditer(text[max(0, at - 9) : at + 9])
    ):
        return f"第 {at} 字节处是 NaN 或 Infinity，JSON 里没有这样的数，没有值就写 null。 {message}; NaN and Infinity are not JSON, write null"
    _, zh, en = next(each for each in _BREAKS if each[0] in message)
    return f"不是合法的 JSON，错在第 {at} 字节：{zh}。 {message}; {en}"


def said(message: str) -> str:
    """A message as it is, with the same in Chinese before it."""
    text, _, path = message.partition(" - at ")
    return f"{path and f'{path}：'}{_in_chinese(text)}。 {message}"


def _in_chinese(text: str) -> str:
    return next(say(found) for pattern, say in _SAID if (found := pattern.fullmatch(text)))


def _kinds(said: str) -> str:
    return "或".join(_KINDS.get(kind, kind) for kind in said.split(" | "))
